import { expectLength, expectScorable, expectTrainable } from '../kernels/check.ts'
import { distinctRows, RowIndex } from '../kernels/distinct-rows.ts'
import { type Matrix, matrix, selectRows } from '../kernels/matrix.ts'
import { type Neighbors, nearestNeighbors, nearestNeighborsAsync } from '../kernels/neighbors.ts'
import { Random } from '../kernels/random.ts'
import { tileOrder } from '../kernels/tile-order.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import { type ModelBytes, readSections, writeSections } from './buffer.ts'
import { storeContributions } from './contributions.ts'
import type { Detector, FittedDetector } from './detector.ts'

const magic = 'LOF'
const version = 2

/** Queries searched at a time: bounds the memory of their neighbours to some megabytes. */
const searchedAtOnce = 32_768
/** Queries whose neighbours are kept until the next search: some megabytes, too. */
const mostKept = 8192

/** Added to every mean reachability distance before it is inverted, as scikit-learn does. */
const distanceFloor = 1e-10

export interface LocalOutlierFactorParams {
  /** Training samples that make up a neighbourhood (MinPts in the paper), at least 1. */
  readonly nNeighbors?: number
  /** At most so many distinct training rows are kept to compare with, drawn with `seed`. */
  readonly maxReference?: number
  /**
   * Distinct training rows of a second, coarser look, drawn with `seed`; 0 = none. Beside so few rows the
   * neighbourhood of `nNeighbors` is a wide one, and a sample's score is the larger of the two.
   */
  readonly coarseReference?: number
  readonly seed?: number
}

/**
 * Local Outlier Factor (Breunig, Kriegel, Ng & Sander 2000) in scikit-learn's novelty form: how much
 * thinner the training data is around a sample than around the sample's own neighbours. About 1 inside
 * a population, larger outside.
 *
 * Without equal training rows the scores are scikit-learn's. Counting each copy as a neighbour would
 * shrink neighbourhoods to distance 0 and raise scores to 1e9, so equal rows are one neighbour with their
 * number as weight, and a row's own copies are no neighbours of it. Repetition also says that small
 * distances are grain rather than density: with a share s of repeated rows, no k-distance counts as
 * smaller than the s/2 quantile of the distances from a distinct row to its k-th distinct neighbour.
 *
 * A group of more than k abnormal samples is its own neighbourhood and looks ordinary. The paper's answer is
 * the largest score over a range of neighbourhood sizes; a neighbourhood of k among few random rows is one of
 * many times k among all (Zimek, Gaudet, Campello & Sander 2013), and costs next to nothing to search.
 */
export class LocalOutlierFactor implements Detector {
  readonly name = 'lof'
  readonly nNeighbors: number
  readonly maxReference: number
  readonly coarseReference: number
  readonly seed: number

  /** @throws RangeError when a parameter is out of its range */
  constructor({
    nNeighbors = 20,
    maxReference = 20_000,
    coarseReference = 0,
    seed = 0,
  }: LocalOutlierFactorParams = {}) {
    if (!(Number.isInteger(nNeighbors) && nNeighbors >= 1)) {
      throw new RangeError(`nNeighbors expects a whole number of at least 1, got ${nNeighbors}`)
    }
    if (!(maxReference >= 1)) throw new RangeError(`maxReference expects at least 1, got ${maxReference}`)
    if (!(coarseReference >= 0)) {
      throw new RangeError(`coarseReference expects at least 0, got ${coarseReference}`)
    }
    this.nNeighbors = nNeighbors
    this.maxReference = maxReference
    this.coarseReference = coarseReference
    this.seed = seed
  }

  fit(X: Matrix): FittedLocalOutlierFactor {
    const reference = this.#reference(X, this.maxReference)
    const { data, nFeatures } = reference.rows
    const neighbors = nearestNeighbors(data, data, nFeatures, this.nNeighbors, true)
    return this.#fitted(reference, neighbors, this.#coarse(X, reference))
  }

