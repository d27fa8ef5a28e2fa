import { Random } from '../kernels/random.ts'
import { hash } from './choices.ts'
import type { Conversation } from './conversation.ts'
import { headerBytes } from './flow-record.ts'
import { type Packet, SYN } from './packets.ts'
import { addressBytes } from './protocols/bytes.ts'

/** Longest frame that can occur. */
export const MAX_FRAME_BYTES = 1514
/** Frames up to this length are kept whole; longer ones lose filler beyond it, never a protocol's real bytes. */
const KEPT_BYTES = 128

const FILLER = new Uint8Array(1 << 16)
/** FILLER_SUMS[i] = sum of the first i 16-bit words of the filler: the checksum of filler costs one subtraction. */
const FILLER_SUMS = new Float64Array((FILLER.length >> 1) + 1)
{
  const random = new Random(0x66696c6c)
  for (let i = 0; i < FILLER.length; i++) FILLER[i] = random.uint32() >>> 24
  for (let i = 0; i < FILLER.length; i += 2) {
    FILLER_SUMS[(i >> 1) + 1] = FILLER_SUMS[i >> 1]! + ((FILLER[i]! << 8) | FILLER[i + 1]!)
  }
}

/** What all packets of a conversation share, per direction: [from originator, from responder]. */
interface Addressing {
  readonly ip6: boolean
  /** Destination and source MAC, EtherType. */
  readonly ethernet: readonly [Uint8Array, Uint8Array]
  /** Source and destination address. */
  readonly addresses: readonly [Uint8Array, Uint8Array]
  /** Sum of the address words, for the pseudo header. */
  readonly addressSum: number
  readonly ttl: readonly [number, number]
}

const known = new WeakMap<Conversation, Addressing>()

function addressing(c: Conversation): Addressing {
  let a = known.get(c)
  if (a) return a
  const ip6 = c.orig.ip.includes(':')
  const ends = [c.orig, c.resp]
  const mac = ends.map((e) => e.mac.split(':').map((part) => Number.parseInt(part, 16)))
  const ip = ends.map((e) => addressBytes(e.ip))
  const ethernet = (from: number, to: number) =>
    Uint8Array.from([...mac[to]!, ...mac[from]!, ...(ip6 ? [0x86, 0xdd] : [0x08, 0x00])])
  const addresses = (from: number, to: number) => Uint8Array.from([...ip[from]!, ...ip[to]!])
  // A host some routers away has used up part of its time to live; link-local multicast is sent with 255 (RFC 6762).
  const ttl = (e: { ip: string }) =>
    c.resp_p === 5353 ? 255 : c.rtt > 0.006 && e === c.resp ? 48 + (hash(e.ip) % 10) : 64
  a = {
    ip6,
    ethernet: [ethernet(0, 1), ethernet(1, 0)],
    addresses: [addresses(0, 1), addresses(1, 0)],
    addressSum: sum(addresses(0, 1), 0, 2 * ip[0]!.length),
    ttl: [ttl(c.orig), ttl(c.resp)],
  }
  known.set(c, a)
  return a
}

/** One's complement sum of big-endian 16-bit words (RFC 1071), not yet folded; an odd last byte is padded. */
function sum(bytes: Uint8Array, from: number, to: number): number {
  let s = 0
  for (let i = from; i + 1 < to; i += 2) s += (bytes[i]! << 8) | bytes[i + 1]!
  if ((to - from) & 1) s += bytes[to - 1]! << 8
  return s
}

function fold(s: number): number {
  let x = s
  while (x > 0xffff) x = (x % 65536) + Math.floor(x / 65536)
  return x
}

/** Bytes of the whole frame as it was on the wire. */
export function frameLength(p: Packet): number {
  return 14 + headerBytes(p.conversation, p.flags) + p.length
}

/**
 * Writes a packet as an Ethernet frame to `out` at `at`, all checksums right for the whole packet.
 *
 * @returns how many of its {@link frameLength} bytes were written: filler beyond 128 bytes is cut, as by a snap length
 */
