/** What a tunnel carries. */
export interface Inner {
  at: number
  /** Offset behind the captured bytes. */
  end: number
  /** EtherType, or 1 for an Ethernet frame. */
  type: number
}

const ETHERNET = 1
const IPV4 = 0x0800
const IPV6 = 0x86dd

/**
 * What GRE carries (RFC 2784, RFC 2890; enhanced GRE of PPTP, RFC 2637; ERSPAN I–III).
 *
 * @returns '' or why it cannot be followed
 */
export function innerOfGre(b: Uint8Array, at: number, end: number, inner: Inner): string {
  if (end - at < 4) return 'GRE header is cut off'
  const flags = u16(b, at)
  const type = u16(b, at + 2)
  const version = flags & 7
  if (version > 1 || flags & 0x4000) return 'GRE version or routing is not supported'
  let p = at + 4
  if (flags & 0x8000) p += 4
  if (flags & 0x2000) p += 4
  if (flags & 0x1000) p += 4
  if (flags & 0x0080) p += 4
  inner.end = end
  if (version === 1) {
    // PPP: address, control, protocol.
    if (type !== 0x880b) return 'GRE payload is not IP'
    if (end - p < 4) return 'GRE header is cut off'
    const full = b[p] === 0xff && b[p + 1] === 0x03
    const protocol = full ? u16(b, p + 2) : u16(b, p)
    inner.at = p + (full ? 4 : 2)
    inner.type = protocol === 0x21 ? IPV4 : protocol === 0x57 ? IPV6 : 0
    return inner.type === 0 ? 'GRE payload is not IP' : ''
  }
  inner.at = p
  inner.type = type
  if (type === 0x6558) inner.type = ETHERNET
  else if (type === 0x88be) {
    inner.at = p + (flags & 0x1000 ? 8 : 0)
    inner.type = ETHERNET
  } else if (type === 0x22eb) {
    if (end - p < 12) return 'GRE header is cut off'
    inner.at = p + 12 + (b[p + 11]! & 1 ? 8 : 0)
    inner.type = ETHERNET
  }
  return inner.at < end ? '' : 'GRE header is cut off'
}

/**
 * What a UDP datagram tunnels, where its port or its content says so: VXLAN (RFC 7348), Geneve (RFC 8926),
 * GTP-U (3GPP TS 29.281), Teredo (RFC 4380), AYIYA, GRE (RFC 8086).
 *
 * @param at offset of the UDP header
 */
export function innerOfUdp(b: Uint8Array, at: number, end: number, inner: Inner): boolean {
  const source = u16(b, at)
  const destination = u16(b, at + 2)
  const p = at + 8
  inner.end = Math.min(end, at + u16(b, at + 4))
  if (destination === 4789 || source === 4789) {
    if ((b[p]! & 8) === 0) return false
    inner.at = p + 8
    inner.type = ETHERNET
    return inner.at < inner.end
  }
  if (destination === 6081 || source === 6081) {
    if (b[p]! >> 6 !== 0) return false
    inner.at = p + 8 + (b[p]! & 0x3f) * 4
    inner.type = u16(b, p + 2)
    if (inner.type === 0x6558) inner.type = ETHERNET
    return inner.at < inner.end
  }
  if (destination === 2152 || source === 2152 || destination === 2123 || source === 2123)
    return gtp(b, p, inner)
  if (destination === 4754 || source === 4754) return innerOfGre(b, p, inner.end, inner) === ''
  if (b[p + 1] === 0x52 && b[p + 2] === 0x11) return ayiya(b, p, inner)
  const first = b[p]!
  if (first >> 4 === 6 || (first === 0 && b[p + 1]! <= 1)) {
    return teredo(b, p, inner, destination === 3544 || source === 3544)
  }
  return false
}

function gtp(b: Uint8Array, at: number, inner: Inner): boolean {
  const flags = b[at]!
  // Version 1, GTP (not GTP'), message G-PDU.
  if (flags >> 5 !== 1 || (flags & 0x10) === 0 || b[at + 1] !== 255) return false
  let p = at + 8
  if (flags & 7) {
    let next = flags & 4 ? b[p + 3]! : 0
    p += 4
    for (let i = 0; next !== 0 && i < 8; i++) {
      const length = b[p]! * 4
      if (length === 0 || p + length > inner.end) return false
      next = b[p + length - 1]!
      p += length
    }
  }
  if (inner.end - p < 20) return false
  inner.at = p
  const version = b[p]! >> 4
  inner.type = version === 4 ? IPV4 : IPV6
  // The length has to be right, else it is no user data.
  const length = version === 4 ? u16(b, p + 2) : 40 + u16(b, p + 4)
  return (version === 4 || version === 6) && length === inner.end - p
}

function ayiya(b: Uint8Array, at: number, inner: Inner): boolean {
  const header = 8 + (1 << (b[at]! >> 4)) + (b[at + 1]! >> 4) * 4
  if ((b[at + 2]! & 15) !== 1 || at + header >= inner.end) return false
  inner.at = at + header
  inner.type = b[at + 3] === 41 ? IPV6 : b[at + 3] === 4 ? IPV4 : 0
  return inner.type !== 0
}

function teredo(b: Uint8Array, at: number, inner: Inner, byPort: boolean): boolean {
  let p = at
  let wrapped = false
  if (b[p] === 0 && b[p + 1] === 1) {
    if (inner.end - p < 4) return false
    p += 13 + b[p + 2]! + b[p + 3]!
    wrapped = true
  }
  if (inner.end - p >= 8 && b[p] === 0 && b[p + 1] === 0) {
    p += 8
    wrapped = true
  }
  if (inner.end - p < 40 || b[p]! >> 4 !== 6) return false
  // Without port or header the address prefix 2001:0000::/32 has to be there.
  if (!byPort && !wrapped && !isTeredoPrefix(b, p + 8) && !isTeredoPrefix(b, p + 24)) return false
  const length = 40 + u16(b, p + 4)
  if (length !== inner.end - p) return false
  inner.at = p
  inner.type = IPV6
  return true
}

function isTeredoPrefix(b: Uint8Array, p: number): boolean {
  return b[p] === 0x20 && b[p + 1] === 0x01 && b[p + 2] === 0 && b[p + 3] === 0
}

function u16(b: Uint8Array, p: number): number {
  return (b[p]! << 8) | b[p + 1]!
}
