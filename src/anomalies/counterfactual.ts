import { type Matrix, matrix } from '../kernels/matrix.ts'

/** Normal rows looked at for what a record could have been; more would cost more and change little. */
const MOST_DONORS = 1024
/** Numbers of features tried in one call: two or three are enough for most records. */
const AT_ONCE = 4
/** Steps between the normal value and the record's own that are tried when a value is narrowed. */
const STEPS = 8
/** Steps a unit that matrix values come in: values between are no record's. */
const FINENESS = 10

/** A record with as few features as possible changed, so that it is no anomaly. */
export interface NormalRow {
  /** Numbers of the features changed, in the caller's order: those of `featureOf`. */
  readonly changed: readonly number[]
  /** (nFeatures) the record as it would have been, in matrix values. */
  readonly row: Float32Array
  /** Its evidence, by scoring it; under the threshold. */
  readonly evidence: number
}

/**
 * Finds what would have had to be different for a record to be normal (Wachter, Mittelstadt & Russell 2018).
 *
 * Features are changed in order of their contribution, all that are changed at once to the values of one real
 * normal row, the one nearest to the record in everything that stays: values that occur together, not
 * averages that never do. The changed records are scored, a few counts of features in one call; from the fewest that
 * is under the threshold, features that turn out not to be needed go back to what they were. Greedy: no smaller
 * subset of the answer would do, another smaller set may. Then numbers go back towards the record as far as it
 * stays under the threshold, so that what is told is about the most it could have been.
 */
export class CounterfactualFinder {
  readonly #donors: Matrix
  /** Matrix column -> number of the feature it belongs to. */
  readonly #featureOf: Int32Array
  readonly #nFeatures: number
  readonly #evidenceOf: (X: Matrix) => Float64Array
  readonly #least: number
  /** Column of each feature whose values between two are values too; -1 for the others. */
  readonly #numbers: Int32Array

