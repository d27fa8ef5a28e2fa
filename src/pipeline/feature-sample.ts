import type { FeatureColumns, FeatureSpec } from '../features/feature-columns.ts'
import { Random } from '../kernels/random.ts'

type Column = Float64Array<ArrayBuffer>

/** Sampled rows with the time of each. */
export interface Sampled {
  readonly features: FeatureColumns & { readonly columns: readonly Column[] }
  readonly ts: Column
}

/** Values kept, 8 bytes each: 100,000 flows, or 45,000 readings of eight metrics. */
const MOST_VALUES = 6_000_000
/** Rows for which there is room grow by this factor: memory that is not used yet is memory too. */
const GROWTH = 1.25

/**
 * A uniform sample of a stream of features, so that training takes bounded memory on input of any length (reservoir
 * sampling, Vitter 1985, algorithm R): at most `capacity` rows, fewer where these are so wide that they would be more
 * than {@link MOST_VALUES}. Up to there it keeps all.
 *
 * A feature that first appears late is NaN in the earlier rows.
 */
export class FeatureSample {
  /** Most rows; known with the first ones. */
  capacity: number
  readonly #random: Random
  readonly #specs = new Map<string, FeatureSpec>()
  readonly #columns = new Map<string, Column>()
  #ts: Column
  #order: Column
  #kept = 0
  /** Rows offered so far. */
  seen = 0

  constructor(capacity: number, seed: number) {
    this.capacity = capacity
    this.#random = new Random(seed)
    this.#ts = new Float64Array(Math.min(capacity, 4096))
    this.#order = new Float64Array(this.#ts.length)
  }

  add(features: FeatureColumns, ts: Float64Array): void {
    if (this.seen === 0)
      this.capacity = Math.min(this.capacity, Math.floor(MOST_VALUES / features.specs.length))
    const slots = new Int32Array(features.length)
    for (let i = 0; i < features.length; i++) {
      const n = this.seen++
      slots[i] = n < this.capacity ? n : this.#random.int(n + 1)
      if (slots[i]! >= this.capacity) slots[i] = -1
      else {
        this.#kept = Math.max(this.#kept, slots[i]! + 1)
        this.#reserve(this.#kept)
        this.#ts[slots[i]!] = ts[i]!
        this.#order[slots[i]!] = n
      }
    }
    const given = new Set<string>()
    features.specs.forEach((spec, j) => {
      given.add(spec.name)
      const from = features.columns[j]!
      const to = this.#column(spec)
      for (let i = 0; i < slots.length; i++) if (slots[i]! >= 0) to[slots[i]!] = from[i]!
    })
    for (const [name, column] of this.#columns) {
      if (given.has(name)) continue
      for (let i = 0; i < slots.length; i++) if (slots[i]! >= 0) column[slots[i]!] = Number.NaN
    }
  }

  /**
   * The sample in order of time (rows without time first, in order of arrival), and the time of each row. It is in the
   * memory in which it was gathered: nothing can be added any more.
   *
   * @param first share of the rows, the first ones; the others go, 0–1
   */
  finish(first = 1): Sampled {
    const key = this.#ts.subarray(0, this.#kept).map((t) => (Number.isNaN(t) ? -Infinity : t))
    const arrival = this.#order
    const byTime = Uint32Array.from(key, (_, i) => i)
    byTime.sort((a, b) => (key[a] === key[b] ? arrival[a]! - arrival[b]! : key[a]! - key[b]!))
    const features = {
      length: this.#ts.length,
      specs: [...this.#specs.values()],
      columns: [...this.#columns.values()],
    }
    return keepRows({ features, ts: this.#ts }, byTime.subarray(0, Math.ceil(first * this.#kept)))
  }

  #column(spec: FeatureSpec): Column {
    let column = this.#columns.get(spec.name)
    if (!column) {
      column = new Float64Array(this.#ts.length).fill(Number.NaN)
      this.#columns.set(spec.name, column)
      this.#specs.set(spec.name, spec)
    }
    return column
  }

  #reserve(rows: number): void {
    if (rows <= this.#ts.length) return
    const length = Math.min(this.capacity, Math.ceil(this.#ts.length * GROWTH))
    this.#ts = grown(this.#ts, length)
    this.#order = grown(this.#order, length)
    for (const [name, column] of this.#columns) this.#columns.set(name, grown(column, length))
  }
}

/**
 * Rows `rows`, in that order, column by column in the memory that they had: nothing else of `sampled` is left, and it
 * must not be used again.
 */
export function keepRows({ features, ts }: Sampled, rows: Uint32Array): Sampled {
  const scratch = new Float64Array(rows.length)
  const kept = (column: Column): Column => {
    for (let i = 0; i < rows.length; i++) scratch[i] = column[rows[i]!]!
    column.set(scratch)
    return new Float64Array(column.buffer.transfer(scratch.byteLength))
  }
  const { specs, columns } = features
  return { features: { length: rows.length, specs, columns: columns.map(kept) }, ts: kept(ts) }
}

/** Rows `rows` of the features, in that order; a copy. */
export function selectFeatures({ specs, columns }: FeatureColumns, rows: Uint32Array): FeatureColumns {
  const select = (column: Float64Array) => Float64Array.from(rows, (row) => column[row]!)
  return { length: rows.length, specs, columns: columns.map(select) }
}

/** Rows from `start` up to `end` of the features, without a copy. */
export function sliceFeatures(features: FeatureColumns, start: number, end: number): FeatureColumns {
  return {
    length: end - start,
    specs: features.specs,
    columns: features.columns.map((column) => column.subarray(start, end)),
  }
}

/** Moves rows from `start` up to `end` behind all others, which close ranks. */
export function toEnd(columns: readonly Float64Array[], start: number, end: number): void {
  for (const column of columns) {
    const rows = column.slice(start, end)
    column.copyWithin(start, end)
    column.set(rows, column.length - rows.length)
  }
}

/** Takes back what {@link toEnd} did. */
export function fromEnd(columns: readonly Float64Array[], start: number, end: number): void {
  for (const column of columns) {
    const rows = column.slice(column.length - (end - start))
    column.copyWithin(end, start)
    column.set(rows, start)
  }
}

/** The column in its memory made larger: there are never two of it. */
function grown(column: Column, length: number): Column {
  const before = column.length
  return new Float64Array(column.buffer.transfer(8 * length)).fill(Number.NaN, before)
}