  /** As {@link fit}, by the threads of `pool`; the same bytes. */
  async fitAsync(X: Matrix, pool: WorkerPool): Promise<FittedLocalOutlierFactor> {
    const reference = this.#reference(X, this.maxReference)
    const { data, nFeatures } = reference.rows
    const neighbors = await nearestNeighborsAsync(data, data, nFeatures, this.nNeighbors, true, pool)
    return this.#fitted(reference, neighbors, this.#coarse(X, reference))
  }

  /** The second look, where there are more distinct rows than it takes. */
  #coarse(X: Matrix, { distinct }: Reference): FittedLocalOutlierFactor | undefined {
    const { nNeighbors, coarseReference, seed } = this
    if (coarseReference < 1 || distinct <= coarseReference) return undefined
    return new LocalOutlierFactor({ nNeighbors, maxReference: coarseReference, seed }).fit(X)
  }

  /**
   * The training samples' own scores, each left out of its neighbourhood: scikit-learn's
   * `-negative_outlier_factor_`. Every distinct row takes part, whatever `maxReference`.
   *
   * @returns (nSamples), higher = more abnormal
   */
  trainingScores(X: Matrix): Float64Array {
    const { rows, weights, repeated, order, groups } = this.#reference(X, Infinity)
    const neighbors = nearestNeighbors(rows.data, rows.data, X.nFeatures, this.nNeighbors, true)
    const { kDistance, density } = densities(neighbors, weights, this.nNeighbors, repeated)
    const byGroup = new Float64Array(order.length)
    for (let r = 0; r < order.length; r++) {
      byGroup[order[r]!] = factor(neighbors, r, weights, kDistance, density, this.nNeighbors)
    }
    return Float64Array.from(groups, (g) => byGroup[g]!)
  }

  #reference(X: Matrix, limit: number): Reference {
    expectTrainable(X, 'LocalOutlierFactor')
    const { first, weights, groups } = distinctRows(X.data, X.nFeatures)
    const kept = draw(first.length, limit, this.seed)
    const drawn = selectRows(
      X,
      kept.map((g) => first[g]!),
    )
    const order = tileOrder(drawn.data, X.nFeatures).map((r) => kept[r]!)
    return {
      rows: selectRows(
        X,
        order.map((g) => first[g]!),
      ),
      weights: order.map((g) => weights[g]!),
      repeated: 1 - first.length / X.nSamples,
      distinct: first.length,
      order,
      groups,
    }
  }

  #fitted(
    { rows, weights, repeated }: Reference,
    neighbors: Neighbors,
    coarse: FittedLocalOutlierFactor | undefined,
  ): FittedLocalOutlierFactor {
    const k = this.nNeighbors
    const { kDistance, density } = densities(neighbors, weights, k, repeated)
    const known = new Float64Array(weights.length)
    for (let r = 0; r < known.length; r++) {
      known[r] = factor(neighbors, r, weights, kDistance, density, k, r)
    }
    return new FittedLocalOutlierFactor(rows, k, weights, kDistance, density, known, coarse)
  }
}

/** The distinct training rows to compare with, nearby rows following each other. */
interface Reference {
  readonly rows: Matrix
  readonly weights: Uint32Array
  /** Share of the training samples that equal an earlier one. */
  readonly repeated: number
  /** Number of distinct training samples. */
  readonly distinct: number
  /** (reference rows) which distinct row each is, numbered by first occurrence. */
  readonly order: Uint32Array
  /** (nSamples) which distinct row each training sample is. */
  readonly groups: Uint32Array
}

/** The rows scored last, their neighbours, and where each row is once that is asked. */
interface Searched {
  readonly rows: Matrix
  readonly neighbors: Neighbors
  index?: RowIndex
}

