import { checksumIsRight } from './checksum.ts'
import * as R from './flow-record.ts'
import { FlowTable } from './flow-table.ts'
import { isLikelyServer } from './server-ports.ts'
import { DHCP, FTP, guessService, MDNS, SSH } from './service.ts'
import { addHistory, flipRecord, isPowerOfTen, TcpTracker } from './tcp.ts'

/** Takes finished flows, in the order of (packet at which they were finished, first packet). */
export interface FlowSink {
  /**
   * @param u record as words; valid only during the call
   * @param f the same memory as doubles
   * @param b the record's first word
   * @param at number of the packet that finished the flow
   */
  flow(u: Uint32Array, f: Float64Array, b: number, at: number): void
  /** A payload that may tell host names (DHCP, multicast DNS). */
  naming(service: number, buf: Uint8Array, at: number, length: number, packet: number): void
}

/** One packet's transport layer, filled by the dissector and reused for every packet. */
export class Segment {
  /** Words 0–3 source, 4–7 destination; IPv4 in words 3 and 7. */
  readonly key = new Uint32Array(8)
  /** Protocol number. */
  protocol = 0
  v6 = false
  buf: Uint8Array = new Uint8Array(0)
  /** Where the transport header starts in `buf`. */
  at = 0
  /** Bytes from there by the IP header. */
  length = 0
  /** Bytes from there that were captured. */
  captured = 0
  /** Length of the IP packet, headers included. */
  ipLength = 0
  ts = 0
  /** Where the link-layer addresses (destination, source) are in `macBuf`, or -1. */
  macs = -1
  macBuf: Uint8Array = new Uint8Array(0)
}

/** Flow tables; a flow belongs to one by its hash, whatever the number of workers. */
export const SHARDS = 4
/** Live flows a shard keeps; beyond it those that would end next are finished early. */
export const MAX_FLOWS = 196_608

const TCP = 6
const UDP = 17
const ICMP = 1
const ICMP6 = 58

/** Seconds without a packet after which a flow that is not TCP ends. */
const INACTIVITY = 60
/** Payloads looked at before the service is given up. */
const PROBES = 6
/** Zeek's housekeeping of half-closed connections: first after 5 s, then every 6 s. */
const FIRST_CHECK = 5
const CHECK_EVERY = 6
const LINGER = 5
/** Shorter than any timeout, seconds. */
const NEAR = 5

const UDP_ORIG_SEEN = 1
const UDP_RESP_SEEN = 0x10000
const LETTER_C = 67
const LETTER_D = 68
/** IP packets longer than a usual frame were put together by offloading. */
const MTU = 1600

/** Bit i set: ICMP type i is answered by COUNTERPART[i]. */
const ICMP4_ANSWERS = new Map([
  [8, 0], [0, 8], [13, 14], [14, 13], [15, 16], [16, 15], [10, 9], [9, 10], [17, 18], [18, 17],
]) // biome-ignore format: pairs
const ICMP6_ANSWERS = new Map([
  [128, 129], [129, 128], [133, 134], [134, 133], [135, 136], [136, 135], [130, 131], [131, 130],
  [139, 140], [140, 139], [144, 145], [145, 144],
]) // biome-ignore format: pairs

/**
 * Puts packets together to flows, the way Zeek fills conn.log.
 *
 * Memory is bounded by {@link MAX_FLOWS}; flows end in event time. Every shard sees the same clock, so the
 * flows and their order do not depend on which shards this assembler owns.
 */
export class FlowAssembler {
  readonly segment = new Segment()
  /** Flows finished early for want of room. */
  evicted = 0
  /** Packets that did not count because of a wrong checksum. */
  badChecksums = 0
  readonly #tables: FlowTable[] = []
  readonly #tcp: TcpTracker[] = []
  readonly #owned: boolean[]
  readonly #sink: FlowSink
  #packet = 0
  #tick = Number.NEGATIVE_INFINITY
  #finished: number[] = []
  #sharding = 0

