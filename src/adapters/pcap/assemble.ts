import { Delivery } from './delivery.ts'
import * as R from './flow-record.ts'
import { FlowTable } from './flow-table.ts'
import { addHistory, flipRecord, isPowerOfTen } from './history.ts'
import * as P from './packet-batch.ts'
import { isLikelyServer } from './server-ports.ts'
import { DHCP, FTP, guessService, MDNS, SSH } from './service.ts'
import { TcpTracker } from './tcp.ts'

/** Takes finished flows, in the order of (packet at which they were finished, first packet). */
export interface FlowSink {
  /**
   * @param u record as words; valid only during the call
   * @param f the same memory as doubles
   * @param b the record's first word
   */
  flow(u: Uint32Array, f: Float64Array, b: number): void
  /** A payload that may tell host names (DHCP, multicast DNS). */
  naming(service: number, buf: Uint8Array, at: number, length: number): void
}

/** Flows handed over at a time when a capture ends. */
const PORTION = 8192
/** Live flows at most; beyond it those that would end next are finished early. */
export const MAX_FLOWS = 524_288
/** Packets whose flows are loaded together. */
const GROUP = 32

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
/**
 * Puts packets together to flows, the way Zeek fills conn.log.
 *
 * Memory is bounded by {@link MAX_FLOWS}; flows end in event time.
 */
export class FlowAssembler {
  /** Flows finished early for want of room. */
  evicted = 0
  /** Packets that did not count because of a wrong checksum. */
  badChecksums = 0
  readonly #table = new FlowTable()
  readonly #delivery = new Delivery()
  readonly #tcp = new TcpTracker(this.#table, this.#delivery)
  readonly #sink: FlowSink
  #packet = 0
  #tick = Number.NEGATIVE_INFINITY
  #finished: number[] = []

  constructor(sink: FlowSink) {
    this.#sink = sink
  }