/** Local Outlier Factor fitted on training data; see {@link LocalOutlierFactor}. */
export class FittedLocalOutlierFactor implements FittedDetector {
  readonly name = 'lof'
  readonly featureNames: readonly string[]
  readonly nNeighbors: number
  /** The distinct training rows that samples are compared with. */
  readonly reference: Matrix
  /** (reference rows) how many training rows each stands for. */
  readonly weights: Uint32Array
  /** (reference rows) distance at which the neighbours' weights reach nNeighbors, not below the grain. */
  readonly kDistance: Float64Array
  /** (reference rows) local reachability density, the paper's lrd. */
  readonly density: Float64Array
  /** (reference rows) score of a sample equal to this row. */
  readonly known: Float64Array
  /** The second look; see {@link LocalOutlierFactorParams.coarseReference}. */
  readonly coarse: FittedLocalOutlierFactor | undefined
  #index: RowIndex | undefined
  #searched: Searched | undefined

  constructor(
    reference: Matrix,
    nNeighbors: number,
    weights: Uint32Array,
    kDistance: Float64Array,
    density: Float64Array,
    known: Float64Array,
    coarse?: FittedLocalOutlierFactor,
  ) {
    this.featureNames = reference.featureNames
    this.reference = reference
    this.nNeighbors = nNeighbors
    this.weights = weights
    this.kDistance = kDistance
    this.density = density
    this.known = known
    this.coarse = coarse
  }

  score(X: Matrix, out = new Float64Array(X.nSamples)): Float64Array {
    expectScorable(X, this.featureNames, 'LocalOutlierFactor')
    expectLength(out, X.nSamples, 'LocalOutlierFactor.score')
    // Records repeat: equal samples are scored once, those equal to a reference row are known.
    this.#index ??= new RowIndex(this.reference.data, X.nFeatures)
    const { first, groups } = distinctRows(X.data, X.nFeatures)
    const scores = new Float64Array(first.length)
    const unknown: number[] = []
    for (let g = 0; g < first.length; g++) {
      const row = this.#index.find(X.data, first[g]!)
      if (row < 0) unknown.push(g)
      else scores[g] = this.known[row]!
    }
    this.#scoreUnknown(X, first, unknown, scores)
    this.coarse?.score(selectRows(X, first)).forEach((score, g) => {
      if (score > scores[g]!) scores[g] = score
    })
    for (let i = 0; i < out.length; i++) out[i] = scores[groups[i]!]!
    return out
  }

  /**
   * The score is (mean density of the neighbours) x (mean reachability distance to them). Each
   * reachability distance is split over the features by their share of the squared distance to that
   * neighbour, evenly where the distance is 0; a row adds up to the score. Of two looks the larger is told.
   */
  contributions(X: Matrix, out = new Float32Array(X.data.length)): Float32Array {
    expectScorable(X, this.featureNames, 'LocalOutlierFactor')
    expectLength(out, X.data.length, 'LocalOutlierFactor.contributions')
    const step = searchedAtOnce * X.nFeatures
    for (let from = 0; from < out.length; from += step) {
      const part = matrix(X.data.subarray(from, from + step), X.featureNames)
      this.#attribute(part, this.#recall(part), out.subarray(from, from + step))
    }
    if (this.coarse) this.#takeLarger(this.coarse, X, out)
    return out
  }