  /** @param owned the shards to keep; packets of the others are passed over */
  constructor(sink: FlowSink, owned: readonly number[] = [...Array(SHARDS).keys()]) {
    this.#sink = sink
    this.#owned = Array.from({ length: SHARDS }, (_, shard) => owned.includes(shard))
    for (let i = 0; i < SHARDS; i++) {
      const table = new FlowTable()
      this.#tables.push(table)
      this.#tcp.push(new TcpTracker(table))
    }
  }

  /** Packets that passed {@link clock}. */
  get packets(): number {
    return this.#packet
  }

  /** Every captured packet passes here first: it counts them and lets time go on. */
  clock(ts: number): void {
    this.#packet++
    const tick = Math.floor(ts)
    if (tick > this.#tick) {
      this.#tick = tick
      for (let shard = 0; shard < SHARDS; shard++) {
        if (!this.#owned[shard]) continue
        this.#sharding = shard
        this.#tables[shard]!.advance(tick, this.#due)
      }
      if (this.#finished.length > 0) this.#emit()
    } else if (tick < this.#tick - 3600) {
      // One packet with a wild time must not stop the clock for all that follow.
      this.#tick = tick
      for (const table of this.#tables) table.advance(tick, this.#due)
    }
  }

  /** Finishes all flows that are still live. */
  finish(): void {
    for (let shard = 0; shard < SHARDS; shard++) {
      this.#sharding = shard
      this.#tables[shard]!.drain(Number.POSITIVE_INFINITY, this.#end)
    }
    this.#packet++
    this.#emit()
  }

  /** Takes {@link segment}; returns '' or why it cannot be used. */
  take(): string {
    const s = this.segment
    const { buf, at } = s
    let ports = 0
    let protocol = s.protocol
    let headerLength = 0
    if (protocol === TCP || protocol === UDP) {
      const least = protocol === TCP ? 20 : 8
      if (s.captured < least || s.length < least) return 'transport header is cut off'
      ports = ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0
      headerLength = protocol === TCP ? (buf[at + 12]! >> 4) * 4 : 8
    } else if (protocol === ICMP || protocol === ICMP6) {
      if (s.captured < 8 || s.length < 8) return 'ICMP header is cut off'
      const type = buf[at]!
      const answer = (protocol === ICMP ? ICMP4_ANSWERS : ICMP6_ANSWERS).get(type)
      ports = ((type << 16) | (answer ?? buf[at + 1]!)) >>> 0
      if (answer === undefined) protocol |= R.KEY_ONE_WAY
    }
    if (s.v6) protocol |= R.KEY_V6
    const hash = hashKey(s.key, ports, protocol)
    const shard = hash >>> 30
    if (!this.#owned[shard]) return ''
    const table = this.#tables[shard]!
    const tcp = this.#tcp[shard]!
    let flags = 0
    if (s.protocol === TCP) {
      flags = buf[at + 13]!
      tcp.ts = s.ts
      tcp.seq = ((buf[at + 4]! << 24) | (buf[at + 5]! << 16) | (buf[at + 6]! << 8) | buf[at + 7]!) >>> 0
    }

    let slot = table.find(hash, s.key, ports, protocol)
    if (slot >= 0) {
      const { u, f, b } = table
      // Most packets follow the one before closely; then only a set deadline can have passed.
      const near =
        u[b + R.MODE] === R.NO_DEADLINE && s.ts - f[(b + R.LAST) >> 1]! < NEAR && u[b + R.TIMEOUT] !== 0
      const end = near ? Number.POSITIVE_INFINITY : deadline(u, f, b)
      if (end <= s.ts || (s.protocol === TCP && headerLength >= 20 && tcp.isReuse(flags))) {
        // It is over; it goes out with the next tick of the clock.
        table.u[table.b + R.MODE] = R.CLOSING
        table.f[(table.b + R.DEADLINE) >> 1] = Math.min(end, s.ts)
        table.forget(slot)
        table.schedule(slot, s.ts)
        slot = -1
      }
    }
    if (slot < 0) slot = this.#begin(shard, table, hash, ports, protocol, flags)

    const { u, f, b } = table
    let isOrig =
      u[b + R.ORIG_ADDR + 3] === s.key[3] &&
      u[b + R.PORTS]! >>> 16 === ports >>> 16 &&
      (!s.v6 || sameAddress(u, b + R.ORIG_ADDR, s.key, 0))

    if (!this.#verified(u, b, isOrig)) return ''
    if (s.protocol === TCP) {
      // A header length that cannot be: the flow exists, the packet tells nothing.
      if (headerLength < 20 || headerLength > s.length || headerLength > s.captured) return ''
      tcp.ack = ((buf[at + 8]! << 24) | (buf[at + 9]! << 16) | (buf[at + 10]! << 8) | buf[at + 11]!) >>> 0
      const window = (buf[at + 14]! << 8) | buf[at + 15]!
      const payload = s.length - headerLength
      isOrig = tcp.segment(slot, isOrig, flags, window, payload, s.captured >= s.length)
      if (payload > 0) this.#look(u, b, at + headerLength, s.captured - headerLength, payload, isOrig)
    } else {
      f[(b + R.LAST) >> 1] = s.ts
      if (s.protocol === UDP) {
        const payload = Math.max(((buf[at + 4]! << 8) | buf[at + 5]!) - 8, 0)
        const bit = isOrig ? UDP_ORIG_SEEN : UDP_RESP_SEEN
        if ((u[b + R.SEEN]! & bit) === 0) {
          u[b + R.SEEN] = u[b + R.SEEN]! | bit
          addHistory(u, b, isOrig ? LETTER_D : LETTER_D + 32)
        }
        this.#count(u, f, b, isOrig, payload)
        if (s.length > 8) this.#look(u, b, at + 8, s.captured - 8, s.length - 8, isOrig)
      } else if (s.protocol === ICMP || s.protocol === ICMP6) {
        this.#count(u, f, b, isOrig, s.length - 8)
      }
    }
    const side = b + (isOrig ? R.ORIG : R.RESP)
    u[side + R.SIDE_PACKETS]!++
    f[(side + R.SIDE_IP_BYTES) >> 1]! += s.ipLength
    return ''
  }

  /**
   * Whether the packet's checksum lets it count.
   *
   * A receiver drops a packet with a wrong checksum, so it must not count, as in Zeek. But a capture made on
   * the sending machine shows checksums that the network card fills in later. So a wrong one is held against
   * a packet only where its sender got one right before in this flow, while damage stays the exception, and
   * only up to the usual frame size, because receive offloading merges segments without a new checksum.
   */
  #verified(u: Uint32Array, b: number, isOrig: boolean): boolean {
    const s = this.segment
    if (s.captured < s.length || s.ipLength > MTU || s.length === 0) return true
    if (s.protocol === UDP) {
      if (s.buf[s.at + 6] === 0 && s.buf[s.at + 7] === 0) return true
    } else if (s.protocol !== TCP && s.protocol !== ICMP && s.protocol !== ICMP6) return true
    const bit = isOrig ? R.ORIG_VERIFIED : R.RESP_VERIFIED
    if (checksumIsRight(s.buf, s.at, s.length, s.protocol, s.key, s.v6)) {
      u[b + R.FLAGS] = u[b + R.FLAGS]! | bit
      return true
    }
    if ((u[b + R.FLAGS]! & bit) === 0) return true
    const base = b + (isOrig ? R.ORIG : R.RESP)
    const wrong = (u[base + R.SIDE_FLAGS]! >>> 8) + 1
    if (2 * wrong > u[base + R.SIDE_PACKETS]!) return true
    this.badChecksums++
    u[base + R.SIDE_FLAGS] = u[base + R.SIDE_FLAGS]! + 0x100
    if (s.protocol !== ICMP && s.protocol !== ICMP6 && isPowerOfTen(wrong)) {
      addHistory(u, b, isOrig ? LETTER_C : LETTER_C + 32)
    }
    return false
  }

  #count(u: Uint32Array, f: Float64Array, b: number, isOrig: boolean, payload: number): void {
    const side = b + (isOrig ? R.ORIG : R.RESP)
    u[side + R.SIDE_STATE] = R.ESTABLISHED
    f[(side + R.SIDE_NEXT) >> 1]! += payload
  }

  #begin(
    shard: number,
    table: FlowTable,
    hash: number,
    ports: number,
    protocol: number,
    flags: number,
  ): number {
    const s = this.segment
    if (table.size >= MAX_FLOWS) {
      this.#sharding = shard
      const before = table.size
      table.drain(MAX_FLOWS >> 4, this.#end)
      this.evicted += before - table.size
      this.#emit()
    }
    const slot = table.insert(hash)
    const { u, f, b } = table
    for (let i = 0; i < 8; i++) u[b + i] = s.key[i]!
    u[b + R.PORTS] = ports
    u[b + R.KEY] = protocol
    f[(b + R.FIRST_PACKET) >> 1] = this.#packet
    f[(b + R.START) >> 1] = s.ts
    f[(b + R.LAST) >> 1] = s.ts
    if (s.macs >= 0) {
      const m = s.macs
      const w = s.macBuf
      // Source first in the record, destination first on the wire.
      u[b + R.MACS] = w[m + 6]! | (w[m + 7]! << 8) | (w[m + 8]! << 16) | (w[m + 9]! << 24)
      u[b + R.MACS + 1] = w[m + 10]! | (w[m + 11]! << 8) | (w[m]! << 16) | (w[m + 1]! << 24)
      u[b + R.MACS + 2] = w[m + 2]! | (w[m + 3]! << 8) | (w[m + 4]! << 16) | (w[m + 5]! << 24)
    }
    u[b + R.TIMEOUT] = s.protocol === TCP ? 0 : INACTIVITY
    if (this.#startsFlipped(ports, flags)) {
      flipRecord(u, b)
      addHistory(u, b, 94)
    }
    table.schedule(slot, s.ts + (s.protocol === TCP ? LINGER : INACTIVITY))
    return slot
  }

  /** Whether the sender of a flow's first packet is more likely the responder, by the ports. */
  #startsFlipped(ports: number, flags: number): boolean {
    const s = this.segment
    const source = ports >>> 16
    const destination = ports & 0xffff
    if (s.protocol === UDP) {
      if (!isLikelyServer(17, source) || isLikelyServer(17, destination)) return false
    } else if (s.protocol === TCP) {
      const syn = (flags & 2) !== 0
      if (syn && (flags & 16) === 0) return false
      if (!isLikelyServer(6, source)) return false
      if (isLikelyServer(6, destination) && (syn || source >= destination)) return false
    } else return false
    return s.v6 || s.key[7] !== 0xffffffff
  }

  /** Looks into a payload for the service, until it is known or given up. */
  #look(u: Uint32Array, b: number, at: number, captured: number, length: number, isOrig: boolean): void {
    const s = this.segment
    const word = u[b + R.SERVICE]!
    const known = word & 0xff
    const available = Math.min(captured, length)
    if (known !== 0) {
      if (known === MDNS || known === DHCP) this.#sink.naming(known, s.buf, at, available, this.#packet)
      return
    }
    const probes = (word >>> 8) & 0xff
    if (probes >= PROBES || available <= 0) return
    const ports = u[b + R.PORTS]!
    const found = guessService(s.protocol, ports >>> 16, ports & 0xffff, isOrig, s.buf, at, available)
    u[b + R.SERVICE] = ((probes + 1) << 8) | found
    if (found === MDNS || found === DHCP) this.#sink.naming(found, s.buf, at, available, this.#packet)
    else if ((found === SSH || found === FTP) && s.protocol === TCP) u[b + R.TIMEOUT] = 3600
  }

  readonly #due = (slot: number): void => {
    const table = this.#tables[this.#sharding]!
    table.at(slot)
    const end = deadline(table.u, table.f, table.b)
    if (end <= this.#tick) this.#end(slot)
    else table.schedule(slot, end)
  }

  readonly #end = (slot: number): void => {
    this.#tables[this.#sharding]!.forget(slot)
    this.#finished.push(this.#sharding, slot)
  }

