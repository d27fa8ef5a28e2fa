import {
  LocalNetworks,
  parseAddress,
  SCOPE_GROUP,
  SCOPE_LOCAL,
  SCOPE_OUTSIDE,
  type Scope,
} from '../schema/address.ts'
import { type Dictionary, DictionaryBuilder, stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import { Recent, type RecentEntries } from '../schema/recent.ts'
import type { Undo } from '../schema/undo.ts'

/** A MAC that routes for more foreign networks than this is a gateway. A dual-stack device has 1–3 of its own. */
const MAX_OWN_NETWORKS = 4
/** A MAC with more local addresses than this is a router inside the site, not a device with changing leases. */
const MAX_OWN_ADDRESSES = 16
/** MACs remembered, at least half as many; those unseen for longest are forgotten. */
const MOST_MACS = 1 << 18
/** Names remembered; later ones are ignored. */
const MOST_NAMES = 1 << 18
/** Addresses whose scope is kept at hand. */
const MOST_SCOPES = 1 << 18

/** What a MAC address has been seen to carry. */
interface Carrier {
  gateway: boolean
  /** Foreign networks (IPv4 address or IPv6 /64) that traffic was sent to through this MAC; until it is a gateway. */
  foreign: readonly string[]
  /** Local IPv4 addresses; until it is a gateway. */
  local: readonly string[]
  /** The addresses it used as a device, those met last at the end, so that a name learned for an address finds the device. */
  used: readonly string[]
}

/** Everything learned so far, JSON-able. */
export interface DevicesState {
  readonly names: readonly (readonly [string, string])[]
  readonly macs: RecentEntries<string, Carrier>
}

/**
 * Says which local device each flow belongs to.
 *
 * The device is the local side of a flow; the originator when both sides are local or neither is.
 * It is named by its MAC where the source has one, so that IPv4, IPv6 and changing leases stay one
 * device, else by its address. A gateway's MAC stands for many hosts and therefore names none of them:
 * behind it the address is used. Where neither side is local (a host with a public address), the side
 * that is not behind a gateway is the device.
 *
 * Streaming: what is learned from a flow applies from that flow on, so the outcome depends on the
 * order of flows and not on how they are cut into batches. Memory is bounded.
 */
export class DeviceResolver {
  readonly #networks: LocalNetworks
  readonly #carriers = new Recent<string, Carrier>(MOST_MACS)
  readonly #names = new Map<string, string>()
  #scopes = new Map<string, Scope>()

  /**
   * @param options.local the local networks in CIDR form; default the private ranges
   * @throws RangeError when one is not in CIDR form
   */
  constructor(options: { local?: readonly string[] } = {}) {
    this.#networks = new LocalNetworks(options.local?.length ? options.local : undefined)
  }

  /**
   * The batch with `device`, `device_is_orig` and `peer_scope` filled, and `device_name` where any name is known; the
   * other columns are shared.
   *
   * @param undo where given, learns how to put back what was learned
   */
  assign(batch: FlowBatch, undo?: Undo): FlowBatch {
    if (batch.names) for (const [who, name] of batch.names) remember(this.#names, who, name, undo)
    const { length: n } = batch
    const orig = new Side(batch.orig_h, batch.orig_l2_addr)
    const resp = new Side(batch.resp_h, batch.resp_l2_addr)
    if (this.#scopes.size > MOST_SCOPES) this.#scopes = new Map()
    const isOrig = new Uint8Array(n)
    const peerScope = new Uint8Array(n)
    const device = new DictionaryBuilder(Math.max(1, n))
    const names = this.#names.size > 0 ? new DictionaryBuilder(Math.max(1, n)) : undefined
    /** By device code: code of its name. */
    const named: number[] = []
    for (let i = 0; i < n; i++) {
      const origScope = this.#scopeOf(orig, i)
      const respScope = this.#scopeOf(resp, i)
      const origCarrier = this.#carrierOf(orig, i, undo)
      const respCarrier = this.#carrierOf(resp, i, undo)
      // An address is proven to lie behind a MAC when traffic is sent to it there. A source address
      // that never gets an answer may be forged: it must not turn an attacking device into a gateway.
      if (respCarrier && resp.newPair(i)) learn(respCarrier, resp.address(i), respScope, undo)
      if (origCarrier && batch.resp_pkts[i]! > 0 && orig.newPair(i)) {
        learn(origCarrier, orig.address(i), origScope, undo)
      }
      const respIsBehind = origCarrier?.gateway && respCarrier && !respCarrier.gateway
      const byOrig = origScope === SCOPE_LOCAL || (respScope !== SCOPE_LOCAL && !respIsBehind)
      isOrig[i] = byOrig ? 1 : 0
      peerScope[i] = byOrig ? respScope : origScope
      const side = byOrig ? orig : resp
      const carrier = byOrig ? origCarrier : respCarrier
      const byMac = carrier && !carrier.gateway
      const code = byMac ? side.byMac(i, device) : side.byAddress(i, device)
      const fresh = byMac && side.noteUse(i, carrier, undo)
      device.pushCode(code)
      if (!names) continue
      // Looked up where it may change, so that the name a row has does not depend on later ones.
      if (fresh || named[code] === undefined) {
        const id = byMac ? side.mac(i) : side.address(i)
        named[code] = names.intern(this.nameOf(id) ?? '')
      }
      names.pushCode(named[code]!)
    }
    const assigned = { ...batch, device: device.finish(), device_is_orig: isOrig, peer_scope: peerScope }
    return names ? { ...assigned, device_name: names.finish() } : assigned
  }

  /** Host name learned for a device (DHCP, mDNS), whether for its MAC or for an address it used. */
  nameOf(device: string): string | undefined {
    const own = this.#names.get(device)
    if (own !== undefined) return own
    for (const address of this.#carriers.look(device)?.used ?? []) {
      const name = this.#names.get(address)
      if (name !== undefined) return name
    }
    return undefined
  }

  /** @param most of names and of MACs; those learned or seen last. All of them when left out */
  save(most = Number.POSITIVE_INFINITY): DevicesState {
    const { old, young } = this.#carriers.save()
    const kept = [...old, ...young].slice(-most)
    const cut = Math.max(0, kept.length - young.length)
    return {
      names: [...this.#names].slice(-most),
      macs: { old: kept.slice(0, cut), young: kept.slice(cut) },
    }
  }

  /** @throws RangeError when it is no state of a resolver */
  restore(state: DevicesState): void {
    if (!isState(state)) throw new RangeError('the saved names and MAC addresses of devices are damaged')
    const { names, macs } = state
    this.#names.clear()
    for (const [who, name] of names) this.#names.set(who, name)
    this.#carriers.restore(macs)
  }

  #scopeOf(side: Side, i: number): Scope {
    const code = side.addresses.codes[i]!
    let scope = side.scopes[code]!
    if (scope === UNSEEN) {
      const text = side.addresses.values[code]!
      scope = this.#scopes.get(text) ?? this.#networks.scope(text)
      this.#scopes.set(text, scope as Scope)
      side.scopes[code] = scope
    }
    if (scope === SCOPE_LOCAL && side.macs && isGroupMac(side.mac(i))) return SCOPE_GROUP
    return scope as Scope
  }

  #carrierOf(side: Side, i: number, undo: Undo | undefined): Carrier | undefined {
    if (!side.macs) return undefined
    const code = side.macs.codes[i]!
    let carrier = side.carriers[code]
    if (carrier === undefined) {
      carrier = this.#carrier(side.macs.values[code]!, undo)
      side.carriers[code] = carrier
    }
    return carrier ?? undefined
  }

  /** What is known of `mac`; null where it names nobody (unset, group address). */
  #carrier(mac: string, undo: Undo | undefined): Carrier | null {
    if (mac === '' || mac === '00:00:00:00:00:00' || isGroupMac(mac)) return null
    let carrier = this.#carriers.get(mac, undo)
    if (!carrier) {
      carrier = { gateway: false, foreign: none, local: none, used: none }
      this.#carriers.set(mac, carrier, undo)
    }
    return carrier
  }
}

function isState({ names, macs }: DevicesState): boolean {
  const texts = (list: unknown) => Array.isArray(list) && list.every((text) => typeof text === 'string')
  const carriers = [macs?.old, macs?.young]
  return (
    Array.isArray(names) &&
    names.every((pair) => texts(pair) && pair.length === 2) &&
    carriers.every(
      (list) =>
        Array.isArray(list) &&
        list.every(([mac, c]) => typeof mac === 'string' && [c?.foreign, c?.local, c?.used].every(texts)),
    )
  )
}

const UNSEEN = 255
const none: readonly string[] = []

/** One side (originator or responder) of a batch, with what its dictionary codes mean, looked up once each. */
class Side {
  readonly addresses: Dictionary
  readonly macs: Dictionary | undefined
  /** By address code. */
  readonly scopes: Uint8Array
  /** By MAC code; null = the MAC names nobody. */
  readonly carriers: (Carrier | null | undefined)[]
  readonly #deviceByAddress: Int32Array
  readonly #deviceByMac: Int32Array
  /** By address code: the uses of the MAC that used it last, as they were then. */
  readonly #noted: (readonly string[] | undefined)[]
  readonly #learned: Int32Array

  constructor(addresses: Dictionary, macs: Dictionary | undefined) {
    this.addresses = addresses
    this.macs = macs
    this.scopes = new Uint8Array(addresses.values.length).fill(UNSEEN)
    this.carriers = new Array(macs?.values.length ?? 0)
    this.#deviceByAddress = new Int32Array(addresses.values.length).fill(-1)
    this.#deviceByMac = new Int32Array(macs?.values.length ?? 0).fill(-1)
    this.#learned = new Int32Array(macs ? addresses.values.length : 0).fill(-1)
    this.#noted = new Array(macs ? addresses.values.length : 0)
  }

  address(i: number): string {
    return stringAt(this.addresses, i)
  }

  mac(i: number): string {
    return stringAt(this.macs!, i)
  }

  /** Whether the address of row i was last asked about with another MAC: saves learning the same thing again. */
  newPair(i: number): boolean {
    const address = this.addresses.codes[i]!
    const mac = this.macs!.codes[i]!
    if (this.#learned[address] === mac) return false
    this.#learned[address] = mac
    return true
  }

  byAddress(i: number, device: DictionaryBuilder): number {
    const code = this.addresses.codes[i]!
    if (this.#deviceByAddress[code] === -1) {
      this.#deviceByAddress[code] = device.intern(this.addresses.values[code]!)
    }
    return this.#deviceByAddress[code]!
  }

  byMac(i: number, device: DictionaryBuilder): number {
    const code = this.macs!.codes[i]!
    if (this.#deviceByMac[code] === -1) this.#deviceByMac[code] = device.intern(this.macs!.values[code]!)
    return this.#deviceByMac[code]!
  }

  /** Notes the address of row i as used by its MAC; whether that is news. */
  noteUse(i: number, carrier: Carrier, undo: Undo | undefined): boolean {
    const code = this.addresses.codes[i]!
    const { used } = carrier
    // Nothing was noted of the MAC since its use of this address was.
    if (this.#noted[code] === used) return false
    const fresh = !used.includes(this.addresses.values[code]!)
    if (fresh) {
      carrier.used = [...used, this.addresses.values[code]!].slice(-MAX_OWN_ADDRESSES)
      undo?.push(() => {
        carrier.used = used
      })
    }
    this.#noted[code] = carrier.used
    return fresh
  }
}

/** Notes that `address` lies behind the MAC; decides when it must be a gateway. */
function learn(carrier: Carrier, address: string, scope: Scope, undo: Undo | undefined): void {
  if (carrier.gateway) return
  const before = { ...carrier }
  if (scope === SCOPE_OUTSIDE) {
    carrier.foreign = withOne(carrier.foreign, networkOf(address))
    carrier.gateway = carrier.foreign.length > MAX_OWN_NETWORKS
  } else if (scope === SCOPE_LOCAL && !address.includes(':')) {
    carrier.local = withOne(carrier.local, address)
    carrier.gateway = carrier.local.length > MAX_OWN_ADDRESSES
  }
  if (carrier.gateway) carrier.foreign = carrier.local = none
  undo?.push(() => Object.assign(carrier, before))
}

function withOne(list: readonly string[], entry: string): readonly string[] {
  return list.includes(entry) ? list : [...list, entry]
}

/** IPv6 privacy addresses (RFC 8981) of one host change within its /64, so that is what counts. */
function networkOf(address: string): string {
  const bytes = address.includes(':') ? parseAddress(address) : undefined
  return bytes?.length === 16 ? bytes.subarray(0, 8).join() : address
}

/** Multicast and broadcast MACs have the lowest bit of the first byte set (IEEE 802). */
function isGroupMac(mac: string): boolean {
  const second = mac.charCodeAt(1) | 32
  const nibble = second > 57 ? second - 87 : second - 48
  return (nibble & 1) === 1
}

function remember(map: Map<string, string>, key: string, value: string, undo: Undo | undefined): void {
  const before = map.get(key)
  if (before === value || (before === undefined && map.size >= MOST_NAMES)) return
  undo?.push(() => {
    if (before === undefined) map.delete(key)
    else map.set(key, before)
  })
  map.set(key, value)
}
