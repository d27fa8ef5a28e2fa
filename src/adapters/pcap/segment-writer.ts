import { checksumIsRight } from './checksum.ts'
import { KEY_ONE_WAY, KEY_V6 } from './flow-record.ts'
import * as P from './packet-batch.ts'

const TCP = 6
const UDP = 17
const ICMP = 1
const ICMP6 = 58

/** IP packets longer than a usual frame were put together by offloading. */
const MTU = 1600

/** ICMP types and what answers them. */
const ICMP4_ANSWERS = new Map([
  [8, 0], [0, 8], [13, 14], [14, 13], [15, 16], [16, 15], [10, 9], [9, 10], [17, 18], [18, 17],
]) // biome-ignore format: pairs
const ICMP6_ANSWERS = new Map([
  [128, 129], [129, 128], [133, 134], [134, 133], [135, 136], [136, 135], [130, 131], [131, 130],
  [139, 140], [140, 139], [144, 145], [145, 144],
]) // biome-ignore format: pairs

/** Reads transport headers into {@link PacketBatch}es; everything that needs no flow is decided here. */
export class SegmentWriter {
  /** The packet's addresses: words 0–3 source, 4–7 destination; IPv4 in words 3 and 7. */
  readonly key = new Uint32Array(8)
  v6 = false
  #batch: P.PacketBatch
  readonly #emit: (batch: P.PacketBatch) => P.PacketBatch
  #view: DataView = new DataView(new ArrayBuffer(0))
  #viewed: Uint8Array | undefined
  #ts = 0
  /** Entries before those of the captured packet at hand. */
  #before = 0

  constructor(batch: P.PacketBatch, emit: (batch: P.PacketBatch) => P.PacketBatch) {
    this.#batch = batch
    this.#emit = emit
  }

