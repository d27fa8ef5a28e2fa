import { mix } from './hash.ts'

/** Slots that a key may lie in; the one unused for longest is given up when all are taken. */
const WAYS = 8
/** Slots to begin with; small tables stay in the processor's cache. */
const FIRST_SLOTS = 1 << 12

/**
 * Counters that fade, by key, in bounded memory.
 *
 * Each counter loses the share 1 - exp(-dt / tau) over dt seconds of event time, so at a steady rate of
 * r events a second it stands at r tau: "events in the last tau seconds". Unlike a ring of buckets it
 * takes one number, and has no edge for an event to fall over. A late event (older than the newest of
 * its key) counts with the weight it would have left by now.
 *
 * The table is a set-associative cache over typed arrays: a key is two 32-bit hashes, found among eight
 * slots. It doubles when a key finds its eight taken, up to `maxSlots`; beyond that the least recently used of
 * the eight is forgotten. All of it depends on the order of events alone.
 */
export class DecayTable {
  /** Seconds over which each counter fades. */
  readonly taus: Float64Array
  readonly #maxSlots: number
  #low: Int32Array
  #high: Int32Array
  /** Newest event time by slot; NaN = free. */
  #last: Float64Array
  #counts: Float64Array

  /**
   * @param maxSlots room for at most so many keys, a power of two
   * @param taus seconds, one a counter
   */
  constructor(maxSlots: number, taus: readonly number[]) {
    this.taus = Float64Array.from(taus)
    this.#maxSlots = maxSlots
    const slots = Math.min(FIRST_SLOTS, maxSlots)
    this.#low = new Int32Array(slots)
    this.#high = new Int32Array(slots)
    this.#last = new Float64Array(slots).fill(Number.NaN)
    this.#counts = new Float64Array(slots * taus.length)
  }

  /** Finds the slot of a key, or claims one with all counters 0 for it; valid until the next call. */
  slot(low: number, high: number): number {
    const found = this.#find(low, high)
    if (!Number.isNaN(this.#last[found]!)) {
      if (this.#low[found] === low && this.#high[found] === high) return found
      if (this.#low.length < this.#maxSlots) {
        this.#grow()
        return this.slot(low, high)
      }
    }
    this.#low[found] = low
    this.#high[found] = high
    this.#last[found] = Number.NEGATIVE_INFINITY
    this.#counts.fill(0, found * this.taus.length, (found + 1) * this.taus.length)
    return found
  }

  /** The slot that holds the key, else a free one among its eight, else the one unused for longest. */
  #find(low: number, high: number): number {
    const first = (mix(low, high) & (this.#low.length / WAYS - 1)) * WAYS
    let oldest = first
    for (let s = first; s < first + WAYS; s++) {
      const last = this.#last[s]!
      if (Number.isNaN(last) || (this.#low[s] === low && this.#high[s] === high)) return s
      if (last < this.#last[oldest]!) oldest = s
    }
    return oldest
  }

  #grow(): void {
    const [low, high, last, counts, k] = [this.#low, this.#high, this.#last, this.#counts, this.taus.length]
    this.#low = new Int32Array(low.length * 2)
    this.#high = new Int32Array(low.length * 2)
    this.#last = new Float64Array(low.length * 2).fill(Number.NaN)
    this.#counts = new Float64Array(low.length * 2 * k)
    for (let s = 0; s < low.length; s++) {
      if (Number.isNaN(last[s]!)) continue
      // A set splits into two, so there is always room.
      const to = this.#find(low[s]!, high[s]!)
      this.#low[to] = low[s]!
      this.#high[to] = high[s]!
      this.#last[to] = last[s]!
      for (let c = 0; c < k; c++) this.#counts[to * k + c] = counts[s * k + c]!
    }
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
