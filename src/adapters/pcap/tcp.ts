import { type Delivery, isPending } from './delivery.ts'
import * as R from './flow-record.ts'
import type { FlowTable } from './flow-table.ts'
import { addHistory, flipRecord, isPowerOfTen } from './history.ts'
import { begin, deliveredTo, relativeSeq, setLast, TOO_LARGE_JUMP, TWO32, updateAck } from './sequence.ts'

export const FIN = 1
export const SYN = 2
export const RST = 4
export const ACK = 16

/** Seconds: a SYN without answer ends, a closed connection lingers, Zeek's defaults. */
const ATTEMPT_DELAY = 5
const CLOSE_DELAY = 5
const INACTIVITY = 300
/** Telnet and its like may be silent for long. */
const INTERACTIVE_INACTIVITY = 3600
// Bits of the SEEN word; the responder's are shifted by 16.
const SEEN_SYN = 1
const SEEN_FIN = 2
const SEEN_RST = 4
const SEEN_FIN_RST = 8
const SEEN_DATA = 16
const SEEN_ACK = 32
const SEEN_MULTI = 64

const UPPER = { S: 83, H: 72, F: 70, R: 82, D: 68, A: 65, I: 73, Q: 81, T: 84, W: 87 } as const
const FLIP = 94

/**
 * Follows TCP connections the way Zeek's conn.log describes them: endpoint states, history letters,
 * sequence-space sizes and content gaps. It works on the slot the table addresses.
 *
 * Behaviour: Zeek documentation of conn.log and tcp; RFC 9293. Only what shows in a flow is tracked.
 */
export class TcpTracker {
  // The segment at hand. Fields, because numbers beyond 2^31 would be boxed as arguments.
  seq = 0
  ack = 0
  /** Seconds since the epoch. */
  ts = 0
  readonly #table: FlowTable
  readonly #delivery: Delivery
  #slot = 0
  #flipped = false

  constructor(table: FlowTable, delivery: Delivery) {
    this.#table = table
    this.#delivery = delivery
  }

  /**
   * Whether a segment cannot belong to the addressed connection any more and begins a new one with the
   * same addresses and ports.
   */
  isReuse(flags: number): boolean {
    if ((flags & SYN) === 0) return false
    const seq = this.seq
    const { u, b } = this.#table
    const orig = b + R.ORIG
    const resp = b + R.RESP
    let starter = orig
    if (flags & ACK) {
      if (u[orig + R.SIDE_STATE] !== R.INACTIVE) return false
      starter = resp
    }
    const closed = ((u[orig + R.SIDE_FLAGS]! | u[resp + R.SIDE_FLAGS]!) & R.DID_CLOSE) !== 0
    if (closed) return true
    if (seq === u[starter + R.SIDE_START]) return false
    // SYN and SYN-ACK captured in the wrong order.
    return !(
      (flags & ACK) === 0 &&
      u[starter + R.SIDE_STATE] === R.SYN_ACK_SENT &&
      u[resp + R.SIDE_STATE] === R.INACTIVE &&
      seq === u[resp + R.SIDE_START]
    )
  }

