/** What follows the link layer: where the network layer starts and what it is. */
export interface Link {
  /** Offset of the network layer in the buffer. */
  at: number
  /** EtherType (0x0800 IPv4, 0x86dd IPv6, …); 0 = see the IP version. */
  type: number
  /** Where destination and source MAC address are, or -1. */
  macs: number
}

const IP_BY_VERSION = 0

/**
 * Walks over the link-layer headers of `buf[at .. end)`; the result is in `out`; returns '' or why there is no network layer.
 *
 * Ethernet (with VLAN, QinQ, PPPoE, MPLS, VN-Tag, Cisco FabricPath, LLC/SNAP), Linux cooked v1 and v2,
 * raw IP, NULL/LOOP, PPP, 802.11 with and without radiotap.
 *
 * @param link link type, https://www.tcpdump.org/linktypes.html
 */
export function linkLayer(buf: Uint8Array, at: number, end: number, link: number, out: Link): string {
  out.macs = -1
  switch (link) {
    case 1:
      return ethernet(buf, at, end, out)
    case 113: // LINUX_SLL: EtherType at 14
      if (end - at < 16) return 'link header is cut off'
      return network(buf, at + 16, end, u16(buf, at + 14), out)
    case 276: // LINUX_SLL2: EtherType first
      if (end - at < 20) return 'link header is cut off'
      return network(buf, at + 20, end, u16(buf, at), out)
    case 12: // raw IP under its several numbers
    case 14:
    case 101:
    case 228:
    case 229:
      out.at = at
      out.type = IP_BY_VERSION
      return ''
    case 0: // NULL: address family in the writer's byte order
    case 108: {
      if (end - at < 4) return 'link header is cut off'
      const family = buf[at]! | buf[at + 3]!
      // AF_INET is 2 everywhere, AF_INET6 10, 23, 24, 28 or 30 by system.
      if (![2, 10, 23, 24, 28, 30].includes(family)) return 'not IP'
      out.at = at + 4
      out.type = IP_BY_VERSION
      return ''
    }
    case 9: // PPP, with or without address and control bytes
    case 50: {
      if (end - at < 2) return 'link header is cut off'
      const skip = buf[at] === 0xff && buf[at + 1] === 0x03 ? 2 : 0
      return ppp(buf, at + skip, end, out)
    }
    case 104: // Cisco HDLC
      if (end - at < 4) return 'link header is cut off'
      return network(buf, at + 4, end, u16(buf, at + 2), out)
    case 105:
      return wireless(buf, at, end, out)
    case 127: {
      if (end - at < 8) return 'link header is cut off'
      const length = buf[at + 2]! | (buf[at + 3]! << 8)
      if (length < 8 || length > end - at) return 'link header is cut off'
      return wireless(buf, at + length, end, out)
    }
    default:
      return `link type ${link} is not supported`
  }
}

function u16(b: Uint8Array, p: number): number {
  return (b[p]! << 8) | b[p + 1]!
}

function ethernet(b: Uint8Array, start: number, end: number, out: Link): string {
  let at = start
  // Like Zeek, a frame needs something behind its header.
  if (end - at < 17) return 'link header is cut off'
  if (b[at + 12] === 0x89 && b[at + 13] === 0x03) {
    // Cisco FabricPath: another Ethernet header after 16 bytes.
    at += 16
    if (end - at < 15) return 'link header is cut off'
  }
  out.macs = at
  return network(b, at + 14, end, u16(b, at + 12), out)
}

/** Follows EtherTypes until the network layer. */
export function network(b: Uint8Array, start: number, end: number, firstType: number, out: Link): string {
  let at = start
  let type = firstType
  for (let depth = 0; depth < 16; depth++) {
    switch (type) {
      case 0x0800:
      case 0x86dd:
        out.at = at
        out.type = type
        return ''
      case 0x8100:
      case 0x88a8:
      case 0x9100:
        if (end - at < 5) return 'VLAN header is cut off'
        type = u16(b, at + 2)
        at += 4
        break
      case 0x8926: // VN-Tag
        if (end - at < 7) return 'VN-Tag header is cut off'
        type = u16(b, at + 4)
        at += 6
        break
      case 0x8864: // PPPoE session
        if (end - at < 9) return 'PPPoE header is cut off'
        return ppp(b, at + 6, end, out)
      case 0x8847:
      case 0x8848: {
        let bottom = false
        while (!bottom) {
          if (end - at < 5) return 'MPLS header is cut off'
          bottom = (b[at + 2]! & 1) === 1
          at += 4
        }
        // The payload is not named; the first half byte of IP is its version. A pseudo-wire control word
        // starts with 0 and is followed by Ethernet.
        const version = b[at]! >> 4
        if (version === 4 || version === 6) {
          out.at = at
          out.type = IP_BY_VERSION
          return ''
        }
        if (version === 0 && end - at > 4) return ethernet(b, at + 4, end, out)
        return 'MPLS payload is not IP'
      }
      default:
        if (type > 1500) return type === 0x0806 ? 'ARP' : 'not IP'
        // A length: LLC, with SNAP behind it where the type follows.
        if (end - at >= 8 && b[at] === 0xaa && b[at + 1] === 0xaa) {
          type = u16(b, at + 6)
          at += 8
          if (type <= 1500) return 'not IP'
          break
        }
        return 'not IP'
    }
  }
  return 'too many link headers'
}

function ppp(b: Uint8Array, at: number, end: number, out: Link): string {
  if (end - at < 2) return 'PPP header is cut off'
  // The protocol may be compressed to one byte, which is then odd.
  const short = (b[at]! & 1) === 1
  const protocol = short ? b[at]! : u16(b, at)
  out.at = at + (short ? 1 : 2)
  if (protocol === 0x21) out.type = 0x0800
  else if (protocol === 0x57) out.type = 0x86dd
  else return 'not IP'
  return ''
}

function wireless(b: Uint8Array, at: number, end: number, out: Link): string {
  if (end - at < 24) return 'link header is cut off'
  const control = b[at]!
  const flags = b[at + 1]!
  if (((control >> 2) & 3) !== 2) return '802.11 management or control frame'
  if (flags & 0x40) return '802.11 frame is encrypted'
  if (control & 0x40) return 'not IP'
  let header = 24
  if ((flags & 3) === 3) header += 6
  if (control & 0x80) header += 2
  const llc = at + header
  if (end - llc < 8) return 'link header is cut off'
  if (b[llc] !== 0xaa || b[llc + 1] !== 0xaa) return 'not IP'
  return network(b, llc + 8, end, u16(b, llc + 6), out)
}
