import * as R from './flow-record.ts'
import { addHistory, isPowerOfTen } from './history.ts'
import { deliveredTo, TWO32 } from './sequence.ts'

/** Without any acknowledgement no more than this is held above a hole. */
const MAX_ABOVE_HOLE = 16384
/** Ranges remembered above a hole, in each direction. */
const MAX_RANGES = 64

const LETTER_G = 71

/** What of a connection's data was seen, and the gaps: bytes acknowledged that the capture does not have. */
export class Delivery {
  /** slot * 2 + (1 for the responder) -> sorted [from, to, from, to, …] above the hole. */
  readonly #ranges = new Map<number, number[]>()

  /** Forgets what is kept besides the record. */
  release(slot: number): void {
    if (this.#ranges.size > 0) {
      this.#ranges.delete(slot * 2)
      this.#ranges.delete(slot * 2 + 1)
    }
  }

  /** Originator and responder change places. */
  flip(slot: number): void {
    const orig = this.#ranges.get(slot * 2)
    const resp = this.#ranges.get(slot * 2 + 1)
    if (!orig && !resp) return
    this.release(slot)
    if (orig) this.#ranges.set(slot * 2 + 1, orig)
    if (resp) this.#ranges.set(slot * 2, resp)
  }

  /** `e` sent data that lies at `from`; what continues the delivered part is delivered. */
  data(
    slot: number,
    u: Uint32Array,
    f: Float64Array,
    b: number,
    e: number,
    from: number,
    length: number,
  ): void {
    if (u[e + R.SIDE_FLAGS]! & R.SKIP_DELIVERIES) return
    const next = deliveredTo(f, e)
    const to = from + length
    if (to <= next) return
    if (from <= next) {
      f[(e + R.SIDE_NEXT) >> 1] = to
      if (u[e + R.SIDE_FLAGS]! & R.HAS_HOLES) this.#absorb(slot, u, f, b, e)
      return
    }
    const key = slot * 2 + (e === b + R.ORIG ? 0 : 1)
    const ranges = this.#ranges.get(key) ?? []
    insertRange(ranges, from, to)
    this.#ranges.set(key, ranges)
    u[e + R.SIDE_FLAGS] = u[e + R.SIDE_FLAGS]! | R.HAS_HOLES
    const ackAhead = (u[e + R.SIDE_ACK]! - u[e + R.SIDE_START]!) | 0
    const nothingAcked = (u[e + R.SIDE_WRAPS]! & 0xffff) === 0 && (ackAhead === 0 || ackAhead === 1)
    if (
      ranges.length > 2 * MAX_RANGES ||
      (nothingAcked && ranges[ranges.length - 1]! - next > MAX_ABOVE_HOLE)
    ) {
      this.#ranges.delete(key)
      u[e + R.SIDE_FLAGS] = (u[e + R.SIDE_FLAGS]! & ~R.HAS_HOLES) | R.SKIP_DELIVERIES
    }
  }

  /** Delivers the ranges that the delivered part now reaches. */
  #absorb(slot: number, u: Uint32Array, f: Float64Array, b: number, e: number): void {
    const key = slot * 2 + (e === b + R.ORIG ? 0 : 1)
    const ranges = this.#ranges.get(key)
    if (!ranges) return
    let next = deliveredTo(f, e)
    let taken = 0
    while (taken < ranges.length && ranges[taken]! <= next) {
      next = Math.max(next, ranges[taken + 1]!)
      taken += 2
    }
    ranges.splice(0, taken)
    f[(e + R.SIDE_NEXT) >> 1] = next
    if (ranges.length === 0) {
      this.#ranges.delete(key)
      u[e + R.SIDE_FLAGS] = u[e + R.SIDE_FLAGS]! & ~R.HAS_HOLES
    }
  }

  /** `p` acknowledged what `e` sent up to `to`: what was not seen of it is a gap. */
  missing(slot: number, u: Uint32Array, f: Float64Array, b: number, e: number, p: number, to: number): void {
    if ((u[e + R.SIDE_FLAGS]! & R.SKIP_DELIVERIES) === 0) {
      const ranges = this.#ranges.get(slot * 2 + (e === b + R.ORIG ? 0 : 1))
      while (ranges && ranges.length > 0 && ranges[0]! < to) {
        const next = deliveredTo(f, e)
        if (ranges[0]! > next) gap(u, f, b, e, p, ranges[0]! - next)
        f[(e + R.SIDE_NEXT) >> 1] = Math.max(next, ranges[0]!)
        this.#absorb(slot, u, f, b, e)
      }
      const next = deliveredTo(f, e)
      if (to > next) gap(u, f, b, e, p, to - next)
    }
    if (to > deliveredTo(f, e)) {
      f[(e + R.SIDE_NEXT) >> 1] = to
      if (u[e + R.SIDE_FLAGS]! & R.HAS_HOLES) this.#absorb(slot, u, f, b, e)
    }
  }
}

/** Whether the side's numbers can be believed. */
function isClean(u: Uint32Array, e: number): boolean {
  const state = u[e + R.SIDE_STATE]
  return state === R.ESTABLISHED || (state === R.CLOSED && u[e + R.SIDE_PREVIOUS] === R.ESTABLISHED)
}

function gap(u: Uint32Array, f: Float64Array, b: number, e: number, p: number, length: number): void {
  // In other states a gap is more likely a misleading number than missing data.
  if (!isClean(u, e) || !isClean(u, p)) return
  f[(b + R.MISSED) >> 1]! += length
  if (isPowerOfTen(++u[e + R.SIDE_GAPS]!)) addHistory(u, b, e === b + R.ORIG ? LETTER_G : LETTER_G + 32)
}

/** Whether data that `e` sent is still awaited. */
export function isPending(u: Uint32Array, f: Float64Array, e: number, p: number): boolean {
  if (u[e + R.SIDE_FLAGS]! & R.SKIP_DELIVERIES) return false
  const delivered = u[e + R.SIDE_START]! + deliveredTo(f, e)
  const last = (u[e + R.SIDE_WRAPS]! >>> 16) * TWO32 + u[e + R.SIDE_LAST]!
  if (last < delivered) return false
  if (delivered !== last - 1 && delivered !== last) return true
  return u[e + R.SIDE_STATE] !== R.RESET && (u[p + R.SIDE_FLAGS]! & R.HAS_HOLES) !== 0
}

function insertRange(ranges: number[], from: number, to: number): void {
  let i = 0
  while (i < ranges.length && ranges[i + 1]! < from) i += 2
  let j = i
  while (j < ranges.length && ranges[j]! <= to) {
    from = Math.min(from, ranges[j]!)
    to = Math.max(to, ranges[j + 1]!)
    j += 2
  }
  ranges.splice(i, j - i, from, to)
}