  /**
   * @param rows training rows to take normal values from, such as the reference of LOF
   * @param featureOf matrix column -> feature as people see it: the members of a one-hot group are one
   * @param evidenceOf what the models say about rows, as `detect` does
   * @param least evidence from which a row is an anomaly
   * @param numeric whether the values of a matrix column are numbers, so that those between two are possible too
   * @throws RangeError when none of the rows is normal
   */
  constructor(
    rows: Matrix,
    featureOf: Int32Array,
    evidenceOf: (X: Matrix) => Float64Array,
    least: number,
    numeric: (column: number) => boolean = () => false,
  ) {
    const d = rows.nFeatures
    const step = Math.max(1, Math.ceil(rows.nSamples / MOST_DONORS))
    const looked = Array.from({ length: Math.ceil(rows.nSamples / step) }, (_, k) => k * step)
    const part = matrix(gather(rows.data, looked, d), rows.featureNames)
    const evidence = evidenceOf(part)
    // The more ordinary half: a row at the edge of normal leaves no room for what stays of the record.
    const middle = evidence.slice().sort()[evidence.length >> 1]!
    const normal = [...evidence.keys()].filter((i) => evidence[i]! <= middle && evidence[i]! < least)
    if (normal.length === 0) {
      throw new RangeError(`a counterfactual expects normal rows, got ${rows.nSamples} that are not`)
    }
    this.#donors = matrix(gather(part.data, normal, d), rows.featureNames)
    this.#featureOf = featureOf
    this.#nFeatures = Math.max(...featureOf) + 1
    this.#evidenceOf = evidenceOf
    this.#least = least
    this.#numbers = new Int32Array(this.#nFeatures).fill(-1)
    const columns = new Int32Array(this.#nFeatures)
    for (const f of featureOf) columns[f]!++
    featureOf.forEach((f, j) => {
      if (columns[f] === 1 && numeric(j)) this.#numbers[f] = j
    })
  }

  /**
   * @param x (nFeatures) matrix row of an anomaly
   * @param shares (features) how much each explains, as people see them
   * @returns undefined when even the nearest normal rows do not help
   */
  find(x: Float32Array, shares: ArrayLike<number>): NormalRow | undefined {
    const order = Array.from({ length: this.#nFeatures }, (_, f) => f)
    order.sort((a, b) => shares[b]! - shares[a]!)
    const nearest = this.#nearest(x, order)
    let found: { changed: number[]; row: Float32Array; evidence: number } | undefined
    let donor = 0
    for (let k = 0; k < order.length && !found; k += AT_ONCE) {
      const sets = order.slice(k, k + AT_ONCE).map((_, more) => order.slice(0, k + more + 1))
      const donors = sets.map(() => nearest.next().value!)
      const tried = this.#score(x, sets, donors)
      const under = tried.evidence.findIndex((e) => e < this.#least)
      if (under < 0) continue
      donor = donors[under]!
      found = { changed: sets[under]!, row: tried.rows[under]!, evidence: tried.evidence[under]! }
    }
    if (!found) return undefined
    while (found.changed.length > 1) {
      const { changed }: { changed: number[] } = found
      const fewer = changed.map((f) => changed.filter((other) => other !== f))
      const { rows, evidence } = this.#score(
        x,
        fewer,
        fewer.map(() => donor),
      )
      const best = evidence.indexOf(Math.min(...evidence))
      if (!(evidence[best]! < this.#least)) break
      found = { changed: fewer[best]!, row: rows[best]!, evidence: evidence[best]! }
    }
    for (const f of found.changed) found = { ...found, ...this.#narrowed(x, found, this.#numbers[f]!) }
    return found
  }

  /** The record with the value of a column as near to its own as it can be. */
  #narrowed(
    x: Float32Array,
    found: Pick<NormalRow, 'row' | 'evidence'>,
    column: number,
  ): Pick<NormalRow, 'row' | 'evidence'> {
    if (column < 0) return found
    const normal = found.row[column]!
    const rows = Array.from({ length: STEPS - 1 }, (_, step) => {
      const value = normal + ((x[column]! - normal) * (step + 1)) / STEPS
      return found.row.with(column, Math.round(value * FINENESS) / FINENESS)
    })
    const evidence = this.#evidence(rows)
    const over = evidence.findIndex((e) => !(e < this.#least))
    const last = (over < 0 ? rows.length : over) - 1
    return last < 0 ? found : { row: rows[last]!, evidence: evidence[last]! }
  }

  /** For k = 0, 1, … the donor nearest to x in all features but the first k + 1 of `order`. */
  *#nearest(x: Float32Array, order: readonly number[]): Generator<number, undefined> {
    const { data, nSamples: n, nFeatures: d } = this.#donors
    const distance = new Float64Array(n)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) distance[i]! += (x[j]! - data[i * d + j]!) ** 2
    }
    for (const f of order) {
      const columns = [...this.#featureOf.keys()].filter((j) => this.#featureOf[j] === f)
      let nearest = 0
      for (let i = 0; i < n; i++) {
        for (const j of columns) distance[i]! -= (x[j]! - data[i * d + j]!) ** 2
        if (distance[i]! < distance[nearest]!) nearest = i
      }
      yield nearest
    }
  }

  /** Rows of x with the features of each set taken from its donor, and their evidence. */
  #score(x: Float32Array, sets: readonly (readonly number[])[], donors: readonly number[]) {
    const { data, nFeatures: d } = this.#donors
    const rows = sets.map((set, s) => {
      const from = new Set(set)
      return x.map((value, j) => (from.has(this.#featureOf[j]!) ? data[donors[s]! * d + j]! : value))
    })
    return { rows, evidence: this.#evidence(rows) }
  }

  #evidence(rows: readonly Float32Array[]): Float64Array {
    const { nFeatures: d, featureNames } = this.#donors
    const all = new Float32Array(rows.length * d)
    rows.forEach((row, s) => {
      all.set(row, s * d)
    })
    return this.#evidenceOf(matrix(all, featureNames))
  }
}

function gather(data: Float32Array, rows: readonly number[], d: number): Float32Array {
  const out = new Float32Array(rows.length * d)
  rows.forEach((row, i) => {
    out.set(data.subarray(row * d, (row + 1) * d), i * d)
  })
  return out
}
