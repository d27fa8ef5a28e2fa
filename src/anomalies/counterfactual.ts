import { type Matrix, matrix } from '../kernels/matrix.ts'

/** Normal rows looked at for what a record could have been; more would cost more and change little. */
const MOST_DONORS = 4096

/** A record with as few features as possible changed, so that it is no anomaly. */
export interface Counterfactual {
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
 * averages that never do. The changed records are scored, all counts of features in one call; from the fewest that is
 * under the threshold, features that turn out not to be needed go back to what they were. Greedy: no smaller
 * subset of the answer would do, another smaller set may.
 */
export class CounterfactualFinder {
  readonly #donors: Matrix
  /** Matrix column -> number of the feature it belongs to. */
  readonly #featureOf: Int32Array
  readonly #nFeatures: number
  readonly #evidenceOf: (X: Matrix) => Float64Array
  readonly #least: number

  /**
   * @param rows training rows to take normal values from, such as the reference of LOF
   * @param featureOf matrix column -> feature as people see it: the members of a one-hot group are one
   * @param evidenceOf what the models say about rows, as `detect` does
   * @param least evidence from which a row is an anomaly
   * @throws RangeError when none of the rows is normal
   */
  constructor(rows: Matrix, featureOf: Int32Array, evidenceOf: (X: Matrix) => Float64Array, least: number) {
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
  }

  /**
   * @param x (nFeatures) matrix row of an anomaly
   * @param shares (features) how much each explains, as people see them
   * @returns undefined when even the nearest normal rows do not help
   */
  find(x: Float32Array, shares: ArrayLike<number>): Counterfactual | undefined {
    const order = Array.from({ length: this.#nFeatures }, (_, f) => f)
    order.sort((a, b) => shares[b]! - shares[a]!)
    const donors = this.#donorOf(x, order)
    const sets = order.map((_, k) => order.slice(0, k + 1))
    const tried = this.#score(x, sets, donors)
    const k = tried.evidence.findIndex((e) => e < this.#least)
    if (k < 0) return undefined
    let changed = sets[k]!
    let found = { row: tried.rows[k]!, evidence: tried.evidence[k]! }
    while (changed.length > 1) {
      const fewer = changed.map((f) => changed.filter((other) => other !== f))
      const { rows, evidence } = this.#score(
        x,
        fewer,
        fewer.map(() => donors[k]!),
      )
      const best = evidence.indexOf(Math.min(...evidence))
      if (!(evidence[best]! < this.#least)) break
      changed = fewer[best]!
      found = { row: rows[best]!, evidence: evidence[best]! }
    }
    return { changed, ...found }
  }

  /** For each k the donor nearest to x in all features but the first k + 1 of `order`. */
  #donorOf(x: Float32Array, order: readonly number[]): number[] {
    const { data, nSamples: n, nFeatures: d } = this.#donors
    const byFeature = order.map(() => [] as number[])
    this.#featureOf.forEach((f, j) => {
      byFeature[f]!.push(j)
    })
    const distance = new Float64Array(n)
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) distance[i]! += (x[j]! - data[i * d + j]!) ** 2
    }
    return order.map((f) => {
      let nearest = 0
      for (let i = 0; i < n; i++) {
        for (const j of byFeature[f]!) distance[i]! -= (x[j]! - data[i * d + j]!) ** 2
        if (distance[i]! < distance[nearest]!) nearest = i
      }
      return nearest
    })
  }

  /** Rows of x with the features of each set taken from its donor, and their evidence. */
  #score(x: Float32Array, sets: readonly (readonly number[])[], donors: readonly number[]) {
    const { data, nFeatures: d, featureNames } = this.#donors
    const rows = sets.map((set, s) => {
      const from = new Set(set)
      return x.map((value, j) => (from.has(this.#featureOf[j]!) ? data[donors[s]! * d + j]! : value))
    })
    const all = new Float32Array(rows.length * d)
    rows.forEach((row, s) => {
      all.set(row, s * d)
    })
    return { rows, evidence: this.#evidenceOf(matrix(all, featureNames)) }
  }
}

function gather(data: Float32Array, rows: readonly number[], d: number): Float32Array {
  const out = new Float32Array(rows.length * d)
  rows.forEach((row, i) => {
    out.set(data.subarray(row * d, (row + 1) * d), i * d)
  })
  return out
}