  /**
   * Takes one segment of the addressed flow.
   *
   * @param isOrig whether the originator sent it
   * @param length payload bytes by the IP header
   * @param whole whether all of the payload was captured
   * @returns whether the originator sent it, now that the flow may have been flipped
   */
  segment(
    slot: number,
    isOrig: boolean,
    flags: number,
    window: number,
    length: number,
    whole: boolean,
  ): boolean {
    const { u, f, b } = this.#table
    const kind = flags & (SYN | FIN | RST | ACK)
    if (whole && window !== 0) {
      // Most segments are plain acknowledgements or data in order, or the SYN that begins a flow.
      if (kind === ACK && this.#inOrder(u, f, b, isOrig, length)) return isOrig
      if (kind === SYN && isOrig && length === 0 && this.#opening(u, f, b)) return true
    }
    return this.#any(slot, isOrig, flags, window, length, whole)
  }

  /** Any segment; {@link #inOrder} and {@link #opening} are short cuts that leave the same behind. */
  #any(
    slot: number,
    isOrig: boolean,
    flags: number,
    window: number,
    length: number,
    whole: boolean,
  ): boolean {
    this.#slot = slot
    const { u, f, b } = this.#table
    const seq = this.seq
    const ack = this.ack
    const ts = this.ts
    let e = b + (isOrig ? R.ORIG : R.RESP)
    let p = b + (isOrig ? R.RESP : R.ORIG)

    // Partial: the first packet of a side was not the SYN one expects.
    let status = u[b + R.FLAGS]!
    if (isOrig) {
      if ((status & R.ORIG_SEEN) === 0) {
        status = !(flags & SYN) || flags & ACK ? status | R.PARTIAL : status & ~R.PARTIAL
      }
    } else if ((status & R.RESP_SEEN) === 0 && (status & R.PARTIAL) === 0 && !(flags & SYN)) {
      status |= R.PARTIAL
    }
    u[b + R.FLAGS] = status

    let span = flags & RST ? 0 : length
    if (flags & SYN) span++
    if (flags & FIN) span++
    const end = (seq + span) >>> 0
    this.#initialise(u, e, flags, seq, end)

    const relative = relativeSeq(u, e, seq, u[e + R.SIDE_LAST]!, u[e + R.SIDE_WRAPS]! >>> 16)
    const underflow = relative < 0

    this.#flipped = false
    this.#history(u, b, e, isOrig, flags, relative, length)
    if (this.#flipped) {
      // The sides changed places; the rest keeps the direction the packet came with, as Zeek does.
      const other = e
      e = p
      p = other
    }
    const sideIsOrig = e === b + R.ORIG
    if (
      window === 0 &&
      !(flags & RST) &&
      u[p + R.SIDE_STATE] !== R.CLOSED &&
      u[e + R.SIDE_STATE] !== R.RESET &&
      isPowerOfTen(++u[e + R.SIDE_ZERO_WINDOW]!)
    ) {
      addHistory(u, b, sideIsOrig ? UPPER.W : UPPER.W + 32)
    }

    if ((u[e + R.SIDE_FLAGS]! & u[p + R.SIDE_FLAGS]! & R.DID_CLOSE) === 0) f[(b + R.LAST) >> 1] = ts

    if (flags & FIN) {
      u[e + R.SIDE_FLAGS] = u[e + R.SIDE_FLAGS]! | R.FIN_SEEN
      f[(e + R.SIDE_FIN) >> 1] = relative + (end - seq + (end < seq ? TWO32 : 0))
    }

    let acknowledged = 0
    if (flags & ACK) {
      if (u[p + R.SIDE_STATE] === R.INACTIVE) {
        acknowledged = 1
        begin(u, p, (ack - 1) >>> 0, (ack - 1) >>> 0)
      } else {
        const at = relativeSeq(u, p, ack, u[p + R.SIDE_ACK]!, u[p + R.SIDE_WRAPS]! & 0xffff)
        if (at >= 0) {
          acknowledged = at
          if (!(flags & RST)) updateAck(u, p, ack)
        }
      }
    }

    this.#updateLast(u, b, e, sideIsOrig, end, flags, length)
    const close = this.#state(u, f, b, e, p, length, isOrig, flags)

    if (flags & ACK) this.#acknowledge(u, f, b, p, e, acknowledged)
    u[b + R.FLAGS] = u[b + R.FLAGS]! | (isOrig ? R.ORIG_SEEN : R.RESP_SEEN)
    if (length > 0 && !(flags & RST) && !underflow && whole) {
      this.#delivery.data(this.#slot, u, f, b, e, flags & SYN ? relative + 1 : relative, length)
    }
    this.#checkEnd(u, f, b, e, p)
    if (close) this.#closed(u, f, b, e, p)
    return this.#flipped ? !isOrig : isOrig
  }

  /** A SYN as the first segment of a flow; false if it is not the first. */
  #opening(u: Uint32Array, f: Float64Array, b: number): boolean {
    const e = b + R.ORIG
    if (u[b + R.SEEN] !== 0 || u[e + R.SIDE_STATE] !== R.INACTIVE) return false
    if (u[b + R.RESP + R.SIDE_STATE] !== R.INACTIVE) return false
    begin(u, e, this.seq, (this.seq + 1) >>> 0)
    u[e + R.SIDE_STATE] = R.SYN_SENT
    u[b + R.SEEN] = SEEN_SYN
    u[b + R.FLAGS]! |= R.ORIG_SEEN
    addHistory(u, b, UPPER.S)
    u[b + R.MODE] = R.ATTEMPT
    f[(b + R.DEADLINE) >> 1] = this.ts + ATTEMPT_DELAY
    f[(b + R.LAST) >> 1] = this.ts
    return true
  }

