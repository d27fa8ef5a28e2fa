const ICMP = 1

/**
 * Whether the Internet checksum (RFC 1071) of a TCP, UDP, ICMP or ICMPv6 packet is right.
 *
 * @param b the bytes; the packet is `at .. at + length`, all captured, at most 64 KiB
 * @param at offset of the transport header
 * @param key source address in words 0–3, destination in 4–7; IPv4 in words 3 and 7
 */
export function checksumIsRight(
  b: DataView,
  at: number,
  length: number,
  protocol: number,
  key: Uint32Array,
  v6: boolean,
): boolean {
  // Sums of the upper and of the lower halves of big-endian words, kept apart: neither passes 2^31.
  let high = 0
  let low = 0
  const end = at + length
  let p = at
  for (; p + 8 <= end; p += 8) {
    const x = b.getInt32(p)
    const y = b.getInt32(p + 4)
    high = (high + (x >>> 16) + (y >>> 16)) | 0
    low = (low + (x & 0xffff) + (y & 0xffff)) | 0
  }
  for (; p + 2 <= end; p += 2) low += b.getUint16(p)
  if (p < end) low += b.getUint8(p) << 8
  let sum = high + low
  sum = (sum & 0xffff) + (sum >>> 16)
  if (v6) {
    for (let i = 0; i < 8; i++) sum += (key[i]! & 0xffff) + (key[i]! >>> 16)
    sum += protocol + length
  } else if (protocol !== ICMP) {
    sum += (key[3]! & 0xffff) + (key[3]! >>> 16) + (key[7]! & 0xffff) + (key[7]! >>> 16) + protocol + length
  }
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  return sum === 0xffff
}
