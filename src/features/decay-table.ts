import { mix } from './hash.ts'

/** Slots that a key may lie in; the one unused for longest is given up when all are taken. */
const WAYS = 8
/** Slots to begin with; small tables stay in the processor's cache. */
const FIRST_SLOTS = 1 << 12

/**
 * Counters that fade, by key, in bounded memory, and plain values beside them.
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
  /** Index of the first counter with the same tau: their fading is computed once. */
  readonly #sameTau: Int32Array
  readonly #fading: Float64Array
  readonly #width: number
  readonly #maxSlots: number
  /** Low and high hash of the key of each slot. */
  #keys: Int32Array
  /** By slot: newest event time (NaN = free), counters, plain values. */
  #rows: Float64Array

  /**
   * @param maxSlots room for at most so many keys, a power of two
   * @param taus seconds, one a counter
   * @param plain values a key that do not fade, 0 to begin with
   */
  constructor(maxSlots: number, taus: readonly number[], plain = 0) {
    this.taus = Float64Array.from(taus)
    this.#sameTau = Int32Array.from(taus, (tau) => taus.indexOf(tau))
    this.#fading = new Float64Array(taus.length)
    this.#width = 1 + taus.length + plain
    this.#maxSlots = maxSlots
    const slots = Math.min(FIRST_SLOTS, maxSlots)
    this.#keys = new Int32Array(2 * slots)
    this.#rows = this.#free(slots)
  }

  /** Bytes it takes now, and the most it ever takes. */
  get bytes(): { readonly now: number; readonly most: number } {
    return {
      now: this.#keys.byteLength + this.#rows.byteLength,
      most: this.#maxSlots * 8 * (1 + this.#width),
    }
  }

  /** Finds the slot of a key, or claims one with all values 0 for it; valid until the next call. */
  slot(low: number, high: number): number {
    const found = this.#find(low, high)
    const at = found * this.#width
    if (!Number.isNaN(this.#rows[at]!)) {
      if (this.#keys[2 * found] === low && this.#keys[2 * found + 1] === high) return found
      if (this.#keys.length < 2 * this.#maxSlots) {
        this.#grow()
        return this.slot(low, high)
      }
    }
    this.#keys[2 * found] = low
    this.#keys[2 * found + 1] = high
    this.#rows.fill(0, at, at + this.#width)
    this.#rows[at] = Number.NEGATIVE_INFINITY
    return found
  }

  /** The slot that holds the key, else a free one among its eight, else the one unused for longest. */
  #find(low: number, high: number): number {
    const [keys, rows, width] = [this.#keys, this.#rows, this.#width]
    const first = (mix(low, high) & (keys.length / 2 / WAYS - 1)) * WAYS
    // Slots are given out in order and never freed, so the key lies before the first free one.
    for (let s = first; s < first + WAYS; s++) {
      if (keys[2 * s] === low && keys[2 * s + 1] === high && !Number.isNaN(rows[s * width]!)) return s
    }
    let oldest = first
    for (let s = first; s < first + WAYS; s++) {
      const last = rows[s * width]!
      if (Number.isNaN(last)) return s
      if (last < rows[oldest * width]!) oldest = s
    }
    return oldest
  }

  #free(slots: number): Float64Array {
    const rows = new Float64Array(slots * this.#width)
    for (let s = 0; s < slots; s++) rows[s * this.#width] = Number.NaN
    return rows
  }

  #grow(): void {
    const [keys, rows, width] = [this.#keys, this.#rows, this.#width]
    this.#keys = new Int32Array(keys.length * 2)
    this.#rows = this.#free(keys.length)
    for (let s = 0; s < keys.length / 2; s++) {
      if (Number.isNaN(rows[s * width]!)) continue
      // A set splits into two, so there is always room.
      const to = this.#find(keys[2 * s]!, keys[2 * s + 1]!)
      this.#keys[2 * to] = keys[2 * s]!
      this.#keys[2 * to + 1] = keys[2 * s + 1]!
      this.#rows.set(rows.subarray(s * width, (s + 1) * width), to * width)
    }
  }

  /** Newest event time of the slot's key; -Infinity before its first. */
  last(slot: number): number {
    return this.#rows[slot * this.#width]!
  }

  /** Lets the slot's counters fade to time `ts`; returns how many seconds `ts` lies before the newest event (0 = it is the newest). */
  advance(slot: number, ts: number): number {
    const at = slot * this.#width
    const rows = this.#rows
    const last = rows[at]!
    if (ts <= last) return last - ts
    rows[at] = ts
    if (last === Number.NEGATIVE_INFINITY) return 0
    const fading = this.#fading
    for (let k = 0; k < fading.length; k++) {
      const same = this.#sameTau[k]!
      fading[k] = same < k ? fading[same]! : Math.exp((last - ts) / this.taus[k]!)
      rows[at + 1 + k]! *= fading[k]!
    }
    return 0
  }

  /** Adds `amount` to counter k for an event that is `late` seconds behind the newest; returns the new count. */
  add(slot: number, k: number, amount: number, late: number): number {
    const at = slot * this.#width + 1 + k
    this.#rows[at]! += late > 0 ? amount * Math.exp(-late / this.taus[k]!) : amount
    return this.#rows[at]!
  }

  /** Counter k as it stands, or a plain value: they are numbered on after the counters. */
  get(slot: number, k: number): number {
    return this.#rows[slot * this.#width + 1 + k]!
  }

  set(slot: number, k: number, value: number): void {
    this.#rows[slot * this.#width + 1 + k] = value
  }

  /** All that the table knows, as it lies in memory; to be copied before the table is used again. */
  get state(): { readonly keys: Int32Array; readonly rows: Float64Array } {
    return { keys: this.#keys, rows: this.#rows }
  }

  /**
   * Goes on from a {@link state}, whose arrays become the table's own.
   *
   * @throws RangeError when it is none of a table with these counters and this bound
   */
  restore(keys: Int32Array, rows: Float64Array): void {
    const slots = keys.length / 2
    const fits = slots >= Math.min(FIRST_SLOTS, this.#maxSlots) && slots <= this.#maxSlots
    if (!fits || !Number.isInteger(Math.log2(slots)) || rows.length !== slots * this.#width) {
      throw new RangeError(
        `the state of a table expects up to ${this.#maxSlots} keys of ${this.#width} values, got ${keys.length} and ${rows.length} numbers`,
      )
    }
    this.#keys = keys
    this.#rows = rows
  }
}