export function writeFrame(p: Packet, out: Uint8Array, at: number): number {
  const c = p.conversation
  const a = addressing(c)
  const side = p.fromOrig ? 0 : 1
  const headers = headerBytes(c, p.flags)
  const transport = headers - (a.ip6 ? 40 : 20)
  out.set(a.ethernet[side], at)
  const ip = at + 14
  if (a.ip6) {
    put32(out, ip, 0x60000000)
    put16(out, ip + 4, transport + p.length)
    out[ip + 6] = c.proto
    out[ip + 7] = a.ttl[side]
    out.set(a.addresses[side], ip + 8)
  } else {
    put16(out, ip, 0x4500)
    put16(out, ip + 2, headers + p.length)
    put16(out, ip + 4, (c.seed + p.time) % 65536)
    put16(out, ip + 6, 0x4000)
    out[ip + 8] = a.ttl[side]
    out[ip + 9] = c.proto
    put16(out, ip + 10, 0)
    out.set(a.addresses[side], ip + 12)
    put16(out, ip + 10, ~fold(sum(out, ip, ip + 20)))
  }

  const l4 = ip + headers - transport
  const payload = l4 + transport
  const checksumAt = writeTransport(p, out, l4, transport)
  const pseudo = c.proto === 1 ? 0 : a.addressSum + c.proto + transport + p.length
  const { stored, total } = writePayload(p, out, payload, KEPT_BYTES - 14 - headers)
  const checksum = ~fold(pseudo + sum(out, l4, payload) + total) & 0xffff
  // A UDP checksum of zero would mean "none" (RFC 768).
  put16(out, checksumAt, checksum === 0 && c.proto === 17 ? 0xffff : checksum)
  return payload + stored - at
}

/** Writes the header behind IP with a zero checksum; returns where the checksum belongs. */
function writeTransport(p: Packet, out: Uint8Array, l4: number, length: number): number {
  const c = p.conversation
  const from = p.fromOrig ? c.orig_p : c.resp_p
  const to = p.fromOrig ? c.resp_p : c.orig_p
  if (c.proto === 6) {
    put16(out, l4, from)
    put16(out, l4 + 2, to)
    put32(out, l4 + 4, p.seq)
    put32(out, l4 + 8, p.ack)
    out[l4 + 12] = (length >> 2) << 4
    out[l4 + 13] = p.flags
    put16(out, l4 + 14, p.flags & SYN ? 64240 : 502)
    put32(out, l4 + 16, 0)
    if (p.flags & SYN) {
      const mss = c.orig.ip.includes(':') ? 1440 : 1460
      put32(out, l4 + 20, 0x02040000 | mss)
      put32(out, l4 + 24, 0x01010402)
      put32(out, l4 + 28, 0x01030307)
    }
    return l4 + 16
  }
  if (c.proto === 17) {
    put16(out, l4, from)
    put16(out, l4 + 2, to)
    put16(out, l4 + 4, length + p.length)
    put16(out, l4 + 6, 0)
    return l4 + 6
  }
  // ICMP echo: the request has the type of the originator's "port", the answer that of the responder's.
  out[l4] = from
  out[l4 + 1] = 0
  put16(out, l4 + 2, 0)
  put16(out, l4 + 4, c.seed & 0xffff)
  put16(out, l4 + 6, p.seq & 0xffff)
  return l4 + 2
}

/** Writes what is kept of the payload: `total` is the word sum of all of it, `stored` the bytes written. */
function writePayload(
  p: Packet,
  out: Uint8Array,
  at: number,
  room: number,
): { stored: number; total: number } {
  const real = p.content ? Math.min(p.length, p.content.length - p.contentOffset) : 0
  if (real > 0) out.set(p.content!.subarray(p.contentOffset, p.contentOffset + real), at)
  let total = sum(out, at, at + real)
  const filler = p.length - real
  const stored = Math.max(real, Math.min(p.length, room))
  if (filler > 0) {
    const first = p.seq & 0x7ffe
    out.set(FILLER.subarray(first, first + stored - real), at + real)
    let s = FILLER_SUMS[(first + filler) >> 1]! - FILLER_SUMS[first >> 1]!
    if (filler & 1) s += FILLER[first + filler - 1]! << 8
    // Words that start at an odd place count with their bytes swapped.
    if (real & 1) {
      const folded = fold(s)
      s = ((folded & 0xff) << 8) | (folded >> 8)
    }
    total += s
  }
  return { stored, total }
}

function put16(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 8
  out[at + 1] = value
}

function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
}
