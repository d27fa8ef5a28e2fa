import { expectLength, expectScorable, expectTrainable } from '../kernels/check.ts'
import { DenseNetwork } from '../kernels/dense.ts'
import type { Matrix } from '../kernels/matrix.ts'
import { partition } from '../kernels/partition.ts'
import { Random } from '../kernels/random.ts'
import { type ModelBytes, readSections, writeSections } from './buffer.ts'
import { storeContributions } from './contributions.ts'
import type { Detector, FittedDetector } from './detector.ts'

const magic = 'AUTOENC'
const version = 1

/** Samples scored at a time. */
const scoreBatch = 256
const firstRows = Uint32Array.from({ length: scoreBatch }, (_, b) => b)

export interface AutoencoderParams {
  /** Units of the hidden layers, from the input to the output. */
  readonly hiddenLayerSizes?: readonly number[]
  /** Passes over the training samples at most. */
  readonly epochs?: number
  /** Samples a step of Adam. */
  readonly batchSize?: number
  /** Adam's rate at the start; it falls to 0 along half a cosine over the epochs. */
  readonly learningRate?: number
  /** Share of the samples held out to stop when their error no longer falls; 0 runs all epochs. */
  readonly validationFraction?: number
  readonly seed?: number
}

/** Epochs without a better error on the held-out samples after which training stops. */
const patience = 10

/**
 * Autoencoder: a network with a narrow middle learns to reproduce normal samples; the score of a sample
 * is its mean squared reconstruction error. Dense tanh layers, linear output, mean squared error, Adam
 * (Kingma & Ba 2015) at a rate that falls along a cosine (Loshchilov & Hutter 2017), initial weights
 * uniform with variance 1 / inputs (LeCun 1998).
 *
 * Features should come on comparable scales, about 1 wide. The network sees each feature no further out
 * than training values reach (the outermost 0.1 % on each side count as outliers), so a reconstruction is
 * bounded while the error is taken from the value itself: the score grows without limit as a feature
 * leaves its range.
 */
export class Autoencoder implements Detector {
  readonly name = 'autoencoder'
  readonly params: Required<AutoencoderParams>

  /** @throws RangeError when a parameter is out of its range */
  constructor(params: AutoencoderParams = {}) {
    const {
      hiddenLayerSizes = [16, 6, 16],
      epochs = 50,
      batchSize = 128,
      learningRate = 0.003,
      validationFraction = 0.1,
      seed = 0,
    } = params
    if (hiddenLayerSizes.length === 0) throw new RangeError('hiddenLayerSizes expects at least one layer')
    hiddenLayerSizes.forEach((n) => {
      expectWhole('hiddenLayerSizes', n)
    })
    expectWhole('epochs', epochs)
    expectWhole('batchSize', batchSize)
    if (!(learningRate > 0 && learningRate < Infinity)) {
      throw new RangeError(`learningRate expects a positive number, got ${learningRate}`)
    }
    if (!(validationFraction >= 0 && validationFraction < 1)) {
      throw new RangeError(`validationFraction expects a share in [0, 1), got ${validationFraction}`)
    }
    this.params = {
      hiddenLayerSizes,
      epochs,
      batchSize,
      learningRate,
      validationFraction,
      seed,
    }
  }

