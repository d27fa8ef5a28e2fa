import { expectLength, expectScorable, expectTrainable } from '../kernels/check.ts'
import { distinctRows } from '../kernels/distinct-rows.ts'
import { type Matrix, matrix, selectRows } from '../kernels/matrix.ts'
import { type Neighbors, nearestNeighbors } from '../kernels/neighbors.ts'
import { Random } from '../kernels/random.ts'
import { readSections, writeSections } from './buffer.ts'
import type { Detector, FittedDetector } from './detector.ts'

const magic = 'LOF'
const version = 1

/** Added to every mean reachability distance before it is inverted, as scikit-learn does. */
const distanceFloor = 1e-10

export interface LocalOutlierFactorParams {
  /** Training samples that make up a neighbourhood (MinPts in the paper), at least 1. */
  readonly nNeighbors?: number
  /** At most so many distinct training rows are kept to compare with, drawn with `seed`. */
  readonly maxReference?: number
  readonly seed?: number
}

/**
 * Local Outlier Factor (Breunig, Kriegel, Ng & Sander 2000) in scikit-learn's novelty form: how much
 * thinner the training data is around a sample than around the sample's own neighbours. About 1 inside
 * a population, larger outside.
 *
 * Equal training rows are one neighbour with their number as weight; a row's own copies are no neighbours
 * of it. So a neighbourhood never shrinks to distance 0 and densities stay finite, where counting each
 * copy makes scores of 1e9. Without equal rows the scores are scikit-learn's.
 */
export class LocalOutlierFactor implements Detector {
  readonly name = 'lof'
  readonly nNeighbors: number
  readonly maxReference: number
  readonly seed: number

  /** @throws RangeError when a parameter is out of its range */
  constructor({ nNeighbors = 20, maxReference = 20_000, seed = 0 }: LocalOutlierFactorParams = {}) {
    if (!(Number.isInteger(nNeighbors) && nNeighbors >= 1)) {
      throw new RangeError(`nNeighbors expects a whole number of at least 1, got ${nNeighbors}`)
    }
    if (!(maxReference >= 1)) throw new RangeError(`maxReference expects at least 1, got ${maxReference}`)
    this.nNeighbors = nNeighbors
    this.maxReference = maxReference
    this.seed = seed
  }

  fit(X: Matrix): FittedLocalOutlierFactor {
    expectTrainable(X, 'LocalOutlierFactor')
    const distinct = distinctRows(X.data, X.nFeatures)
    const kept = drawReference(distinct.first.length, this.maxReference, this.seed)
    const reference = selectRows(
      X,
      Uint32Array.from(kept, (g) => distinct.first[g]!),
    )
    const weights = Uint32Array.from(kept, (g) => distinct.weights[g]!)
    const neighbors = nearestNeighbors(reference.data, reference.data, X.nFeatures, this.nNeighbors, true)
    return new FittedLocalOutlierFactor(
      reference,
      this.nNeighbors,
      weights,
      ...densities(neighbors, weights, this.nNeighbors),
    )
  }

  /**
   * The training samples' own scores, each left out of its neighbourhood: scikit-learn's
   * `-negative_outlier_factor_`. Every distinct row takes part, whatever `maxReference`.
   *
   * @returns (nSamples), higher = more abnormal
   */
  fitScore(X: Matrix): Float64Array {
    expectTrainable(X, 'LocalOutlierFactor')
    const { first, weights, groups } = distinctRows(X.data, X.nFeatures)
    const { data } = selectRows(X, first)
    const neighbors = nearestNeighbors(data, data, X.nFeatures, this.nNeighbors, true)
    const [kDistance, density] = densities(neighbors, weights, this.nNeighbors)
    const scores = new Float64Array(first.length)
    for (let g = 0; g < scores.length; g++) {
      scores[g] = localOutlierFactor(neighbors, g, weights, kDistance, density, this.nNeighbors)
    }
    return Float64Array.from(groups, (g) => scores[g]!)
  }
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
  /** (reference rows) distance at which the neighbours' weights reach nNeighbors. */
  readonly kDistance: Float64Array
  /** (reference rows) local reachability density, the paper's lrd. */
  readonly density: Float64Array

  constructor(
    reference: Matrix,
    nNeighbors: number,
    weights: Uint32Array,
    kDistance: Float64Array,
    density: Float64Array,
  ) {
    this.featureNames = reference.featureNames
    this.reference = reference
    this.nNeighbors = nNeighbors
    this.weights = weights
    this.kDistance = kDistance
    this.density = density
  }

  score(X: Matrix, out = new Float64Array(X.nSamples)): Float64Array {
    expectScorable(X, this.featureNames, 'LocalOutlierFactor')
    expectLength(out, X.nSamples, 'LocalOutlierFactor.score')
    const distinct = distinctRows(X.data, X.nFeatures)
    const neighbors = this.#neighbors(selectRows(X, distinct.first))
    const scores = new Float64Array(distinct.first.length)
    for (let g = 0; g < scores.length; g++) {
      scores[g] = localOutlierFactor(
        neighbors,
        g,
        this.weights,
        this.kDistance,
        this.density,
        this.nNeighbors,
      )
    }
    for (let i = 0; i < out.length; i++) out[i] = scores[distinct.groups[i]!]!
    return out
  }

