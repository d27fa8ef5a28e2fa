import { mix } from './hash.ts'

/** Slots that a key may lie in; the one unused for longest is given up when all are taken. */
const WAYS = 4

/**
 * Counters that fade, by key, in a fixed amount of memory.
 *
 * Each counter loses the share 1 - exp(-dt / tau) over dt seconds of event time, so at a steady rate of
 * r events a second it stands at r tau: "events in the last tau seconds". Unlike a ring of buckets it
 * takes one number, and has no edge for an event to fall over. A late event (older than the newest of
 * its key) counts with the weight it would have left by now.
 *
 * The table is a set-associative cache over typed arrays: a key is two 32-bit hashes, found among four
 * slots. When more keys live than it has room for, the least recently used of the four is forgotten; that
 * depends on the order of events alone.
 */
export class DecayTable {
  /** Seconds over which each counter fades. */
  readonly taus: Float64Array
  readonly #sets: number
  readonly #low: Int32Array
  readonly #high: Int32Array
  /** Newest event time by slot; NaN = free. */
  readonly #last: Float64Array
  readonly #counts: Float64Array

  /**
   * @param slots room for so many keys, a power of two
   * @param taus seconds, one a counter
   */
  constructor(slots: number, taus: readonly number[]) {
    this.taus = Float64Array.from(taus)
    this.#sets = slots / WAYS
    this.#low = new Int32Array(slots)
    this.#high = new Int32Array(slots)
    this.#last = new Float64Array(slots).fill(Number.NaN)
    this.#counts = new Float64Array(slots * taus.length)
  }

  /** Finds the slot of a key, or claims one with all counters 0 for it. */
  slot(low: number, high: number): number {
    const first = (mix(low, high) & (this.#sets - 1)) * WAYS
    let oldest = first
    for (let s = first; s < first + WAYS; s++) {
      const last = this.#last[s]!
      if (Number.isNaN(last)) {
        oldest = s
        break
      }
      if (this.#low[s] === low && this.#high[s] === high) return s
      if (last < this.#last[oldest]!) oldest = s
    }
    this.#low[oldest] = low
    this.#high[oldest] = high
    this.#last[oldest] = Number.NEGATIVE_INFINITY
    this.#counts.fill(0, oldest * this.taus.length, (oldest + 1) * this.taus.length)
    return oldest
  }

  /** Newest event time of the slot's key; -Infinity before its first. */
  last(slot: number): number {
    return this.#last[slot]!
  }

  /** Lets the slot's counters fade to time `ts`; returns how many seconds `ts` lies before the newest event (0 = it is the newest). */
  advance(slot: number, ts: number): number {
    const last = this.#last[slot]!
    if (ts <= last) return last - ts
    if (last !== Number.NEGATIVE_INFINITY) {
      const at = slot * this.taus.length
      for (let k = 0; k < this.taus.length; k++)
        this.#counts[at + k]! *= Math.exp((last - ts) / this.taus[k]!)
    }
    this.#last[slot] = ts
    return 0
  }

  /** Adds `amount` to counter k for an event that is `late` seconds behind the newest; returns the new count. */
  add(slot: number, k: number, amount: number, late: number): number {
    const at = slot * this.taus.length + k
    this.#counts[at]! += late > 0 ? amount * Math.exp(-late / this.taus[k]!) : amount
    return this.#counts[at]!
  }

  /** Counter k as it stands. */
  count(slot: number, k: number): number {
    return this.#counts[slot * this.taus.length + k]!
  }
}