  /** Puts the coarse look's contributions where it makes the score. */
  #takeLarger(coarse: FittedLocalOutlierFactor, X: Matrix, out: Float32Array): void {
    const d = X.nFeatures
    const total = this.score(X)
    const parts = coarse.contributions(X)
    coarse.score(X).forEach((score, i) => {
      if (score === total[i]) out.set(parts.subarray(i * d, (i + 1) * d), i * d)
    })
  }

  /** Fills the contributions to the scores of X, whose neighbours are given. */
  #attribute(X: Matrix, { k, indices, distances }: Neighbors, out: Float32Array): void {
    const d = X.nFeatures
    const rows = this.reference.data
    const parts = new Float64Array(d)
    for (let i = 0; i < X.nSamples; i++) {
      parts.fill(0)
      let taken = 0
      let density = 0
      for (let s = i * k; s < (i + 1) * k && taken < this.nNeighbors; s++) {
        const r = indices[s]!
        const weight = Math.min(this.weights[r]!, this.nNeighbors - taken)
        const reach = weight * Math.max(distances[s]!, this.kDistance[r]!)
        taken += weight
        density += weight * this.density[r]!
        let squared = 0
        for (let j = 0; j < d; j++) squared += (X.data[i * d + j]! - rows[r * d + j]!) ** 2
        for (let j = 0; j < d; j++) {
          const difference = X.data[i * d + j]! - rows[r * d + j]!
          parts[j]! += squared > 0 ? (reach * difference * difference) / squared : reach / d
        }
      }
      const scale = density / taken / taken
      for (let j = 0; j < d; j++) parts[j] = parts[j]! * scale + (distanceFloor * density) / taken / d
      storeContributions(parts, out, i * d)
    }
  }

  toBuffer(): ArrayBufferLike {
    const coarse = this.coarse ? new Uint8Array(this.coarse.toBuffer()) : new Uint8Array(0)
    return writeSections(
      magic,
      version,
      {
        featureNames: this.featureNames,
        nNeighbors: this.nNeighbors,
        nReference: this.reference.nSamples,
        coarseBytes: coarse.length,
      },
      {
        reference: this.reference.data,
        weights: this.weights,
        kDistance: this.kDistance,
        density: this.density,
        known: this.known,
        coarse,
      },
    )
  }

  /** @throws ModelFormatError when the buffer is no LOF model, damaged or of another version */
  static fromBuffer(bytes: ModelBytes): FittedLocalOutlierFactor {
    const sections = readSections(bytes, magic, version)
    const featureNames = sections.strings('featureNames')
    const n = sections.integer('nReference', 1, 2 ** 31)
    const coarse = sections.array('coarse', Uint8Array, sections.integer('coarseBytes', 0, 2 ** 31))
    return new FittedLocalOutlierFactor(
      matrix(sections.array('reference', Float32Array, n * featureNames.length), featureNames),
      sections.integer('nNeighbors', 1, 2 ** 31),
      sections.array('weights', Uint32Array, n),
      sections.array('kDistance', Float64Array, n),
      sections.array('density', Float64Array, n),
      sections.array('known', Float64Array, n),
      coarse.length > 0 ? FittedLocalOutlierFactor.fromBuffer(coarse) : undefined,
    )
  }

  /** Searches the neighbours of the groups `unknown`, nearby ones together, and fills their scores. */
  #scoreUnknown(X: Matrix, first: Uint32Array, unknown: readonly number[], scores: Float64Array): void {
    const { weights, kDistance, density, nNeighbors } = this
    const rows = selectRows(
      X,
      unknown.map((g) => first[g]!),
    )
    const order = tileOrder(rows.data, X.nFeatures)
    for (let from = 0; from < order.length; from += searchedAtOnce) {
      const part = order.subarray(from, from + searchedAtOnce)
      const searched = selectRows(rows, part)
      const neighbors = this.#search(searched)
      this.#searched = part.length <= mostKept ? { rows: searched, neighbors } : undefined
      for (let i = 0; i < part.length; i++) {
        scores[unknown[part[i]!]!] = factor(neighbors, i, weights, kDistance, density, nNeighbors)
      }
    }
  }

  #search(X: Matrix): Neighbors {
    return nearestNeighbors(this.reference.data, X.data, X.nFeatures, this.nNeighbors)
  }

  /** As #search; what was just scored, to be explained now, is not searched again. */
  #recall(X: Matrix): Neighbors {
    if (!this.#searched) return this.#search(X)
    this.#searched.index ??= new RowIndex(this.#searched.rows.data, X.nFeatures)
    const { index, neighbors } = this.#searched
    const { k } = neighbors
    const places = Array.from({ length: X.nSamples }, (_, i) => index.find(X.data, i))
    const others = [...places.keys()].filter((i) => places[i]! < 0)
    const found = this.#search(selectRows(X, others))
    const indices = new Uint32Array(X.nSamples * k)
    const distances = new Float64Array(X.nSamples * k)
    const put = (i: number, from: Neighbors, at: number) => {
      indices.set(from.indices.subarray(at * k, (at + 1) * k), i * k)
      distances.set(from.distances.subarray(at * k, (at + 1) * k), i * k)
    }
    places.forEach((at, i) => {
      if (at >= 0) put(i, neighbors, at)
    })
    others.forEach((i, at) => {
      put(i, found, at)
    })
    return { k, indices, distances }
  }
}

