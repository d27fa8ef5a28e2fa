import {
  LocalNetworks,
  parseAddress,
  SCOPE_GROUP,
  SCOPE_LOCAL,
  SCOPE_OUTSIDE,
  SCOPE_UNKNOWN,
} from '../schema/address.ts'
import type { Anomaly } from '../schema/anomaly.ts'

/** What a flow was for, from the device's side. */
export interface Place {
  readonly direction: 'out' | 'in'
  /** `443/tcp`, as incidents count it; `443` where the source does not say the transport. */
  readonly service: string
  /** The other side's address. */
  readonly peer: string
}

const networks = new LocalNetworks()

/** Where a flow went, from its fields; undefined for a reading. */
export function placeOf({ device, fields }: Pick<Anomaly, 'device' | 'fields'>): Place | undefined {
  const { orig_h, resp_h, orig_l2_addr, resp_l2_addr, resp_p = 0, proto = '' } = fields
  if (resp_h === undefined) return undefined
  const opened = orig_h === device || orig_l2_addr === device
  const reached = !opened && (resp_h === device || resp_l2_addr === device)
  return {
    direction: reached ? 'in' : 'out',
    service: proto === '' ? String(resp_p) : `${resp_p}/${proto}`,
    peer: String((reached ? orig_h : resp_h) ?? ''),
  }
}

/**
 * Who else is meant by an address: a neighbour only itself; the servers of a service outside change within their
 * network, so for those it is the /24 or, in IPv6, the /48 around it.
 */
export function peerNetwork(address: string): string {
  const bytes = networks.scope(address) === SCOPE_OUTSIDE ? parseAddress(address) : undefined
  if (!bytes) return address.toLowerCase()
  if (bytes.length === 4) return `${bytes.subarray(0, 3).join('.')}.0/24`
  const groups = [0, 2, 4].map((at) => ((bytes[at]! << 8) | bytes[at + 1]!).toString(16))
  return `${groups.join(':')}::/48`
}

/** Where an address stands: `local`, `outside`, `group` or `unknown`. */
export function peerClass(address: string): string {
  const names = { [SCOPE_UNKNOWN]: 'unknown', [SCOPE_LOCAL]: 'local', [SCOPE_OUTSIDE]: 'outside' }
  const scope = networks.scope(address)
  return scope === SCOPE_GROUP ? 'group' : names[scope]
}