  /** Data or a plain acknowledgement that continues an established connection in order; false if it is not. */
  #inOrder(u: Uint32Array, f: Float64Array, b: number, isOrig: boolean, length: number): boolean {
    const e = b + (isOrig ? R.ORIG : R.RESP)
    const p = b + (isOrig ? R.RESP : R.ORIG)
    const seq = this.seq
    const ack = this.ack
    if (u[e + R.SIDE_STATE] !== R.ESTABLISHED || u[p + R.SIDE_STATE] !== R.ESTABLISHED) return false
    if (u[e + R.SIDE_LAST] !== seq || u[e + R.SIDE_WRAPS] !== 0 || u[p + R.SIDE_WRAPS] !== 0) return false
    if (((u[e + R.SIDE_FLAGS]! | u[p + R.SIDE_FLAGS]!) & 0xff) !== 0) return false
    const from = seq - u[e + R.SIDE_START]!
    const acknowledged = ack - u[p + R.SIDE_START]!
    // Nothing wraps, what is sent continues what was delivered, and what is acknowledged was seen.
    if (from < 1 || from + length > 0x7fffffff || seq + length >= TWO32 || deliveredTo(f, e) !== from)
      return false
    if (acknowledged < 1 || ack < u[p + R.SIDE_ACK]! || acknowledged > deliveredTo(f, p)) return false
    const bit = (length > 0 ? SEEN_DATA : SEEN_ACK) << (isOrig ? 0 : 16)
    if ((u[b + R.SEEN]! & bit) === 0) {
      // Both sides have to have been seen; a SYN-ACK alone may still turn the flow round.
      if ((u[b + R.FLAGS]! & (R.ORIG_SEEN | R.RESP_SEEN)) !== (R.ORIG_SEEN | R.RESP_SEEN)) return false
      if ((u[b + R.FLAGS]! & R.HISTORY_LENGTH) < 2) return false
      u[b + R.SEEN]! |= bit
      addHistory(u, b, (length > 0 ? UPPER.D : UPPER.A) + (isOrig ? 0 : 32))
    }
    if (length > 0) {
      u[e + R.SIDE_LAST] = seq + length
      f[(e + R.SIDE_NEXT) >> 1] = from + length
    }
    u[p + R.SIDE_ACK] = ack
    f[(b + R.LAST) >> 1] = this.ts
    return true
  }

  #initialise(u: Uint32Array, e: number, flags: number, seq: number, end: number): void {
    switch (u[e + R.SIDE_STATE]) {
      case R.INACTIVE:
        if (flags & SYN) {
          begin(u, e, seq, end)
        } else {
          // Number as though there had been a SYN; the first packet is no duplicate.
          begin(u, e, (seq - 1) >>> 0, seq)
        }
        break
      case R.SYN_SENT:
      case R.SYN_ACK_SENT:
        if (flags & SYN && seq !== u[e + R.SIDE_START]) begin(u, e, seq, end)
        break
      case R.ESTABLISHED:
      case R.PARTIAL_STATE:
        if (flags & SYN) begin(u, e, seq, end)
        break
      case R.RESET:
        if (flags & SYN && u[e + R.SIDE_PREVIOUS] === R.INACTIVE) begin(u, e, seq, end)
        break
    }
  }

  #history(
    u: Uint32Array,
    b: number,
    e: number,
    isOrig: boolean,
    flags: number,
    at: number,
    length: number,
  ): void {
    const control = flags & (SYN | FIN | RST)
    if (control === 0) {
      if (length > 0) this.#letter(u, b, isOrig, SEEN_DATA, UPPER.D)
      else if (flags & ACK) this.#letter(u, b, isOrig, SEEN_ACK, UPPER.A)
      return
    }
    if ((control & (control - 1)) !== 0) {
      if (flags & FIN && flags & RST) this.#letter(u, b, isOrig, SEEN_FIN_RST, UPPER.I)
      else this.#letter(u, b, isOrig, SEEN_MULTI, UPPER.Q)
      return
    }
    // The same control packet again is a retransmission, one at another place is news.
    const bit = control === SYN ? SEEN_SYN : control === FIN ? SEEN_FIN : SEEN_RST
    const code = control === SYN ? (flags & ACK ? UPPER.H : UPPER.S) : control === FIN ? UPPER.F : UPPER.R
    const place = control === SYN ? R.SIDE_SYN_AT : control === FIN ? R.SIDE_FIN_AT : R.SIDE_RST_AT
    const number = (control === FIN ? at + length : at) >>> 0
    const seen = (u[b + R.SEEN]! & (bit << (isOrig ? 0 : 16))) !== 0
    if (!seen) this.#letter(u, b, isOrig, bit, code)
    else if (u[e + place] !== number) addHistory(u, b, isOrig ? code : code + 32)
    u[e + place] = number
  }

  #letter(u: Uint32Array, b: number, isOrig: boolean, bit: number, code: number): void {
    if (
      (code === UPPER.A || code === UPPER.D) &&
      (u[b + R.FLAGS]! & R.HISTORY_LENGTH) === 1 &&
      (u[b + R.HISTORY]! & 0xff) === UPPER.H
    ) {
      // It began with a SYN-ACK and goes on with traffic: no stealth scan, so the first SYN was just missed.
      isOrig = !isOrig
      this.flip(this.#slot)
      u[b + R.FLAGS] = (u[b + R.FLAGS]! & ~R.HISTORY_LENGTH) | R.ORIG_SEEN
      addHistory(u, b, FLIP)
      addHistory(u, b, UPPER.H + 32)
    }
    const shifted = bit << (isOrig ? 0 : 16)
    if ((u[b + R.SEEN]! & shifted) === 0) {
      u[b + R.SEEN] = u[b + R.SEEN]! | shifted
      addHistory(u, b, isOrig ? code : code + 32)
    }
  }

  /** Lets originator and responder of the addressed flow change places; notes ^ in the history. */
  flip(slot: number): void {
    this.#flipped = true
    const { u, b } = this.#table
    flipRecord(u, b)
    addHistory(u, b, FLIP)
    this.#delivery.flip(slot)
  }

  #updateLast(
    u: Uint32Array,
    b: number,
    e: number,
    sideIsOrig: boolean,
    end: number,
    flags: number,
    length: number,
  ): void {
    const last = u[e + R.SIDE_LAST]!
    const ahead = (end - last) | 0
    if (flags & (SYN | RST) && (ahead > TOO_LARGE_JUMP || ahead < -TOO_LARGE_JUMP)) return
    if (flags & FIN && last === (u[e + R.SIDE_START]! + 1) >>> 0) setLast(u, e, end)
    else if (u[e + R.SIDE_STATE] === R.RESET) return
    else if (ahead > 0) setLast(u, e, end)
    else if (length > 0 && isPowerOfTen(++u[e + R.SIDE_RETRANSMITTED]!)) {
      addHistory(u, b, sideIsOrig ? UPPER.T : UPPER.T + 32)
    }
  }

  #setState(u: Uint32Array, b: number, e: number, p: number, state: number): void {
    const old = u[e + R.SIDE_STATE]!
    if (old === state) return
    if (
      state > R.SYN_ACK_SENT &&
      old <= R.SYN_ACK_SENT &&
      u[p + R.SIDE_STATE]! <= R.SYN_ACK_SENT &&
      u[b + R.TIMEOUT] === 0
    ) {
      u[b + R.TIMEOUT] = INACTIVITY
    }
    u[e + R.SIDE_PREVIOUS] = old
    u[e + R.SIDE_STATE] = state
  }

  /** Moves the sender's state; returns whether the sender closed. */
  #state(
    u: Uint32Array,
    f: Float64Array,
    b: number,
    e: number,
    p: number,
    length: number,
    isOrig: boolean,
    flags: number,
  ): boolean {
    switch (u[e + R.SIDE_STATE]) {
      case R.INACTIVE:
        return this.#inactive(u, f, b, e, p, length, isOrig, flags)
      case R.SYN_SENT:
      case R.SYN_ACK_SENT:
        if (flags & FIN) this.#setState(u, b, e, p, R.CLOSED)
        if (flags & RST) this.#setState(u, b, e, p, R.RESET)
        return (flags & (FIN | RST)) !== 0
      case R.ESTABLISHED:
      case R.PARTIAL_STATE:
        if (
          flags & SYN &&
          !(flags & ACK) &&
          u[e + R.SIDE_STATE] === R.PARTIAL_STATE &&
          u[p + R.SIDE_STATE] === R.INACTIVE
        ) {
          this.#setState(u, b, e, p, R.SYN_SENT)
        }
        if (flags & FIN && !(flags & RST)) {
          this.#setState(u, b, e, p, R.CLOSED)
          // The peer sent a FIN and then a RST: that was a normal end.
          if (u[p + R.SIDE_STATE] === R.RESET && u[p + R.SIDE_PREVIOUS] === R.CLOSED) {
            this.#setState(u, b, p, e, R.CLOSED)
          }
        }
        if (flags & RST) this.#setState(u, b, e, p, R.RESET)
        return (flags & (FIN | RST)) !== 0
      case R.CLOSED:
        if (flags & RST && u[p + R.SIDE_STATE] !== R.CLOSED) {
          this.#setState(u, b, e, p, R.RESET)
          return (u[e + R.SIDE_FLAGS]! & R.DID_CLOSE) === 0
        }
        return false
      default:
        return false
    }
  }

  #inactive(
    u: Uint32Array,
    f: Float64Array,
    b: number,
    e: number,
    p: number,
    length: number,
    isOrig: boolean,
    flags: number,
  ): boolean {
    const peer = u[p + R.SIDE_STATE]
    if (flags & SYN) {
      if (isOrig) {
        this.#setState(u, b, e, p, flags & ACK ? R.SYN_ACK_SENT : R.SYN_SENT)
        u[b + R.MODE] = R.ATTEMPT
        f[(b + R.DEADLINE) >> 1] = this.ts + ATTEMPT_DELAY
      } else {
        if (!(flags & ACK) && peer === R.SYN_ACK_SENT && this.seq === u[e + R.SIDE_START]) {
          // SYN and SYN-ACK in the wrong order: turn them round.
          this.flip(this.#slot)
          u[b + R.FLAGS] = (u[b + R.FLAGS]! & ~R.PARTIAL) | R.ORIG_SEEN
          const other = e
          e = p
          p = other
          this.#setState(u, b, e, p, R.ESTABLISHED)
          this.#setState(u, b, p, e, R.ESTABLISHED)
          this.#interactive(u, b)
          return false
        }
        u[b + R.MODE] = R.NO_DEADLINE
        if (peer === R.SYN_SENT) this.#setState(u, b, p, e, R.ESTABLISHED)
        this.#setState(u, b, e, p, R.ESTABLISHED)
        if (u[p + R.SIDE_STATE] !== R.PARTIAL_STATE) this.#interactive(u, b)
      }
    }
    if (flags & FIN) this.#setState(u, b, e, p, R.CLOSED)
    if (flags & RST) this.#setState(u, b, e, p, R.RESET)
    if (u[e + R.SIDE_STATE] === R.INACTIVE) {
      if (!isOrig && length === 0 && u[b + R.ORIG + R.SIDE_STATE] === R.SYN_SENT) {
        // Some stacks acknowledge a SYN before they answer it.
      } else if (flags & ACK && peer === R.ESTABLISHED) {
        // SYN-ACK and now an ACK: only the SYN was missed.
        this.#setState(u, b, e, p, R.ESTABLISHED)
        u[b + R.FLAGS] = (u[b + R.FLAGS]! & ~R.PARTIAL) | (isOrig ? R.ORIG_SEEN : R.RESP_SEEN)
      } else {
        this.#setState(u, b, e, p, R.PARTIAL_STATE)
      }
    }
    return (flags & (FIN | RST)) !== 0
  }

  #interactive(u: Uint32Array, b: number): void {
    let port = u[b + R.PORTS]! & 0xffff
    const source = u[b + R.PORTS]! >>> 16
    if (u[b + R.ORIG + R.SIDE_STATE] === R.INACTIVE && !isInteractive(port) && isInteractive(source))
      port = source
    if (isInteractive(port)) u[b + R.TIMEOUT] = INTERACTIVE_INACTIVITY
  }

  /** The peer `p` acknowledged what `e` sent up to `to`: what was not seen of it is a gap. */
  #acknowledge(u: Uint32Array, f: Float64Array, b: number, e: number, p: number, to: number): void {
    const sideFlags = u[e + R.SIDE_FLAGS]!
    const fin = f[(e + R.SIDE_FIN) >> 1]!
    if (sideFlags & R.FIN_SEEN && to >= fin) to = fin - 1
    if (to > deliveredTo(f, e)) {
      if (!(to <= 2 && u[b + R.FLAGS]! & R.PARTIAL)) this.#delivery.missing(this.#slot, u, f, b, e, p, to)
    }
    this.#checkEnd(u, f, b, e, p)
  }

  #checkEnd(u: Uint32Array, f: Float64Array, b: number, e: number, p: number): void {
    const flags = u[e + R.SIDE_FLAGS]!
    const state = u[e + R.SIDE_STATE]!
    if (flags & R.DID_EOF || !((flags & R.FIN_SEEN) !== 0 || state >= R.CLOSED)) return
    if (isPending(u, f, e, p)) return
    u[e + R.SIDE_FLAGS] = flags | R.DID_EOF
    if (u[b + R.FLAGS]! & R.CLOSE_DEFERRED) {
      this.#closed(u, f, b, e, p)
      u[b + R.FLAGS] = u[b + R.FLAGS]! & ~R.CLOSE_DEFERRED
    }
  }

  /** `e` closed, unless data is still missing. */
  #closed(u: Uint32Array, f: Float64Array, b: number, e: number, p: number): void {
    if (isPending(u, f, e, p)) {
      u[b + R.FLAGS] = u[b + R.FLAGS]! | R.CLOSE_DEFERRED
      return
    }
    u[b + R.FLAGS] = u[b + R.FLAGS]! & ~R.CLOSE_DEFERRED
    if (u[e + R.SIDE_FLAGS]! & R.DID_CLOSE) return
    u[e + R.SIDE_FLAGS] = u[e + R.SIDE_FLAGS]! | R.DID_CLOSE
    const last = f[(b + R.LAST) >> 1]!
    if (
      u[e + R.SIDE_STATE] === R.RESET ||
      (u[p + R.SIDE_FLAGS]! & R.DID_CLOSE) !== 0 ||
      u[p + R.SIDE_STATE] === R.INACTIVE
    ) {
      u[b + R.MODE] = R.CLOSING
      f[(b + R.DEADLINE) >> 1] = last + CLOSE_DELAY
      this.#table.schedule(this.#slot, last + CLOSE_DELAY)
    } else if (u[b + R.MODE] !== R.CLOSING) {
      u[b + R.MODE] = R.HALF_CLOSED
      f[(b + R.DEADLINE) >> 1] = last
    }
  }
}

function isInteractive(port: number): boolean {
  return port === 21 || port === 22 || port === 23 || port === 513
}