  fit(X: Matrix): FittedAutoencoder {
    expectTrainable(X, 'Autoencoder')
    const { hiddenLayerSizes, epochs, batchSize, learningRate, validationFraction, seed } = this.params
    const range = typicalRange(X)
    const sizes = [X.nFeatures, ...hiddenLayerSizes, X.nFeatures]
    const random = new Random(seed)
    const network = new DenseNetwork(sizes, batchSize, X.nSamples)
    network.parameters = initialParameters(sizes, random)
    network.setRange(range.low, range.high)
    network.setSamples(X.data)

    const order = random.sample(X.nSamples, X.nSamples)
    // A handful of samples says nothing about when to stop.
    const nHeldOut = Math.floor(X.nSamples * validationFraction)
    const heldOut = nHeldOut >= 20 ? order.subarray(0, nHeldOut) : order.subarray(0, 0)
    const rest = order.subarray(heldOut.length)
    const losses: number[] = []
    let best = { loss: Infinity, epoch: 0, parameters: network.parameters }
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(rest, random)
      let loss = 0
      for (let from = 0; from < rest.length; from += batchSize) {
        const batch = rest.subarray(from, from + batchSize)
        network.load(batch)
        network.forward()
        loss += network.backward(batch.length) * batch.length
        const done = (epoch + from / rest.length) / epochs
        network.step((learningRate * (1 + Math.cos(Math.PI * done))) / 2)
      }
      losses.push(loss / rest.length)
      if (heldOut.length === 0) continue
      const error = meanError(network, heldOut)
      if (error < best.loss) best = { loss: error, epoch, parameters: network.parameters }
      else if (epoch - best.epoch >= patience) break
    }
    const parameters = heldOut.length === 0 ? network.parameters : best.parameters
    return new FittedAutoencoder(X.featureNames, hiddenLayerSizes, parameters, range, losses)
  }
}

/** Per feature the lowest and highest value that the network sees. */
interface Range {
  readonly low: Float32Array
  readonly high: Float32Array
}

/** Autoencoder fitted on training data; see {@link Autoencoder}. */
export class FittedAutoencoder implements FittedDetector {
  readonly name = 'autoencoder'
  readonly featureNames: readonly string[]
  /** Mean squared error of each epoch over the samples trained on, as they were met; not kept in the buffer. */
  readonly losses: readonly number[]
  readonly #hiddenLayerSizes: readonly number[]
  readonly #parameters: Float32Array
  readonly #range: Range
  #network: DenseNetwork | undefined

  constructor(
    featureNames: readonly string[],
    hiddenLayerSizes: readonly number[],
    parameters: Float32Array,
    range: Range,
    losses: readonly number[] = [],
  ) {
    this.featureNames = featureNames
    this.losses = losses
    this.#hiddenLayerSizes = hiddenLayerSizes
    this.#parameters = parameters
    this.#range = range
  }

  score(X: Matrix, out = new Float64Array(X.nSamples)): Float64Array {
    expectScorable(X, this.featureNames, 'Autoencoder')
    expectLength(out, X.nSamples, 'Autoencoder.score')
    this.#eachSample(X, (sample, errors) => {
      let sum = 0
      for (let j = 0; j < errors.length; j++) sum += errors[j]!
      out[sample] = sum
    })
    return out
  }

  /** Each feature's squared error over the number of features: a row adds up to the score. */
  contributions(X: Matrix, out = new Float32Array(X.data.length)): Float32Array {
    expectScorable(X, this.featureNames, 'Autoencoder')
    expectLength(out, X.data.length, 'Autoencoder.contributions')
    this.#eachSample(X, (sample, errors) => storeContributions(errors, out, sample * X.nFeatures))
    return out
  }

  toBuffer(): ArrayBufferLike {
    return writeSections(
      magic,
      version,
      {
        featureNames: this.featureNames,
        nHidden: this.#hiddenLayerSizes.length,
        nParameters: this.#parameters.length,
      },
      {
        hiddenLayerSizes: Uint32Array.from(this.#hiddenLayerSizes),
        parameters: this.#parameters,
        low: this.#range.low,
        high: this.#range.high,
      },
    )
  }

  /** @throws ModelFormatError when the buffer is no autoencoder, damaged or of another version */
  static fromBuffer(bytes: ModelBytes): FittedAutoencoder {
    const sections = readSections(bytes, magic, version)
    const featureNames = sections.strings('featureNames')
    const d = featureNames.length
    const nHidden = sections.integer('nHidden', 1, 100)
    const hidden = Array.from(sections.array('hiddenLayerSizes', Uint32Array, nHidden))
    const nParameters = parameterCount([d, ...hidden, d])
    return new FittedAutoencoder(
      featureNames,
      hidden,
      sections.array('parameters', Float32Array, nParameters),
      { low: sections.array('low', Float32Array, d), high: sections.array('high', Float32Array, d) },
    )
  }

  /** Calls `visit` with each sample and what its features add to its score, in an array used again. */
  #eachSample(X: Matrix, visit: (sample: number, errors: Float64Array) => void): void {
    const errors = new Float64Array(X.nFeatures)
    const d = X.nFeatures
    const network = this.#ready()
    const { output, stride } = network
    for (let from = 0; from < X.nSamples; from += scoreBatch) {
      const samples = Math.min(scoreBatch, X.nSamples - from)
      network.setSamples(X.data.subarray(from * d, (from + samples) * d))
      network.load(firstRows.subarray(0, samples))
      network.forward()
      for (let b = 0; b < samples; b++) {
        for (let j = 0; j < d; j++) {
          const error = X.data[(from + b) * d + j]! - output[j * stride + b]!
          errors[j] = (error * error) / d
        }
        visit(from + b, errors)
      }
    }
  }

  #ready(): DenseNetwork {
    if (!this.#network) {
      const d = this.featureNames.length
      this.#network = new DenseNetwork([d, ...this.#hiddenLayerSizes, d], scoreBatch, scoreBatch)
      this.#network.setRange(this.#range.low, this.#range.high)
      this.#network.parameters = this.#parameters
    }
    return this.#network
  }
}

