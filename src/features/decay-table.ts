import type { Undo } from '../schema/undo.ts'
import { mix } from './hash.ts'
import { KeptSlots } from './kept-slots.ts'

/** Slots that a key may lie in; the one unused for longest is given up when all are taken. */
const WAYS = 8
/** Slots to begin with; small tables stay in the processor's cache. */
const FIRST_SLOTS = 1 << 12

/** What a table knows, without its free slots. */
export interface TableState {
  /** Slots of the table; 0 where that does not matter, as entries were left out. */
  readonly slots: number
  /** (entries, 2) low and high hash of each key, in order of slots. */
  readonly keys: Int32Array
  /** (entries, values a row): newest event time, counters, plain values. */
  readonly rows: Float64Array
}

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
  readonly #kept: KeptSlots

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
    this.#kept = new KeptSlots(this.#width)
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

  /** Bytes of one entry in {@link save}. */
  get entryBytes(): number {
    return 8 * (1 + this.#width)
  }

  /**
   * Finds the slot of a key, or claims one with all values 0 for it; valid until the next call.
   *
   * @param undo learns how to put back what the caller changes in the slot from now on
   */
  slot(low: number, high: number, undo?: Undo): number {
    const found = this.#find(low, high)
    const at = found * this.#width
    const taken = !Number.isNaN(this.#rows[at]!)
    const same = taken && this.#keys[2 * found] === low && this.#keys[2 * found + 1] === high
    if (taken && !same && this.#keys.length < 2 * this.#maxSlots) {
      this.#grow(undo)
      return this.slot(low, high, undo)
    }
    if (undo) this.#kept.keep(found, this.#keys, this.#rows, undo)
    if (same) return found
    this.#keys[2 * found] = low
    this.#keys[2 * found + 1] = high
    this.#rows.fill(0, at, at + this.#width)
    this.#rows[at] = Number.NEGATIVE_INFINITY
    return found
  }

  /** The slot of a key, or -1; claims none. */
  look(low: number, high: number): number {
    const found = this.#find(low, high)
    const same = this.#keys[2 * found] === low && this.#keys[2 * found + 1] === high
    return same && !Number.isNaN(this.#rows[found * this.#width]!) ? found : -1
  }

  /** Slots in use, in no order that means anything. */
  *slots(): Generator<number> {
    for (let s = 0; s < this.#keys.length / 2; s++) {
      if (!Number.isNaN(this.#rows[s * this.#width]!)) yield s
    }
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

  #grow(undo?: Undo): void {
    const [keys, rows, width] = [this.#keys, this.#rows, this.#width]
    undo?.push(() => {
      this.#keys = keys
      this.#rows = rows
    })
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

  /** @param since entries whose newest event is older are left out; all are kept when left out */
  save(since = Number.NEGATIVE_INFINITY): TableState {
    const [width, from, held] = [this.#width, this.#rows, this.#keys]
    const wanted = (s: number) => from[s * width]! >= since
    let n = 0
    for (let s = 0; s < held.length / 2; s++) if (wanted(s)) n++
    const keys = new Int32Array(2 * n)
    const rows = new Float64Array(width * n)
    let [k, r] = [0, 0]
    for (let s = 0; s < held.length / 2; s++) {
      if (!wanted(s)) continue
      keys[k++] = held[2 * s]!
      keys[k++] = held[2 * s + 1]!
      for (let at = s * width; at < (s + 1) * width; at++) rows[r++] = from[at]!
    }
    return { slots: since === Number.NEGATIVE_INFINITY ? this.#keys.length / 2 : 0, keys, rows }
  }

  /**
   * Goes on from what {@link save} gave; from all of it exactly as the other table would.
   *
   * @throws RangeError when it is none of a table with these counters and this bound
   */
  restore({ slots, keys, rows }: TableState): void {
    const first = Math.min(FIRST_SLOTS, this.#maxSlots)
    const size = Math.max(slots, first)
    const entries = keys.length / 2
    const fits = size <= this.#maxSlots && Number.isInteger(Math.log2(size)) && entries <= this.#maxSlots
    if (!fits || rows.length !== entries * this.#width) {
      throw new RangeError(
        `the state of a table expects up to ${this.#maxSlots} keys of ${this.#width} values, got ${entries} with ${rows.length} in ${slots} slots`,
      )
    }
    this.#keys = new Int32Array(2 * size)
    this.#rows = this.#free(size)
    // In the order of their slots keys come to lie where they lay.
    for (let k = 0; k < entries; k++) {
      const s = this.slot(keys[2 * k]!, keys[2 * k + 1]!)
      this.#rows.set(rows.subarray(k * this.#width, (k + 1) * this.#width), s * this.#width)
    }
  }
}
