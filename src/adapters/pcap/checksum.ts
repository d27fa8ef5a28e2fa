const ICMP = 1

let view: DataView = new DataView(new ArrayBuffer(0))
let viewed: Uint8Array | undefined

/**
 * Whether the Internet checksum (RFC 1071) of a TCP, UDP, ICMP or ICMPv6 packet is right.
 *
 * @param at offset of the transport header in `b`; the packet is `b[at .. at + length)`, all captured
 * @param key source address in words 0–3, destination in 4–7; IPv4 in words 3 and 7
 */
export function checksumIsRight(
  b: Uint8Array,
  at: number,
  length: number,
  protocol: number,
  key: Uint32Array,
  v6: boolean,
): boolean {
  if (b !== viewed) {
    view = new DataView(b.buffer, b.byteOffset, b.byteLength)
    viewed = b
  }
  // The sum is the same in either byte order, but for the order of its bytes.
  let sum = 0
  const end = at + length
  let p = at
  for (; p + 8 <= end; p += 8) {
    const x = view.getUint32(p, true)
    const y = view.getUint32(p + 4, true)
    sum = (sum + (x & 0xffff) + (x >>> 16) + (y & 0xffff) + (y >>> 16)) | 0
  }
  for (; p + 2 <= end; p += 2) sum += b[p]! | (b[p + 1]! << 8)
  if (p < end) sum += b[p]!
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = ((sum & 0xff) << 8) | (sum >>> 8)
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
