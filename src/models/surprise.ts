import { expectLength, expectScorable, expectTrainable } from '../kernels/check.ts'
import type { Matrix } from '../kernels/matrix.ts'
import { type ModelBytes, ModelFormatError, readSections, writeSections } from './buffer.ts'
import type { Detector, FittedDetector } from './detector.ts'

const magic = 'SURPRISE'
const version = 1

/**
 * Says how unusual a reading is for its own device, by the features that are evidence already: each -log10 of a
 * p-value, told by the device's own past. There is nothing to learn but which they are.
 */
export class Surprise implements Detector {
  readonly name = 'surprise'
  readonly #columns: readonly string[]

  /** @param columns names of the features that are evidence; those without a value in training are left out */
  constructor(columns: readonly string[]) {
    this.#columns = columns
  }

  fit(X: Matrix): FittedSurprise {
    expectTrainable(X, 'surprise')
    const columns = this.#columns.map((name) => X.featureNames.indexOf(name)).filter((j) => j >= 0)
    return new FittedSurprise(X.featureNames, Uint32Array.from(columns))
  }
}

/**
 * The harmonic mean of the features' p-values (Wilson 2019), as evidence: one metric that is surely strange among eight
 * is eight times as probable by chance.
 */
export class FittedSurprise implements FittedDetector {
  readonly name = 'surprise'
  readonly featureNames: readonly string[]
  readonly #columns: Uint32Array

  constructor(featureNames: readonly string[], columns: Uint32Array) {
    this.featureNames = featureNames
    this.#columns = columns
  }

  /** @throws ModelFormatError when it is none of this version, or a damaged one */
  static fromBuffer(bytes: ModelBytes): FittedSurprise {
    const read = readSections(bytes, magic, version)
    const featureNames = read.strings('featureNames')
    const columns = read.array('columns', Uint32Array, read.integer('nColumns', 0, featureNames.length))
    if (columns.some((j) => j >= featureNames.length)) {
      throw new ModelFormatError(`${magic} model is damaged: columns out of range; train again`)
    }
    return new FittedSurprise(featureNames, columns)
  }

  score(X: Matrix, out: Float64Array = new Float64Array(X.nSamples)): Float64Array {
    expectScorable(X, this.featureNames, 'surprise')
    expectLength(out, X.nSamples, 'surprise')
    for (let i = 0; i < X.nSamples; i++) out[i] = Math.log10(1 + this.#excess(X, i))
    return out
  }

  contributions(X: Matrix, out: Float32Array = new Float32Array(X.data.length)): Float32Array {
    expectLength(out, X.data.length, 'surprise')
    const scores = this.score(X)
    out.fill(0)
    for (let i = 0; i < X.nSamples; i++) {
      const unit = scores[i]! / (this.#excess(X, i) * this.#columns.length)
      if (!(unit > 0)) continue
      for (const j of this.#columns) {
        out[i * X.nFeatures + j] = unit * (10 ** X.data[i * X.nFeatures + j]! - 1)
      }
    }
    return out
  }

  toBuffer(): ArrayBufferLike {
    const { featureNames } = this
    const meta = { featureNames, nColumns: this.#columns.length }
    return writeSections(magic, version, meta, { columns: this.#columns })
  }

  /** Mean of 10^evidence - 1 over the features of sample i. */
  #excess({ data, nFeatures }: Matrix, i: number): number {
    let sum = 0
    for (const j of this.#columns) {
      const evidence = data[i * nFeatures + j]!
      // Most often nothing is news; powers take their time.
      if (evidence !== 0) sum += 10 ** evidence - 1
    }
    return sum === 0 ? 0 : sum / this.#columns.length
  }
}
