/** Where an address stands relative to the network being watched. */
export type Scope = 0 | 1 | 2 | 3
/** Not an address, unset, or the unspecified address (0.0.0.0, ::). */
export const SCOPE_UNKNOWN = 0
/** A unicast address inside the local networks. */
export const SCOPE_LOCAL = 1
/** A unicast address anywhere else. */
export const SCOPE_OUTSIDE = 2
/** Multicast or broadcast: many receivers, never a device. */
export const SCOPE_GROUP = 3

/** RFC 1918, RFC 6598 (carrier NAT) and RFC 4193 (unique local) networks: local unless told otherwise. */
export const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']
/** Loopback and link-local (RFC 1122, 3927, 4291): local to this link by definition. */
const ALWAYS_LOCAL = ['127.0.0.0/8', '169.254.0.0/16', '::1/128', 'fe80::/10']

/**
 * The address as bytes: 4 for dotted IPv4, 16 for IPv6 (RFC 4291 text forms; a zone `%eth0` is
 * ignored; an IPv4-mapped `::ffff:a.b.c.d` becomes 4). Undefined when `text` is no address.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text)
}

function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4)
  let part = 0
  let value = -1
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? 46 : text.charCodeAt(i)
    if (c === 46) {
      if (value < 0 || part > 3) return undefined
      bytes[part++] = value
      value = -1
    } else {
      if (c < 48 || c > 57) return undefined
      value = (value < 0 ? 0 : value * 10) + c - 48
      if (value > 255) return undefined
    }
  }
  return part === 4 ? bytes : undefined
}

function parseIpv6(text: string): Uint8Array | undefined {
  let body = text.split('%', 1)[0]!
  const dot = body.lastIndexOf(':') + 1
  if (body.includes('.', dot)) {
    const tail = parseIpv4(body.slice(dot))
    if (!tail) return undefined
    const hex = (i: number) => ((tail[i]! << 8) | tail[i + 1]!).toString(16)
    body = `${body.slice(0, dot)}${hex(0)}:${hex(2)}`
  }
  const halves = body.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map((h) => (h === '' ? [] : h.split(':')))
  const given = groups.reduce((n, g) => n + g.length, 0)
  if (halves.length === 2 ? given > 7 : given !== 8) return undefined
  const all = halves.length === 2 ? [...groups[0]!, ...Array(8 - given).fill('0'), ...groups[1]!] : groups[0]!
  const bytes = new Uint8Array(16)
  for (let i = 0; i < 8; i++) {
    if (!/^[0-9a-f]{1,4}$/i.test(all[i]!)) return undefined
    const group = Number.parseInt(all[i]!, 16)
    bytes[2 * i] = group >> 8
    bytes[2 * i + 1] = group & 255
  }
  const mapped = bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255
  return mapped ? bytes.slice(12) : bytes
}

interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** Parses `192.168.0.0/16` or a lone address. @throws RangeError when it is neither. */
function parseNetwork(cidr: string): Network {
  const [address = '', length] = cidr.trim().split('/')
  const bytes = parseAddress(address)
  const bits = length === undefined ? (bytes?.length ?? 0) * 8 : /^\d{1,3}$/.test(length) ? +length : -1
  if (!bytes || bits < 0 || bits > bytes.length * 8) {
    throw new RangeError(`a local network expects the form 192.168.0.0/16 or fd00::/8, got "${cidr}"`)
  }
  return { bytes, bits }
}

function contains(network: Network, address: Uint8Array): boolean {
  if (network.bytes.length !== address.length) return false
  const whole = network.bits >> 3
  for (let i = 0; i < whole; i++) if (network.bytes[i] !== address[i]) return false
  const rest = network.bits & 7
  return rest === 0 || (network.bytes[whole]! ^ address[whole]!) >> (8 - rest) === 0
}

/** Tells local addresses from others. */
export class LocalNetworks {
  readonly #networks: readonly Network[]

  /**
   * @param cidrs the local networks; default {@link PRIVATE_NETWORKS}. Loopback and link-local always count.
   * @throws RangeError when one is not in CIDR form.
   */
  constructor(cidrs: readonly string[] = PRIVATE_NETWORKS) {
    this.#networks = [...cidrs, ...ALWAYS_LOCAL].map(parseNetwork)
  }

  scope(text: string): Scope {
    const address = parseAddress(text)
    if (!address || address.every((b) => b === 0)) return SCOPE_UNKNOWN
    if (address.length === 4) {
      // 240/4 is reserved; of it only the limited broadcast address is seen on wires.
      if (address[0]! >= 224) return SCOPE_GROUP
    } else if (address[0] === 255) return SCOPE_GROUP
    if (!this.#networks.some((n) => contains(n, address))) return SCOPE_OUTSIDE
    // The directed broadcast of the common /24; hosts numbered .255 in wider networks are rare.
    return address.length === 4 && address[3] === 255 ? SCOPE_GROUP : SCOPE_LOCAL
  }
}
