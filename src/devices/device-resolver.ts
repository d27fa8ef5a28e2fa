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

/** A MAC that routes for more foreign networks than this is a gateway. A dual-stack device has 1–3 of its own. */
const MAX_OWN_NETWORKS = 4
/** A MAC with more local addresses than this is a router inside the site, not a device with changing leases. */
const MAX_OWN_ADDRESSES = 16
/** Entries kept of each thing learned (names, MACs, owners of addresses); later ones are ignored. */
const MAX_LEARNED = 1 << 18

/** What a MAC address has been seen to carry. */
interface Carrier {
  gateway: boolean
  /** Foreign networks (IPv4 address or IPv6 /64) that traffic was sent to through this MAC; until it is a gateway. */
  readonly foreign: Set<string>
  /** Local IPv4 addresses; until it is a gateway. */
  readonly local: Set<string>
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
  readonly #carriers = new Map<string, Carrier>()
  readonly #names = new Map<string, string>()
  /** MAC -> the addresses it used, so that a name learned for an address finds the device. */
  readonly #addresses = new Map<string, Set<string>>()
  #scopes = new Map<string, Scope>()

  /**
   * @param options.local the local networks in CIDR form; default the private ranges
   * @throws RangeError when one is not in CIDR form
   */
  constructor(options: { local?: readonly string[] } = {}) {
    this.#networks = new LocalNetworks(options.local?.length ? options.local : undefined)
  }

  /** The batch with `device`, `device_is_orig` and `peer_scope` filled; the other columns are shared. */
  assign(batch: FlowBatch): FlowBatch {
    if (batch.names) for (const [who, name] of batch.names) remember(this.#names, who, name)
    const { length: n } = batch
    const orig = new Side(batch.orig_h, batch.orig_l2_addr)
    const resp = new Side(batch.resp_h, batch.resp_l2_addr)
    if (this.#scopes.size > MAX_LEARNED) this.#scopes = new Map()
    const isOrig = new Uint8Array(n)
    const peerScope = new Uint8Array(n)
    const device = new DictionaryBuilder(Math.max(1, n))
    for (let i = 0; i < n; i++) {
      const origScope = this.#scopeOf(orig, i)
      const respScope = this.#scopeOf(resp, i)
      const origCarrier = this.#carrierOf(orig, i)
      const respCarrier = this.#carrierOf(resp, i)
      // An address is proven to lie behind a MAC when traffic is sent to it there. A source address
      // that never gets an answer may be forged: it must not turn an attacking device into a gateway.
      if (respCarrier && resp.newPair(i)) learn(respCarrier, resp.address(i), respScope)
      if (origCarrier && batch.resp_pkts[i]! > 0 && orig.newPair(i)) {
        learn(origCarrier, orig.address(i), origScope)
      }
      const respIsBehind = origCarrier?.gateway && respCarrier && !respCarrier.gateway
      const byOrig = origScope === SCOPE_LOCAL || (respScope !== SCOPE_LOCAL && !respIsBehind)
      isOrig[i] = byOrig ? 1 : 0
      peerScope[i] = byOrig ? respScope : origScope
      const side = byOrig ? orig : resp
      const carrier = byOrig ? origCarrier : respCarrier
      device.pushCode(
        carrier && !carrier.gateway ? side.byMac(i, device, this.#addresses) : side.byAddress(i, device),
      )
    }
    return { ...batch, device: device.finish(), device_is_orig: isOrig, peer_scope: peerScope }
  }

  /** Host name learned for a device (DHCP, mDNS), whether for its MAC or for an address it used. */
  nameOf(device: string): string | undefined {
    const own = this.#names.get(device)
    if (own !== undefined) return own
    for (const address of this.#addresses.get(device) ?? []) {
      const name = this.#names.get(address)
      if (name !== undefined) return name
    }
    return undefined
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

  #carrierOf(side: Side, i: number): Carrier | undefined {
    if (!side.macs) return undefined
    const code = side.macs.codes[i]!
    let carrier = side.carriers[code]
    if (carrier === undefined) {
      carrier = this.#carrier(side.macs.values[code]!)
      side.carriers[code] = carrier
    }
    return carrier ?? undefined
  }

  /** What is known of `mac`; null where it names nobody (unset, group address) or there are too many. */
  #carrier(mac: string): Carrier | null {
    if (mac === '' || mac === '00:00:00:00:00:00' || isGroupMac(mac)) return null
    let carrier = this.#carriers.get(mac)
    if (!carrier) {
      if (this.#carriers.size >= MAX_LEARNED) return null
      carrier = { gateway: false, foreign: new Set(), local: new Set() }
      this.#carriers.set(mac, carrier)
    }
    return carrier
  }
}

const UNSEEN = 255

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
  /** By address code: the MAC code whose use of it was noted last. */
  readonly #owner: Int32Array
  readonly #learned: Int32Array

  constructor(addresses: Dictionary, macs: Dictionary | undefined) {
    this.addresses = addresses
    this.macs = macs
    this.scopes = new Uint8Array(addresses.values.length).fill(UNSEEN)
    this.carriers = new Array(macs?.values.length ?? 0)
    this.#deviceByAddress = new Int32Array(addresses.values.length).fill(-1)
    this.#deviceByMac = new Int32Array(macs?.values.length ?? 0).fill(-1)
    this.#learned = new Int32Array(macs ? addresses.values.length : 0).fill(-1)
    this.#owner = new Int32Array(macs ? addresses.values.length : 0).fill(-1)
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

  byMac(i: number, device: DictionaryBuilder, used: Map<string, Set<string>>): number {
    const code = this.macs!.codes[i]!
    if (this.#deviceByMac[code] === -1) this.#deviceByMac[code] = device.intern(this.macs!.values[code]!)
    const address = this.addresses.codes[i]!
    if (this.#owner[address] !== code) {
      this.#owner[address] = code
      rememberUse(used, this.macs!.values[code]!, this.addresses.values[address]!)
    }
    return this.#deviceByMac[code]!
  }
}

/** Notes that `address` lies behind the MAC; decides when it must be a gateway. */
function learn(carrier: Carrier, address: string, scope: Scope): void {
  if (carrier.gateway) return
  if (scope === SCOPE_OUTSIDE) {
    carrier.foreign.add(networkOf(address))
    carrier.gateway = carrier.foreign.size > MAX_OWN_NETWORKS
  } else if (scope === SCOPE_LOCAL && !address.includes(':')) {
    carrier.local.add(address)
    carrier.gateway = carrier.local.size > MAX_OWN_ADDRESSES
  }
  if (carrier.gateway) {
    carrier.foreign.clear()
    carrier.local.clear()
  }
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

/** The latest MAX_OWN_ADDRESSES addresses of a MAC, newest last. */
function rememberUse(used: Map<string, Set<string>>, mac: string, address: string): void {
  let addresses = used.get(mac)
  if (!addresses) {
    if (used.size >= MAX_LEARNED) return
    addresses = new Set()
    used.set(mac, addresses)
  }
  addresses.delete(address)
  addresses.add(address)
  if (addresses.size > MAX_OWN_ADDRESSES) addresses.delete(addresses.values().next().value!)
}

function remember(map: Map<string, string>, key: string, value: string): void {
  if (map.has(key) || map.size < MAX_LEARNED) map.set(key, value)
}