  /** Hands the finished flows over, ordered by their first packet. */
  #emit(): void {
    const finished = this.#finished
    const count = finished.length >> 1
    // First packet and place in one double: 2^32 packets, 2^20 flows at once.
    const order = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const table = this.#tables[finished[2 * i]!]!
      table.at(finished[2 * i + 1]!)
      order[i] = table.f[(table.b + R.FIRST_PACKET) >> 1]! * 1048576 + i
    }
    order.sort()
    for (let i = 0; i < count; i++) {
      const place = order[i]! % 1048576
      const shard = finished[2 * place]!
      const slot = finished[2 * place + 1]!
      const table = this.#tables[shard]!
      table.at(slot)
      this.#sink.flow(table.u, table.f, table.b, this.#packet)
      this.#tcp[shard]!.release(slot)
      table.release(slot)
    }
    this.#finished.length = 0
  }
}

/** When the flow ends if no packet comes, seconds since the epoch. */
function deadline(u: Uint32Array, f: Float64Array, b: number): number {
  const mode = u[b + R.MODE]!
  if (mode === R.CLOSING) return f[(b + R.DEADLINE) >> 1]!
  const last = f[(b + R.LAST) >> 1]!
  const timeout = u[b + R.TIMEOUT]!
  if ((u[b + R.KEY]! & 0xff) !== TCP) return last + timeout
  const orig = u[b + R.ORIG + R.SIDE_STATE]!
  const resp = u[b + R.RESP + R.SIDE_STATE]!
  if (resp === R.INACTIVE) {
    if (mode === R.ATTEMPT && (orig === R.SYN_SENT || orig === R.SYN_ACK_SENT))
      return f[(b + R.DEADLINE) >> 1]!
    if (orig === R.INACTIVE) return nextCheck(f[(b + R.START) >> 1]! + FIRST_CHECK, last)
  }
  let end = last + (timeout || 300)
  if (mode === R.HALF_CLOSED && (orig === R.RESET || resp === R.RESET)) {
    end = Math.min(
      end,
      nextCheck(f[(b + R.START) >> 1]! + FIRST_CHECK, last),
      nextCheck(f[(b + R.DEADLINE) >> 1]! + CHECK_EVERY, last),
    )
  }
  return end
}