/** Numbers of the distinct rows to keep, ascending: all, or `limit` of them drawn with `seed`. */
function draw(n: number, limit: number, seed: number): Uint32Array {
  if (n <= limit) return Uint32Array.from({ length: n }, (_, i) => i)
  return new Random(seed).sample(n, limit).sort()
}

/**
 * k-distance and local reachability density of every reference row from its neighbours. A reference of
 * one row has no neighbours and no scale: 1 stands for both.
 *
 * @param repeated share of the training samples that repeat another one
 */
function densities(
  neighbors: Neighbors,
  weights: Uint32Array,
  nNeighbors: number,
  repeated: number,
): { kDistance: Float64Array; density: Float64Array } {
  const { k, indices, distances } = neighbors
  const kDistance = new Float64Array(weights.length).fill(1)
  const density = new Float64Array(weights.length).fill(1)
  if (k === 0) return { kDistance, density }
  const grain = Float64Array.from(weights, (_, i) => distances[(i + 1) * k - 1]!).sort()[
    Math.floor((repeated / 2) * weights.length)
  ]!
  for (let i = 0; i < weights.length; i++) {
    let taken = 0
    for (let s = i * k; s < (i + 1) * k && taken < nNeighbors; s++) {
      taken += weights[indices[s]!]!
      kDistance[i] = Math.max(distances[s]!, repeated > 0 ? grain : 0)
    }
  }
  for (let i = 0; i < weights.length; i++) {
    let taken = 0
    let reach = 0
    for (let s = i * k; s < (i + 1) * k && taken < nNeighbors; s++) {
      const r = indices[s]!
      const weight = Math.min(weights[r]!, nNeighbors - taken)
      taken += weight
      reach += weight * Math.max(distances[s]!, kDistance[r]!)
    }
    density[i] = 1 / (reach / taken + distanceFloor)
  }
  return { kDistance, density }
}

/**
 * Mean density of the neighbours of query i over its own density.
 *
 * @param self the reference row that the query equals and whose neighbours are given: counted first, as
 *             the nearest neighbour it is; -1 when there is none
 */
function factor(
  { k, indices, distances }: Neighbors,
  i: number,
  weights: Uint32Array,
  kDistance: Float64Array,
  density: Float64Array,
  nNeighbors: number,
  self = -1,
): number {
  let taken = 0
  let reach = 0
  let sum = 0
  if (self >= 0) {
    taken = Math.min(weights[self]!, nNeighbors)
    reach = taken * kDistance[self]!
    sum = taken * density[self]!
  }
  for (let s = i * k; s < (i + 1) * k && taken < nNeighbors; s++) {
    const r = indices[s]!
    const weight = Math.min(weights[r]!, nNeighbors - taken)
    taken += weight
    reach += weight * Math.max(distances[s]!, kDistance[r]!)
    sum += weight * density[r]!
  }
  return taken === 0 ? 1 : (sum / taken) * (reach / taken + distanceFloor)
}
