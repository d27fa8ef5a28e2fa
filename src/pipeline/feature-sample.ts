import type { FeatureColumns, FeatureSpec } from '../features/feature-columns.ts'
import { Random } from '../kernels/random.ts'

/**
 * A uniform sample of at most `capacity` rows of a stream of features, so that training takes bounded memory
 * on input of any length (reservoir sampling, Vitter 1985, algorithm R). Up to `capacity` rows it keeps all.
 *
 * A feature that first appears late is NaN in the earlier rows.
 */
export class FeatureSample {
  readonly capacity: number
  readonly #random: Random
  readonly #specs = new Map<string, FeatureSpec>()
  readonly #columns = new Map<string, Float64Array>()
  #ts: Float64Array
  #order: Float64Array
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

  /** The sample in order of time (rows without time first, in order of arrival), and the time of each row. */
  finish(): { features: FeatureColumns; ts: Float64Array } {
    const ts = this.#ts.subarray(0, this.#kept)
    const key = ts.map((t) => (Number.isNaN(t) ? -Infinity : t))
    const arrival = this.#order
    const byTime = Uint32Array.from(ts, (_, i) => i)
    byTime.sort((a, b) => (key[a] === key[b] ? arrival[a]! - arrival[b]! : key[a]! - key[b]!))
    const features = {
      length: this.#kept,
      specs: [...this.#specs.values()],
      columns: [...this.#columns.values()],
    }
    return { features: selectFeatures(features, byTime), ts: gather(ts, byTime) }
  }

  #column(spec: FeatureSpec): Float64Array {
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
    const length = Math.min(this.capacity, this.#ts.length * 2)
    this.#ts = grown(this.#ts, length)
    this.#order = grown(this.#order, length)
    for (const [name, column] of this.#columns) this.#columns.set(name, grown(column, length))
  }
}

/** Rows `rows` of the features, in that order. */
export function selectFeatures(features: FeatureColumns, rows: Uint32Array): FeatureColumns {
  return {
    length: rows.length,
    specs: features.specs,
    columns: features.columns.map((column) => gather(column, rows)),
  }
}

/** Rows from `start` up to `end` of the features, without a copy. */
export function sliceFeatures(features: FeatureColumns, start: number, end: number): FeatureColumns {
  return {
    length: end - start,
    specs: features.specs,
    columns: features.columns.map((column) => column.subarray(start, end)),
  }
}

function gather(column: Float64Array, rows: Uint32Array): Float64Array {
  const out = new Float64Array(rows.length)
  for (let i = 0; i < rows.length; i++) out[i] = column[rows[i]!]!
  return out
}

function grown(column: Float64Array, length: number): Float64Array {
  const bigger = new Float64Array(length).fill(Number.NaN)
  bigger.set(column)
  return bigger
}
