import { describe, expect, it } from 'vitest'
import { DenseNetwork } from '../../src/kernels/dense.ts'
import { Random } from '../../src/kernels/random.ts'

const sizes = [5, 7, 3, 6, 5]
const nParameters = sizes.slice(1).reduce((sum, n, l) => sum + n * (sizes[l]! + 1), 0)

/** Outputs of the network for one sample, by the definition and in float64. */
function forward(parameters: ArrayLike<number>, sample: readonly number[]): number[] {
  let units = [...sample]
  let at = 0
  for (let l = 0; l + 1 < sizes.length; l++) {
    const [nIn, nOut] = [sizes[l]!, sizes[l + 1]!]
    const biases = at + nIn * nOut
    units = Array.from({ length: nOut }, (_, o) => {
      const z = units.reduce((sum, u, i) => sum + u * parameters[at + o * nIn + i]!, parameters[biases + o]!)
      return l + 2 < sizes.length ? Math.tanh(z) : z
    })
    at = biases + nOut
  }
  return units
}

const meanSquaredError = (parameters: ArrayLike<number>, samples: readonly number[][]) =>
  samples.reduce((sum, sample) => {
    const made = forward(parameters, sample)
    return sum + sample.reduce((s, x, j) => s + (made[j]! - x) ** 2, 0)
  }, 0) /
  (samples.length * sizes[0]!)

/** A network with drawn parameters and a batch of `n` drawn samples. */
function drawn(n: number, batchSize: number) {
  const random = new Random(1)
  const network = new DenseNetwork(sizes, batchSize, n)
  const parameters = Float32Array.from({ length: nParameters }, () => random.normal() / 2)
  network.parameters = parameters
  network.setRange(new Float32Array(5).fill(-100), new Float32Array(5).fill(100))
  const data = Float32Array.from({ length: n * 5 }, () => random.normal())
  network.setSamples(data)
  network.load(Uint32Array.from({ length: n }, (_, i) => i))
  network.forward()
  const samples = Array.from({ length: n }, (_, i) => [...data.subarray(i * 5, i * 5 + 5)])
  return { network, parameters, samples }
}

describe('DenseNetwork', () => {
  it('keeps parameters as they were set', () => {
    const { network, parameters } = drawn(3, 8)
    expect(network.parameters).toEqual(parameters)
  })

  it.each([1, 4, 13, 16])('computes what the definition says for %i samples of 16', (n) => {
    const { network, parameters, samples } = drawn(n, 16)
    samples.forEach((sample, b) => {
      forward(parameters, sample).forEach((value, j) => {
        expect(network.output[j * network.stride + b]).toBeCloseTo(value, 5)
      })
    })
    expect(network.loss(n)).toBeCloseTo(meanSquaredError(parameters, samples), 5)
  })

  it('computes tanh to float32', () => {
    // One weight of 1 through the first layer; the second passes it on.
    const network = new DenseNetwork([1, 1, 1], 8, 1)
    network.setRange(Float32Array.of(-1e30), Float32Array.of(1e30))
    network.parameters = Float32Array.of(1, 0, 1, 0)
    for (const x of [0, 1e-3, 0.3, -0.7, 1, 2.5, -4, 8, 20, -1e4, 1e30]) {
      network.setSamples(Float32Array.of(x))
      network.load(Uint32Array.of(0))
      network.forward()
      expect(Math.abs(network.output[0]! - Math.tanh(x))).toBeLessThan(3e-7)
    }
  })

  it.each([3, 13, 16])('has the gradient that differences of the loss show, %i samples of 16', (n) => {
    const { network, parameters, samples } = drawn(n, 16)
    expect(network.backward(n)).toBeCloseTo(meanSquaredError(parameters, samples), 5)
    const gradient = network.gradient
    const step = 1e-4
    for (let p = 0; p < nParameters; p++) {
      const at = (shift: number) =>
        meanSquaredError(
          Array.from(parameters, (v, k) => (k === p ? v + shift : v)),
          samples,
        )
      const numeric = (at(step) - at(-step)) / (2 * step)
      expect(Math.abs(gradient[p]! - numeric), `parameter ${p}`).toBeLessThan(2e-6 + 1e-5 * Math.abs(numeric))
    }
  })

  it('steps as Adam does', () => {
    const { network, parameters } = drawn(16, 16)
    const m = new Float64Array(nParameters)
    const v = new Float64Array(nParameters)
    const expected = Float64Array.from(parameters)
    for (let t = 1; t <= 5; t++) {
      network.forward()
      network.backward(16)
      const gradient = network.gradient
      network.step(0.01)
      for (let p = 0; p < nParameters; p++) {
        m[p] = 0.9 * m[p]! + 0.1 * gradient[p]!
        v[p] = 0.999 * v[p]! + 0.001 * gradient[p]! ** 2
        expected[p]! -= (0.01 * (m[p]! / (1 - 0.9 ** t))) / (Math.sqrt(v[p]! / (1 - 0.999 ** t)) + 1e-8)
      }
    }
    const stepped = network.parameters
    for (let p = 0; p < nParameters; p++) expect(stepped[p]).toBeCloseTo(expected[p]!, 4)
  })

  it('shows the network values within their range only', () => {
    const network = new DenseNetwork([2, 1, 2], 4, 2)
    network.setRange(Float32Array.of(-1, 0), Float32Array.of(1, 5))
    network.setSamples(Float32Array.of(-7, 7, 0.5, -0.5))
    network.load(Uint32Array.of(1, 0))
    const { input, stride } = network
    expect([input[0], input[1], input[stride], input[stride + 1]]).toEqual([0.5, -1, 0, 5])
  })
})