  /** Takes the packets of a batch. */
  take(batch: P.PacketBatch): void {
    const { words, doubles, count } = batch
    for (let from = 0; from < count; from += GROUP) {
      const to = Math.min(from + GROUP, count)
      this.#table.warm(words, from, to)
      for (let i = from; i < to; i++) {
        const o = i * P.STRIDE
        const bits = words[o + P.BITS]!
        if ((bits & P.CAPTURED) !== 0) {
          this.#packet++
          const tick = Math.floor(doubles[(o + P.TS) >> 1]!)
          if (tick !== this.#tick) this.#clock(tick)
        }
        if ((bits & P.SEGMENT) !== 0) this.#segment(batch, words, doubles, o, bits)
      }
    }
  }

  /** Finishes all flows that are still live; stops now and then, so that half a million rows need not wait at once. */
  *finish(): Generator<void> {
    this.#table.drain(Number.POSITIVE_INFINITY, this.#end)
    this.#packet++
    const order = this.#order()
    for (let from = 0; from < order.length; from += PORTION) {
      this.#hand(order, from, Math.min(from + PORTION, order.length))
      yield
    }
    this.#finished.length = 0
  }

  /** Every captured packet lets time go on. */
  #clock(tick: number): void {
    if (tick > this.#tick) {
      this.#tick = tick
      this.#table.advance(tick, this.#due)
      if (this.#finished.length > 0) this.#emit()
    } else if (tick < this.#tick - 3600) {
      // One packet with a wild time must not stop the clock for all that follow.
      this.#tick = tick
      this.#table.advance(tick, this.#due)
    }
  }

  #segment(batch: P.PacketBatch, w: Uint32Array, d: Float64Array, o: number, bits: number): void {
    const table = this.#table
    const tcp = this.#tcp
    const isTcp = (w[o + P.KEY]! & 0xff) === TCP
    const ts = d[(o + P.TS) >> 1]!
    if (isTcp) {
      tcp.ts = ts
      tcp.seq = w[o + P.SEQ]!
      tcp.ack = w[o + P.ACK]!
    }
    let slot = table.find(w, o)
    if (slot >= 0) {
      const { u, f, b } = table
      // Most packets follow the one before closely; then only a set deadline can have passed.
      const near =
        u[b + R.MODE] === R.NO_DEADLINE && ts - f[(b + R.LAST) >> 1]! < NEAR && u[b + R.TIMEOUT] !== 0
      const end = near ? Number.POSITIVE_INFINITY : deadline(u, f, b)
      if (end <= ts || (isTcp && tcp.isReuse(bits & 0xff))) {
        // It is over; it goes out with the next tick of the clock.
        u[b + R.MODE] = R.CLOSING
        f[(b + R.DEADLINE) >> 1] = Math.min(end, ts)
        table.forget(slot)
        table.schedule(slot, ts)
        slot = -1
      }
    }
    if (slot < 0) slot = this.#begin(w, d, o)

    const { u, f, b } = table
    let isOrig =
      u[b + R.ORIG_ADDR + 3] === w[o + P.SOURCE + 3] &&
      u[b + R.PORTS]! >>> 16 === w[o + P.PORTS]! >>> 16 &&
      ((w[o + P.KEY]! & R.KEY_V6) === 0 || sameAddress(u, b + R.ORIG_ADDR, w, o + P.SOURCE))

    if ((bits & P.CHECKSUM_RIGHT) !== 0) {
      u[b + R.FLAGS]! |= isOrig ? R.ORIG_VERIFIED : R.RESP_VERIFIED
    } else if ((bits & P.CHECKSUM_WRONG) !== 0 && this.#isDamaged(u, b, isOrig)) return
    if (isTcp) {
      // A header length that cannot be: the flow exists, the packet tells nothing.
      if ((bits & P.BAD_HEADER) !== 0) return
      isOrig = tcp.segment(
        slot, isOrig, bits & 0xff, w[o + P.WINDOW]!, w[o + P.PAYLOAD]!, (bits & P.WHOLE) !== 0,
      ) // biome-ignore format: one call
    } else {
      f[(b + R.LAST) >> 1] = ts
      this.#count(u, f, b, isOrig, w[o + P.PAYLOAD]!)
    }
    if (w[o + P.AVAILABLE] !== 0) this.#look(batch, o, u, b, isOrig)
    const side = b + (isOrig ? R.ORIG : R.RESP)
    u[side + R.SIDE_PACKETS]!++
    f[(side + R.SIDE_IP_BYTES) >> 1]! += w[o + P.IP_LENGTH]!
  }

  /**
   * Whether a packet with a wrong checksum must not count.
   *
   * A receiver drops a packet with a wrong checksum, so it must not count, as in Zeek. But a capture made on
   * the sending machine shows checksums that the network card fills in later. So a wrong one is held against
   * a packet only where its sender got one right before in this flow, while damage stays the exception, and
   * only up to the usual frame size, because receive offloading merges segments without a new checksum.
   */
  #isDamaged(u: Uint32Array, b: number, isOrig: boolean): boolean {
    if ((u[b + R.FLAGS]! & (isOrig ? R.ORIG_VERIFIED : R.RESP_VERIFIED)) === 0) return false
    const base = b + (isOrig ? R.ORIG : R.RESP)
    const wrong = (u[base + R.SIDE_FLAGS]! >>> 8) + 1
    if (2 * wrong > u[base + R.SIDE_PACKETS]!) return false
    this.badChecksums++
    u[base + R.SIDE_FLAGS]! += 0x100
    const protocol = u[b + R.KEY]! & 0xff
    if (protocol !== ICMP && protocol !== ICMP6 && isPowerOfTen(wrong)) {
      addHistory(u, b, isOrig ? LETTER_C : LETTER_C + 32)
    }
    return true
  }