  /** Begins a captured packet. */
  begin(buf: Uint8Array, ts: number): void {
    if (this.#batch.full) this.flush()
    this.#batch.bytes = buf
    this.#before = this.#batch.count
    this.#ts = ts
  }

  /** Ends it: with or without a segment it counts and moves the clock. */
  end(): void {
    const { words, doubles } = this.#batch
    const o = this.#before * P.STRIDE
    if (this.#batch.count === this.#before) {
      this.#batch.count++
      words[o + P.BITS] = P.CAPTURED
      doubles[(o + P.TS) >> 1] = this.#ts
    } else words[o + P.BITS]! |= P.CAPTURED
  }

  /** Hands over what there is; to be called before the bytes of its packets change. */
  flush(): void {
    if (this.#batch.count === 0) return
    this.#batch = this.#emit(this.#batch)
    this.#batch.count = 0
    this.#batch.spareUsed = 0
  }

  /** A view of the same bytes. */
  viewOf(buf: Uint8Array): DataView {
    if (buf !== this.#viewed) {
      this.#view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength)
      this.#viewed = buf
    }
    return this.#view
  }

  /**
   * Adds a segment between the addresses in {@link key}.
   *
   * @param at offset of the transport header in `buf`
   * @param length bytes from there by the IP header
   * @param captured bytes from there that were captured
   * @param ipLength length of the IP packet, headers included
   * @param macs where the link-layer addresses (destination, source) are in `macBuf`, or -1
   * @returns '' or why it cannot be used
   */
  add(
    buf: Uint8Array,
    at: number,
    length: number,
    captured: number,
    protocol: number,
    ipLength: number,
    macs: number,
    macBuf: Uint8Array,
  ): string {
    const batch = this.#batch
    const w = batch.words
    const o = batch.count * P.STRIDE
    const view = this.viewOf(buf)
    let ports = 0
    let word = protocol
    let bits = P.SEGMENT
    let header = 0
    let payload = 0
    if (protocol === TCP) {
      if (captured < 20 || length < 20) return 'transport header is cut off'
      ports = view.getInt32(at)
      header = (buf[at + 12]! >> 4) * 4
      bits |= buf[at + 13]!
      payload = length - header
      if (header < 20 || header > length || header > captured) {
        bits |= P.BAD_HEADER
        payload = 0
        header = captured
      }
      w[o + P.SEQ] = view.getInt32(at + 4)
      w[o + P.ACK] = view.getInt32(at + 8)
      w[o + P.WINDOW] = view.getUint16(at + 14)
    } else if (protocol === UDP) {
      if (captured < 8 || length < 8) return 'transport header is cut off'
      ports = view.getInt32(at)
      header = 8
      payload = Math.max(view.getUint16(at + 4) - 8, 0)
    } else if (protocol === ICMP || protocol === ICMP6) {
      if (captured < 8 || length < 8) return 'ICMP header is cut off'
      const type = buf[at]!
      const answer = (protocol === ICMP ? ICMP4_ANSWERS : ICMP6_ANSWERS).get(type)
      ports = (type << 16) | (answer ?? buf[at + 1]!)
      if (answer === undefined) word |= KEY_ONE_WAY
      header = captured
      payload = length - 8
    } else header = captured
    if (this.v6) word |= KEY_V6
    const { key } = this
    if (this.v6) w.set(key, o)
    else {
      for (let i = 0; i < 8; i++) w[o + i] = 0
      w[o + P.SOURCE + 3] = key[3]!
      w[o + P.DESTINATION + 3] = key[7]!
    }
    w[o + P.PORTS] = ports
    w[o + P.KEY] = word
    w[o + P.HASH] = hashKey(key, ports, word)
    if (captured >= length) bits |= P.WHOLE | this.#checked(buf, at, length, protocol, ipLength)
    const available = Math.min(captured, length) - header
    let payloadAt = at + header
    if (available > 0 && buf !== batch.bytes) {
      bits |= P.IN_SPARE
      batch.spare.set(buf.subarray(payloadAt, payloadAt + available), batch.spareUsed)
      payloadAt = batch.spareUsed
      batch.spareUsed += available
    }
    w[o + P.BITS] = bits
    batch.doubles[(o + P.TS) >> 1] = this.#ts
    w[o + P.PAYLOAD] = payload
    w[o + P.AVAILABLE] = Math.max(available, 0)
    w[o + P.PAYLOAD_AT] = payloadAt
    w[o + P.IP_LENGTH] = ipLength
    if (macs >= 0) {
      const m = this.viewOf(macBuf)
      // Source first in the record, destination first on the wire.
      w[o + P.MACS] = m.getInt32(macs + 6, true)
      w[o + P.MACS + 1] = m.getUint16(macs + 10, true) | (m.getUint16(macs, true) << 16)
      w[o + P.MACS + 2] = m.getInt32(macs + 2, true)
    } else {
      w[o + P.MACS] = 0
      w[o + P.MACS + 1] = 0
      w[o + P.MACS + 2] = 0
    }
    batch.count++
    return ''
  }

  /** What the checksum tells. Receive offloading merges segments without a new one. */
  #checked(buf: Uint8Array, at: number, length: number, protocol: number, ipLength: number): number {
    if (ipLength > MTU || length === 0) return 0
    const view = this.viewOf(buf)
    if (protocol === UDP) {
      if (view.getUint16(at + 6) === 0) return 0
    } else if (protocol !== TCP && protocol !== ICMP && protocol !== ICMP6) return 0
    return checksumIsRight(view, at, length, protocol, this.key, this.v6)
      ? P.CHECKSUM_RIGHT
      : P.CHECKSUM_WRONG
  }
}

/** A hash that is the same for both directions. */
function hashKey(key: Uint32Array, ports: number, protocol: number): number {
  let a = Math.imul(key[3]! ^ ((ports >>> 16) * 0x10001), 0xcc9e2d51)
  let b = Math.imul(key[7]! ^ ((ports & 0xffff) * 0x10001), 0xcc9e2d51)
  if (protocol & KEY_V6) {
    a = mix(mix(mix(a, key[2]!), key[1]!), key[0]!)
    b = mix(mix(mix(b, key[6]!), key[5]!), key[4]!)
  }
  a ^= a >>> 15
  b ^= b >>> 15
  let h = Math.imul((a + b) ^ protocol, 0x9e3779b1) ^ Math.imul(a ^ b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  return h ^ (h >>> 15)
}

function mix(h: number, value: number): number {
  h = Math.imul(h ^ value, 0xcc9e2d51)
  return Math.imul((h << 15) | (h >>> 17), 0x1b873593)
}
