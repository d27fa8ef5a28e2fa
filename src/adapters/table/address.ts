import { isIPv4, isIPv6 } from 'node:net'

const MAC = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i

/** `text` as the schema writes addresses: dotted IPv4, RFC 5952 IPv6, MAC lower case with colons; undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (isIPv6(text)) {
    const address = text.split('%')[0]!
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
    if (mapped) return `::ffff:${mapped[1]}`
    // The URL standard serialises IPv6 hosts the way RFC 5952 section 4 asks for.
    return new URL(`http://[${address}]`).hostname.slice(1, -1)
  }
  return canonicalMac(text)
}

/** A MAC address in lower case with colons; undefined when `text` is none. */
export function canonicalMac(text: string): string | undefined {
  return MAC.test(text) ? text.toLowerCase().replaceAll('-', ':') : undefined
}