/** The first of `first`, `first + 6`, … that comes more than the linger time after `last`. */
function nextCheck(first: number, last: number): number {
  const late = last + LINGER - first
  return late < 0 ? first : first + CHECK_EVERY * (Math.floor(late / CHECK_EVERY) + 1)
}

function sameAddress(u: Uint32Array, at: number, key: Uint32Array, from: number): boolean {
  return u[at] === key[from] && u[at + 1] === key[from + 1] && u[at + 2] === key[from + 2]
}

/** A hash that is the same for both directions. */
function hashKey(key: Uint32Array, ports: number, protocol: number): number {
  let a = Math.imul(key[3]! ^ ((ports >>> 16) * 0x10001), 0xcc9e2d51)
  let b = Math.imul(key[7]! ^ ((ports & 0xffff) * 0x10001), 0xcc9e2d51)
  if (protocol & R.KEY_V6) {
    a = mix(mix(mix(a, key[2]!), key[1]!), key[0]!)
    b = mix(mix(mix(b, key[6]!), key[5]!), key[4]!)
  }
  a ^= a >>> 15
  b ^= b >>> 15
  let h = Math.imul((a + b) ^ protocol, 0x9e3779b1) ^ Math.imul(a ^ b, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  return (h ^ (h >>> 15)) >>> 0
}

function mix(h: number, value: number): number {
  h = Math.imul(h ^ value, 0xcc9e2d51)
  return Math.imul((h << 15) | (h >>> 17), 0x1b873593)
}