  /** A packet that is not TCP. */
  #count(u: Uint32Array, f: Float64Array, b: number, isOrig: boolean, payload: number): void {
    const protocol = u[b + R.KEY]! & 0xff
    if (protocol === UDP) {
      const bit = isOrig ? UDP_ORIG_SEEN : UDP_RESP_SEEN
      if ((u[b + R.SEEN]! & bit) === 0) {
        u[b + R.SEEN]! |= bit
        addHistory(u, b, isOrig ? LETTER_D : LETTER_D + 32)
      }
    } else if (protocol !== ICMP && protocol !== ICMP6) return
    const side = b + (isOrig ? R.ORIG : R.RESP)
    u[side + R.SIDE_STATE] = R.ESTABLISHED
    f[(side + R.SIDE_NEXT) >> 1]! += payload
  }

  #begin(w: Uint32Array, d: Float64Array, o: number): number {
    const table = this.#table
    if (table.size >= MAX_FLOWS) {
      const before = table.size
      table.drain(MAX_FLOWS >> 4, this.#end)
      this.evicted += before - table.size
      this.#emit()
    }
    const slot = table.insert(w, o)
    const { u, f, b } = table
    const ts = d[(o + P.TS) >> 1]!
    f[(b + R.FIRST_PACKET) >> 1] = this.#packet
    f[(b + R.START) >> 1] = ts
    f[(b + R.LAST) >> 1] = ts
    u[b + R.MACS] = w[o + P.MACS]!
    u[b + R.MACS + 1] = w[o + P.MACS + 1]!
    u[b + R.MACS + 2] = w[o + P.MACS + 2]!
    const isTcp = (w[o + P.KEY]! & 0xff) === TCP
    u[b + R.TIMEOUT] = isTcp ? 0 : INACTIVITY
    if (startsFlipped(w, o)) {
      flipRecord(u, b)
      addHistory(u, b, 94)
    }
    table.schedule(slot, ts + (isTcp ? LINGER : INACTIVITY))
    return slot
  }

  /** Looks into a payload for the service, until it is known or given up. */
  #look(batch: P.PacketBatch, o: number, u: Uint32Array, b: number, isOrig: boolean): void {
    const word = u[b + R.SERVICE]!
    const known = word & 0xff
    const probes = (word >>> 8) & 0xff
    if (known === 0 ? probes >= PROBES : known !== MDNS && known !== DHCP) return
    const { words: w } = batch
    const bytes = (w[o + P.BITS]! & P.IN_SPARE) === 0 ? batch.bytes : batch.spare
    const at = w[o + P.PAYLOAD_AT]!
    const available = w[o + P.AVAILABLE]!
    let service = known
    if (known === 0) {
      const ports = u[b + R.PORTS]!
      const protocol = u[b + R.KEY]! & 0xff
      service = guessService(protocol, ports >>> 16, ports & 0xffff, isOrig, bytes, at, available)
      u[b + R.SERVICE] = ((probes + 1) << 8) | service
      if ((service === SSH || service === FTP) && protocol === TCP) u[b + R.TIMEOUT] = 3600
    }
    if (service === MDNS || service === DHCP) this.#sink.naming(service, bytes, at, available)
  }

  readonly #due = (slot: number): void => {
    const table = this.#table
    table.at(slot)
    const end = deadline(table.u, table.f, table.b)
    if (end <= this.#tick) this.#end(slot)
    else table.schedule(slot, end)
  }

  readonly #end = (slot: number): void => {
    this.#table.forget(slot)
    this.#finished.push(slot)
  }

  /** Hands the finished flows over. */
  #emit(): void {
    const order = this.#order()
    this.#hand(order, 0, order.length)
    this.#finished.length = 0
  }

  /** The finished flows by their first packet: first packet and place in one double (2^32 packets, 2^20 flows at once). */
  #order(): Float64Array {
    const finished = this.#finished
    const table = this.#table
    const order = new Float64Array(finished.length)
    for (let i = 0; i < finished.length; i++) {
      table.warmSlot(finished[i]!)
      order[i] = table.f[(table.b + R.FIRST_PACKET) >> 1]! * 1048576 + i
    }
    return order.sort()
  }

  /** Hands over the flows from place `from` of `order` to before `to`. */
  #hand(order: Float64Array, from: number, to: number): void {
    const table = this.#table
    for (let i = from; i < to; i++) {
      const slot = this.#finished[order[i]! % 1048576]!
      table.at(slot)
      this.#sink.flow(table.u, table.f, table.b)
      this.#delivery.release(slot)
      table.release(slot)
    }
  }
}

/** Whether the sender of a flow's first packet is more likely the responder, by the ports. */
function startsFlipped(w: Uint32Array, o: number): boolean {
  const source = w[o + P.PORTS]! >>> 16
  const destination = w[o + P.PORTS]! & 0xffff
  const protocol = w[o + P.KEY]! & 0xff
  if (protocol === UDP) {
    if (!isLikelyServer(17, source) || isLikelyServer(17, destination)) return false
  } else if (protocol === TCP) {
    const flags = w[o + P.BITS]!
    const syn = (flags & 2) !== 0
    if (syn && (flags & 16) === 0) return false
    if (!isLikelyServer(6, source)) return false
    if (isLikelyServer(6, destination) && (syn || source >= destination)) return false
  } else return false
  return (w[o + P.KEY]! & R.KEY_V6) !== 0 || w[o + P.DESTINATION + 3] !== 0xffffffff
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
