import { expectLength, expectScorable, expectTrainable } from '../kernels/check.ts'
import { averagePathLength, emptyForest, type Forest, heapDepth } from '../kernels/forest.ts'
import { forestContributions } from '../kernels/forest-contributions.ts'
import { growTrees, sortedSample } from '../kernels/forest-grow.ts'
import { sumPathLengths } from '../kernels/forest-score.ts'
import type { Matrix } from '../kernels/matrix.ts'
import { type ModelBytes, ModelFormatError, readSections, viewOf, writeSections } from './buffer.ts'
import type { Detector, FittedDetector } from './detector.ts'

const magic = 'FOREST'
const version = 1
const name = 'isolation-forest'
const most = { trees: 10_000, samples: 32_768, features: 65_535 }
/** Training values kept of each feature, to tell how rare a value is. */
const keptValues = 1024

export interface IsolationForestOptions {
  /** Trees, 1 to 10,000; default 100. */
  readonly nEstimators?: number
  /** Samples a tree is grown on, 1 to 32,768; default 256. All of them when there are fewer. */
  readonly maxSamples?: number
  /** Whole number; default 0. */
  readonly seed?: number
}

/**
 * Isolation Forest (Liu, Ting, Zhou 2008): abnormal samples are cut off from the others by few random
 * splits. Parameters, splits and scores as scikit-learn defines them.
 */
export class IsolationForest implements Detector {
  readonly name = name
  readonly nEstimators: number
  readonly maxSamples: number
  readonly seed: number

  /** @throws RangeError naming the parameter that is out of range */
  constructor({ nEstimators = 100, maxSamples = 256, seed = 0 }: IsolationForestOptions = {}) {
    this.nEstimators = whole('nEstimators', nEstimators, 1, most.trees)
    this.maxSamples = whole('maxSamples', maxSamples, 1, most.samples)
    this.seed = whole('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  }

  fit(X: Matrix): FittedIsolationForest {
    expectTrainable(X, 'the isolation forest')
    whole('nFeatures', X.nFeatures, 1, most.features)
    const forest = emptyForest(this.nEstimators, Math.min(this.maxSamples, X.nSamples), X.nFeatures)
    growTrees(forest, X, this.seed, 0, forest.nTrees)
    const { nTrees, sampleSize, thresholds, features, pathLengths, sizes } = forest
    const sorted = sortedSample(X, keptValues, this.seed)
    const meta = { featureNames: X.featureNames, nTrees, sampleSize, nSorted: sorted.length / X.nFeatures }
    const sections = { thresholds, features, pathLengths, sizes, sorted }
    return FittedIsolationForest.fromBuffer(writeSections(magic, version, meta, sections))
  }
}

/** Grown trees that score: s(x) = 2^(-E[h(x)] / c(n)), in (0, 1], about 0.5 for the average sample. */
export class FittedIsolationForest implements FittedDetector {
  readonly name = name
  readonly featureNames: readonly string[]
  readonly forest: Forest
  /** (nFeatures, up to 1024): training values of each feature, ascending. */
  readonly #sorted: Float32Array
  readonly #bytes: Uint8Array

  constructor(bytes: ModelBytes, featureNames: readonly string[], forest: Forest, sorted: Float32Array) {
    this.#bytes = viewOf(bytes)
    this.featureNames = featureNames
    this.forest = forest
    this.#sorted = sorted
  }

  /**
   * Opens what `toBuffer` gave, without copying it.
   *
   * @throws ModelFormatError when it is no isolation forest of this version, or a damaged one
   */
  static fromBuffer(bytes: ModelBytes): FittedIsolationForest {
    const read = readSections(bytes, magic, version)
    const featureNames = read.strings('featureNames')
    const nTrees = read.integer('nTrees', 1, most.trees)
    const sampleSize = read.integer('sampleSize', 1, most.samples)
    const nFeatures = featureNames.length
    const depth = heapDepth(sampleSize)
    const nodes = nTrees * 2 ** depth
    const features = read.array('features', Uint16Array, nodes)
    const sizes = read.array('sizes', Uint16Array, 2 * nodes)
    if (features.some((j) => j >= nFeatures) || sizes.some((n) => n > sampleSize)) {
      throw new ModelFormatError(`${magic} model is damaged: features or sizes out of range; train again`)
    }
    const forest = {
      nTrees,
      depth,
      nFeatures,
      sampleSize,
      thresholds: read.array('thresholds', Float32Array, nodes),
      features,
      pathLengths: read.array('pathLengths', Float32Array, nodes),
      sizes,
    }
    const nSorted = read.integer('nSorted', 1, keptValues)
    const sorted = read.array('sorted', Float32Array, nFeatures * nSorted)
    return new FittedIsolationForest(bytes, featureNames, forest, sorted)
  }

  score(X: Matrix, out: Float64Array = new Float64Array(X.nSamples)): Float64Array {
    this.#check(X, out, X.nSamples)
    const { nTrees, sampleSize } = this.forest
    sumPathLengths(this.forest, X.data, 0, X.nSamples, out)
    // A forest grown on one sample has no paths; like scikit-learn it finds everything half abnormal.
    const unit = nTrees * averagePathLength(sampleSize)
    for (let i = 0; i < out.length; i++) out[i] = unit > 0 ? 2 ** (-out[i]! / unit) : 0.5
    return out
  }

  contributions(X: Matrix, out: Float32Array = new Float32Array(X.data.length)): Float32Array {
    this.#check(X, out, X.data.length)
    forestContributions(this.forest, this.#sorted, X.data, this.score(X), out)
    return out
  }

  toBuffer(): ArrayBufferLike {
    const { buffer, length } = this.#bytes
    return length === buffer.byteLength ? buffer : this.#bytes.slice().buffer
  }

  #check(X: Matrix, out: ArrayLike<number>, length: number): void {
    expectScorable(X, this.featureNames, 'the isolation forest')
    expectLength(out, length, 'the isolation forest')
  }
}

function whole(what: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `isolation forest expects ${what} to be a whole number in [${min}, ${max}], got ${value}`,
    )
  }
  return value
}
