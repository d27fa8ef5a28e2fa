import { describe, expect, it } from 'vitest'
import { type Matrix, matrix, matrixFromRows } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { Autoencoder, FittedAutoencoder } from '../../src/models/autoencoder.ts'
import { rocAuc } from '../../src/models/metrics.ts'
import { bytesOf, correlatedNormal, detectorContract } from './contract.ts'

detectorContract('Autoencoder', {
  create: () => new Autoencoder(),
  load: (buffer) => FittedAutoencoder.fromBuffer(buffer),
})

/** n points of a curved surface of 2 dimensions in 8; those from `off` on left it, feature by feature alike. */
function surface(n: number, seed: number, off = n): Matrix {
  const random = new Random(seed)
  const rows = Array.from({ length: n }, () => {
    const [u, v] = [2 * random.float() - 1, 2 * random.float() - 1]
    return [u, v, u * v, u * u, v * v, Math.sin(3 * u), Math.cos(2 * v), u - v]
  })
  // Each feature keeps its own distribution; only the relation between features breaks.
  for (let j = 0; j < 8; j++) {
    for (let i = n - 1; i > off; i--) {
      const k = off + random.int(i - off + 1)
      const value = rows[i]![j]!
      rows[i]![j] = rows[k]![j]!
      rows[k]![j] = value
    }
  }
  return matrixFromRows(rows)
}

describe('Autoencoder', () => {
  it('learns a surface and tells what leaves it, though every value is usual', () => {
    const fitted = new Autoencoder().fit(surface(4000, 1))
    const scores = fitted.score(surface(600, 2, 300))
    const labels = Uint8Array.from({ length: 600 }, (_, i) => Number(i >= 300))
    expect(rocAuc(scores, labels)).toBeGreaterThan(0.98)
    const median = (part: Float64Array) => [...part].sort((a, b) => a - b)[part.length >> 1]!
    expect(median(scores.subarray(300))).toBeGreaterThan(20 * median(scores.subarray(0, 300)))
  })

  it('lowers its error from epoch to epoch', () => {
    const { losses } = new Autoencoder({ epochs: 30 }).fit(surface(3000, 1))
    expect(losses).toHaveLength(30)
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 10)
    const means = [0, 10, 20].map((from) => losses.slice(from, from + 10).reduce((s, l) => s + l, 0))
    expect(means[1]).toBeLessThan(means[0]!)
    expect(means[2]).toBeLessThan(means[1]!)
  })

  it('stops when samples held out say so', () => {
    const noise = new Random(5)
    const X = matrix(
      Float32Array.from({ length: 300 * 12 }, () => noise.normal()),
      Array.from({ length: 12 }, (_, j) => `x${j}`),
    )
    const params = { hiddenLayerSizes: [64, 32, 64], epochs: 400, batchSize: 16, learningRate: 0.01 }
    expect(new Autoencoder(params).fit(X).losses.length).toBeLessThan(400)
    expect(new Autoencoder({ ...params, epochs: 60, validationFraction: 0 }).fit(X).losses).toHaveLength(60)
  })

  it('depends on the seed and on nothing else', () => {
    const X = surface(500, 1)
    const of = (seed: number) => bytesOf(new Autoencoder({ seed, epochs: 5 }).fit(X).toBuffer())
    expect(of(3)).toEqual(of(3))
    expect(of(3)).not.toEqual(of(4))
  })

  it('has contributions that add up to the score', () => {
    const fitted = new Autoencoder({ epochs: 10 }).fit(correlatedNormal(1000, 7, 1))
    const X = correlatedNormal(300, 7, 2, [{ sample: 5, feature: 2, by: 1e4 }])
    const scores = fitted.score(X)
    const contributions = fitted.contributions(X)
    for (let i = 0; i < X.nSamples; i++) {
      let sum = 0
      for (let j = 0; j < 7; j++) sum += contributions[i * 7 + j]!
      expect(Math.abs(sum - scores[i]!) / scores[i]!).toBeLessThan(1e-6)
    }
  })

  it('names the planted feature first', () => {
    const fitted = new Autoencoder().fit(correlatedNormal(3000, 7, 1))
    const shifts = Array.from({ length: 210 }, (_, i) => ({
      sample: i,
      feature: i % 7,
      by: i % 2 === 0 ? 6 : -6,
    }))
    const contributions = fitted.contributions(correlatedNormal(210, 7, 2, shifts))
    const right = shifts.filter(({ sample, feature }) => {
      const row = contributions.subarray(sample * 7, sample * 7 + 7)
      return row.indexOf(Math.max(...row)) === feature
    })
    expect(right.length / shifts.length).toBeGreaterThanOrEqual(0.95)
  })

  it('grows without limit as a feature leaves its range, in whatever direction', () => {
    const fitted = new Autoencoder().fit(surface(2000, 1))
    for (let j = 0; j < 8; j++) {
      for (const sign of [1, -1]) {
        const far = [2, 3, 5, 10, 100, 1e4, 1e8, 1e15]
        const scores = fitted.score(
          matrixFromRows(far.map((v) => Array.from({ length: 8 }, (_, k) => (k === j ? sign * v : 0)))),
        )
        expect([...scores].every(Number.isFinite)).toBe(true)
        for (let i = 1; i < far.length; i++) expect(scores[i]).toBeGreaterThan(scores[i - 1]!)
        expect(scores.at(-1)! / (1e30 / 8)).toBeCloseTo(1, 3)
      }
    }
  })

  it('does not let a few wild training rows spoil what it learns of the rest', () => {
    const X = surface(4000, 1)
    const spoilt = matrix(X.data.slice(), X.featureNames)
    for (const i of [10, 700, 2900]) spoilt.data[i * 8 + (i % 8)] = 1e6
    const test = surface(600, 2, 300)
    const labels = Uint8Array.from({ length: 600 }, (_, i) => Number(i >= 300))
    expect(rocAuc(new Autoencoder().fit(spoilt).score(test), labels)).toBeGreaterThan(0.98)
  })

  it('refuses parameters out of range', () => {
    expect(() => new Autoencoder({ hiddenLayerSizes: [] })).toThrow(/hiddenLayerSizes/)
    expect(() => new Autoencoder({ hiddenLayerSizes: [4, 0] })).toThrow(/hiddenLayerSizes.*got 0/)
    expect(() => new Autoencoder({ epochs: 0 })).toThrow(/epochs.*got 0/)
    expect(() => new Autoencoder({ batchSize: 2.5 })).toThrow(/batchSize.*got 2.5/)
    expect(() => new Autoencoder({ learningRate: -1 })).toThrow(/learningRate.*got -1/)
    expect(() => new Autoencoder({ validationFraction: 1 })).toThrow(/validationFraction.*got 1/)
  })
})