  /**
   * The score is (mean density of the neighbours) x (mean reachability distance to them). Each
   * reachability distance is split over the features by their share of the squared distance to that
   * neighbour, evenly where the distance is 0; a row adds up to the score.
   */
  contributions(X: Matrix, out = new Float32Array(X.data.length)): Float32Array {
    expectScorable(X, this.featureNames, 'LocalOutlierFactor')
    expectLength(out, X.data.length, 'LocalOutlierFactor.contributions')
    const d = X.nFeatures
    const neighbors = this.#neighbors(X)
    const rows = this.reference.data
    const sums = new Float64Array(d)
    for (let i = 0; i < X.nSamples; i++) {
      sums.fill(0)
      let taken = 0
      let density = 0
      for (let s = 0; s < neighbors.k && taken < this.nNeighbors; s++) {
        const r = neighbors.indices[i * neighbors.k + s]!
        const distance = neighbors.distances[i * neighbors.k + s]!
        const weight = Math.min(this.weights[r]!, this.nNeighbors - taken)
        const reach = weight * Math.max(distance, this.kDistance[r]!)
        taken += weight
        density += weight * this.density[r]!
        let squared = 0
        for (let j = 0; j < d; j++) squared += (X.data[i * d + j]! - rows[r * d + j]!) ** 2
        for (let j = 0; j < d; j++) {
          const difference = X.data[i * d + j]! - rows[r * d + j]!
          sums[j]! += squared > 0 ? (reach * difference * difference) / squared : reach / d
        }
      }
      const scale = density / taken / taken
      for (let j = 0; j < d; j++) out[i * d + j] = sums[j]! * scale + (distanceFloor * density) / taken / d
    }
    return out
  }

  toBuffer(): ArrayBufferLike {
    return writeSections(
      magic,
      version,
      { featureNames: this.featureNames, nNeighbors: this.nNeighbors, nReference: this.reference.nSamples },
      {
        reference: this.reference.data,
        weights: this.weights,
        kDistance: this.kDistance,
        density: this.density,
      },
    )
  }

  /** @throws ModelFormatError when the buffer is no LOF model, damaged or of another version */
  static fromBuffer(buffer: ArrayBufferLike): FittedLocalOutlierFactor {
    const sections = readSections(buffer, magic, version)
    const featureNames = sections.strings('featureNames')
    const n = sections.integer('nReference', 1, 2 ** 31)
    return new FittedLocalOutlierFactor(
      matrix(sections.array('reference', Float32Array, n * featureNames.length), featureNames),
      sections.integer('nNeighbors', 1, 2 ** 31),
      sections.array('weights', Uint32Array, n),
      sections.array('kDistance', Float64Array, n),
      sections.array('density', Float64Array, n),
    )
  }

  #neighbors(X: Matrix): Neighbors {
    return nearestNeighbors(this.reference.data, X.data, X.nFeatures, this.nNeighbors)
  }
}

/** Numbers of the distinct rows to keep, ascending: all, or `limit` of them drawn with `seed`. */
function drawReference(n: number, limit: number, seed: number): Uint32Array {
  if (n <= limit) return Uint32Array.from({ length: n }, (_, i) => i)
  return new Random(seed).sample(n, limit).sort()
}

/**
 * k-distance and local reachability density of every reference row from its neighbours. A reference of
 * one row has no neighbours and no scale: 1 stands for both.
 */
function densities(
  neighbors: Neighbors,
  weights: Uint32Array,
  nNeighbors: number,
): [kDistance: Float64Array, density: Float64Array] {
  const { k, indices, distances } = neighbors
  const kDistance = new Float64Array(weights.length).fill(1)
  const density = new Float64Array(weights.length).fill(1)
  if (k === 0) return [kDistance, density]
  for (let i = 0; i < weights.length; i++) {
    let taken = 0
    for (let s = i * k; s < (i + 1) * k && taken < nNeighbors; s++) {
      taken += weights[indices[s]!]!
      kDistance[i] = distances[s]!
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
  return [kDistance, density]
}

/** Mean density of the neighbours of query i over its own density. */
function localOutlierFactor(
  { k, indices, distances }: Neighbors,
  i: number,
  weights: Uint32Array,
  kDistance: Float64Array,
  density: Float64Array,
  nNeighbors: number,
): number {
  if (k === 0) return 1
  let taken = 0
  let reach = 0
  let sum = 0
  for (let s = i * k; s < (i + 1) * k && taken < nNeighbors; s++) {
    const r = indices[s]!
    const weight = Math.min(weights[r]!, nNeighbors - taken)
    taken += weight
    reach += weight * Math.max(distances[s]!, kDistance[r]!)
    sum += weight * density[r]!
  }
  return (sum / taken) * (reach / taken + distanceFloor)
}