function parameterCount(sizes: readonly number[]): number {
  return sizes.slice(1).reduce((sum, n, l) => sum + n * (sizes[l]! + 1), 0)
}

/** Weights uniform with variance 1 / inputs, biases 0. */
function initialParameters(sizes: readonly number[], random: Random): Float32Array {
  const values = new Float32Array(parameterCount(sizes))
  let at = 0
  for (let l = 0; l + 1 < sizes.length; l++) {
    const bound = Math.sqrt(3 / sizes[l]!)
    const end = at + sizes[l]! * sizes[l + 1]!
    while (at < end) values[at++] = (2 * random.float() - 1) * bound
    at += sizes[l + 1]!
  }
  return values
}

/** Per feature the values that 0.1 % of the samples lie below and above; all values where that leaves one. */
function typicalRange(X: Matrix): Range {
  const { data, nSamples: n, nFeatures: d } = X
  const low = new Float32Array(d)
  const high = new Float32Array(d)
  const column = new Float32Array(n)
  const order = new Uint32Array(n)
  const outside = Math.floor(n / 1000)
  for (let j = 0; j < d; j++) {
    for (let i = 0; i < n; i++) column[i] = data[i * d + j]!
    const nth = (k: number) => {
      partition(column, order, 0, n, k)
      return column[k]!
    }
    const wide = nth(outside) === nth(n - 1 - outside)
    low[j] = nth(wide ? 0 : outside)
    high[j] = nth(wide ? n - 1 : n - 1 - outside)
  }
  return { low, high }
}

/** Mean squared error over the samples `rows`, as in training. */
function meanError(network: DenseNetwork, rows: Uint32Array): number {
  let sum = 0
  for (let from = 0; from < rows.length; from += network.batchSize) {
    const batch = rows.subarray(from, from + network.batchSize)
    network.load(batch)
    network.forward()
    sum += network.loss(batch.length) * batch.length
  }
  return sum / rows.length
}

/** Fisher-Yates. */
function shuffle(values: Uint32Array, random: Random): void {
  for (let i = values.length - 1; i > 0; i--) {
    const k = random.int(i + 1)
    const value = values[i]!
    values[i] = values[k]!
    values[k] = value
  }
}

function expectWhole(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1)) {
    throw new RangeError(`${name} expects a whole number of at least 1, got ${value}`)
  }
}
