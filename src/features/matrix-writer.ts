import { scaleColumn, scalerOf } from '../kernels/scaling.ts'
import { type Encoder, isMissing, RARE } from './encoder.ts'
import { type FeatureSpec, UNKNOWN_YET } from './feature-columns.ts'
import { rarityOf } from './rarity.ts'

/** Rows that are written at a time, column by column: they stay in the processor's cache. */
const BLOCK = 64
/** A column that is made of others, of a block. */
const made = new Float64Array(BLOCK)

/** Writes one matrix column, which is 0, of n rows from row `at` on; `out` is its place in the first of them. */
type Writer = (
  columns: readonly Float64Array[],
  at: number,
  n: number,
  data: Float32Array,
  out: number,
) => void

/** Writes feature columns as matrix rows, with everything looked up that does not depend on the rows. */
export class MatrixWriter {
  readonly #writers: readonly Writer[]

  /**
   * @param encoders one a matrix column
   * @param specs of the feature columns to come
   */
  constructor(encoders: readonly Encoder[], specs: readonly FeatureSpec[]) {
    const places = new Map(specs.map(({ name }, place) => [name, place]))
    const d = encoders.length
    this.#writers = encoders.map((e) =>
      writerOf(
        e,
        e.from.map((name) => places.get(name) ?? -1),
        d,
      ),
    )
  }

  /** @param data (n, number of encoders) of zeros, filled */
  write(columns: readonly Float64Array[], n: number, data: Float32Array): void {
    const writers = this.#writers
    const d = writers.length
    for (let at = 0; at < n; at += BLOCK) {
      const rows = Math.min(BLOCK, n - at)
      for (let j = 0; j < d; j++) writers[j]!(columns, at, rows, data, at * d + j)
    }
  }
}

/** @param places of the encoder's sources among the feature columns, -1 where that is absent: missing throughout */
function writerOf(e: Encoder, places: readonly number[], d: number): Writer {
  const place = places[0]!
  if (e.what === 'unseen') return unseenWriter(places, d)
  if (e.what === 'relation') return relationWriter(e, places, d)
  if (place < 0 || (e.what === 'rare' && places[1]! < 0)) {
    return (_, __, n, data, out) => {
      for (let i = 0; i < n; i++) data[out + i * d] = e.imputed
    }
  }
  if (e.what === 'rare') return rareWriter(e, places, d)
  if (e.what === 'missing') {
    return (columns, at, n, data, out) => {
      for (let i = 0; i < n; i++) if (isMissing(columns[place]![at + i]!)) data[out + i * d] = 1
    }
  }
  if (e.what === 'rarity') {
    const rarity = rarityOf(e.counts!)
    return (columns, at, n, data, out) => {
      for (let i = 0; i < n; i++) data[out + i * d] = rarity(columns[place]![at + i]!)
    }
  }
  const how = scalerOf(e)
  return (columns, at, n, data, out) => scaleColumn(how, columns[place]!, at, n, data, out, d)
}

function unseenWriter(places: readonly number[], d: number): Writer {
  const known = places.filter((place) => place >= 0)
  return (columns, at, n, data, out) => {
    for (let i = 0; i < n; i++) {
      let k = 0
      while (k < known.length && !(columns[known[k]!]![at + i]! > 0)) k++
      if (k === known.length) data[out + i * d] = 1
    }
  }
}

function relationWriter(e: Encoder, places: readonly number[], d: number): Writer {
  const how = scalerOf(e)
  const weights = Float64Array.from(e.weights!, ([weight]) => weight)
  const centers = Float64Array.from(e.weights!, ([, center]) => center)
  return (columns, at, n, data, out) => {
    made.fill(places.includes(-1) ? Number.NaN : 0)
    for (let k = 0; k < places.length; k++) {
      const column = columns[places[k]!]
      if (column) addWeighed(made, column, at, n, weights[k]!, centers[k]!)
    }
    scaleColumn(how, made, 0, n, data, out, d)
  }
}

/** Adds weighed deviations; what needs a longer past makes the sum unknown as well. */
function addWeighed(
  sums: Float64Array,
  column: Float64Array,
  at: number,
  n: number,
  weight: number,
  center: number,
): void {
  for (let i = 0; i < n; i++) {
    const x = column[at + i]!
    if (x === UNKNOWN_YET || sums[i] === UNKNOWN_YET) sums[i] = UNKNOWN_YET
    else sums[i]! += weight * (x - center)
  }
}

function rareWriter(e: Encoder, [counts, codes]: readonly number[], d: number): Writer {
  const how = scalerOf(e)
  const rarity = rarityOf(e.counts!)
  return (columns, at, n, data, out) => {
    const [count, code] = [columns[counts!]!, columns[codes!]!]
    for (let i = 0; i < n; i++) made[i] = count[at + i]! * Math.max(0, rarity(code[at + i]!) - RARE)
    scaleColumn(how, made, 0, n, data, out, d)
  }
}
