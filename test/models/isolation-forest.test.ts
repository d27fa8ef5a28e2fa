import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { averagePathLength } from '../../src/kernels/forest.ts'
import { type Matrix, matrix } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { FittedIsolationForest, IsolationForest } from '../../src/models/isolation-forest.ts'
import { bytesOf, correlatedNormal, detectorContract } from './contract.ts'

detectorContract('IsolationForest', {
  create: () => new IsolationForest(),
  load: (buffer) => FittedIsolationForest.fromBuffer(buffer),
})

interface Goldens {
  readonly cases: readonly {
    readonly name: string
    readonly maxSamples: number
    readonly nFeatures: number
    readonly train: number[]
    readonly test: number[]
    /** scikit-learn's -score_samples, averaged over many forests. */
    readonly scores: number[]
  }[]
}

function table(values: readonly number[], d: number): Matrix {
  const names = Array.from({ length: d }, (_, j) => `x${j}`)
  return matrix(Float32Array.from(values), names)
}

/** s(x) step by step from the definition: walk down, count steps, add c(n) at the leaf. */
function scoreByDefinition({ forest }: FittedIsolationForest, x: Float32Array): number {
  let sum = 0
  for (let tree = 0; tree < forest.nTrees; tree++) {
    const nodes = tree * 2 ** forest.depth
    let k = 1
    let steps = 0
    while (k < 2 ** forest.depth && forest.thresholds[nodes + k] !== Infinity) {
      k = 2 * k + (x[forest.features[nodes + k]!]! <= forest.thresholds[nodes + k]! ? 0 : 1)
      steps++
    }
    sum += steps + averagePathLength(forest.sizes[2 * nodes + k]!)
  }
  return 2 ** (-sum / forest.nTrees / averagePathLength(forest.sampleSize))
}

describe('IsolationForest scores', () => {
  const path = join(import.meta.dirname, '..', 'goldens', 'models', 'isolation-forest.json')
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as Goldens
  it.each(cases)(
    'as scikit-learn does on average: $name',
    ({ maxSamples, nFeatures, train, test, scores }) => {
      // Ten times the trees: between seeds the scores then vary by 0.002.
      const forest = new IsolationForest({ nEstimators: 2000, maxSamples, seed: 1 })
      const ours = forest.fit(table(train, nFeatures)).score(table(test, nFeatures))
      scores.forEach((score, i) => {
        expect(Math.abs(ours[i]! - score), `score ${i}`).toBeLessThan(0.01)
      })
      const bias = ours.reduce((sum, s, i) => sum + s - scores[i]!, 0) / scores.length
      expect(Math.abs(bias)).toBeLessThan(0.003)
    },
  )

  it.each([
    [1000, 24, 256],
    [500, 3, 100],
    [300, 1, 2],
    [3, 2, 256],
    [40, 500, 32],
    [5000, 7, 4096],
  ])('as defined: %i x %i, maxSamples %i', (n, d, maxSamples) => {
    const X = correlatedNormal(n, d, n)
    const fitted = new IsolationForest({ nEstimators: 17, maxSamples, seed: 5 }).fit(X)
    const scores = fitted.score(X)
    for (let i = 0; i < n; i++) {
      const expected = scoreByDefinition(fitted, X.data.subarray(i * d, (i + 1) * d))
      expect(Math.abs(scores[i]! - expected)).toBeLessThan(1e-7)
    }
  })

  it('c(n) is the average path length of a binary search tree', () => {
    expect([0, 1, 2].map(averagePathLength)).toEqual([0, 0, 1])
    expect(averagePathLength(256)).toBeCloseTo(10.2448, 3)
  })

  it('0.5 for everything when it knows one sample', () => {
    const fitted = new IsolationForest().fit(correlatedNormal(1, 3, 1))
    expect([...fitted.score(correlatedNormal(3, 3, 2))]).toEqual([0.5, 0.5, 0.5])
  })

  it('keeps several forests apart that score in turn', () => {
    const X = correlatedNormal(700, 5, 1)
    const [a, b] = [1, 2].map((seed) => new IsolationForest({ seed }).fit(X))
    const [first, second] = [a!.score(X), b!.score(X)]
    expect(bytesOf(first)).not.toEqual(bytesOf(second))
    expect(bytesOf(a!.score(X))).toEqual(bytesOf(first))
    expect(bytesOf(b!.score(X))).toEqual(bytesOf(second))
  })

  it('grows every tree on its own samples, never more than asked for', () => {
    const { forest } = new IsolationForest({ nEstimators: 30, maxSamples: 64 }).fit(
      correlatedNormal(900, 4, 1),
    )
    const size = 2 * 2 ** forest.depth
    const roots = Array.from({ length: 30 }, (_, tree) => forest.sizes[tree * size + 1])
    expect(roots).toEqual(new Array(30).fill(64))
    for (let tree = 0; tree < 30; tree++) {
      for (let k = 1; k < size / 2; k++) {
        const at = tree * size
        const inner = forest.thresholds[(tree * size) / 2 + k] !== Infinity
        const children = forest.sizes[at + 2 * k]! + forest.sizes[at + 2 * k + 1]!
        expect(children).toBe(inner ? forest.sizes[at + k] : 0)
      }
    }
    expect(new Set(forest.thresholds).size).toBeGreaterThan(30 * 20)
  })

  it('refuses parameters out of range, naming them', () => {
    expect(() => new IsolationForest({ nEstimators: 0 })).toThrow(/nEstimators.*got 0/)
    expect(() => new IsolationForest({ maxSamples: 1e6 })).toThrow(/maxSamples.*32768.*got 1000000/)
    expect(() => new IsolationForest({ seed: 0.5 })).toThrow(/seed.*got 0.5/)
  })
})

/** Flow-like features: a third each of correlated normal, one-hot-like flags and heavy-tailed sizes. */
function flowLike(n: number, d: number, seed: number): Matrix {
  const X = correlatedNormal(n, d, seed)
  const data = X.data.map((v, k) => {
    const kind = (k % d) % 3
    return kind === 0 ? v : kind === 1 ? (v > 1 ? 1 : 0) : Math.log1p(Math.exp(2 * v))
  })
  return matrix(data, X.featureNames)
}

describe('IsolationForest contributions', () => {
  it('are 0 or more and add up to the score', () => {
    const X = flowLike(2000, 12, 1)
    const fitted = new IsolationForest().fit(X)
    const test = flowLike(500, 12, 2)
    const scores = fitted.score(test)
    const contributions = fitted.contributions(test)
    expect(Math.min(...contributions)).toBeGreaterThanOrEqual(0)
    for (let i = 0; i < 500; i++) {
      const sum = contributions.subarray(i * 12, (i + 1) * 12).reduce((a, b) => a + b, 0)
      expect(Math.abs(sum / scores[i]! - 1)).toBeLessThan(1e-6)
    }
  })

  it.each([
    ['correlated normal', correlatedNormal, 12, 1, 5],
    ['correlated normal', correlatedNormal, 24, 1, 5],
    ['correlated normal', correlatedNormal, 24, 1, 8],
    ['flow-like', flowLike, 12, 3, 5],
    ['flow-like', flowLike, 24, 3, 6],
  ] as const)('name the planted feature first: %s, %#', (_, make, d, step, shift) => {
    let right = 0
    let planted = 0
    for (const seed of [1, 2, 3]) {
      const fitted = new IsolationForest({ seed }).fit(make(4000, d, seed))
      const test = make(200, d, seed + 100)
      const random = new Random(seed)
      const features = Array.from({ length: 200 }, () => step * random.int(d / step))
      features.forEach((j, i) => {
        test.data[i * d + j]! += random.int(2) ? shift : -shift
      })
      const contributions = fitted.contributions(test)
      features.forEach((j, i) => {
        const row = contributions.subarray(i * d, (i + 1) * d)
        if (row.indexOf(Math.max(...row)) === j) right++
        planted++
      })
    }
    expect(right / planted).toBeGreaterThanOrEqual(0.95)
  })

  it('credit no feature that the forest cannot split on', () => {
    const X = correlatedNormal(500, 3, 1)
    X.data.forEach((_, k) => {
      if (k % 3 === 1) X.data[k] = 4
    })
    const fitted = new IsolationForest().fit(X)
    const contributions = fitted.contributions(table([3, 900, -3], 3))
    expect(contributions[1]).toBe(0)
  })

  it('share the score where no feature gained', () => {
    const fitted = new IsolationForest().fit(table(new Array(40).fill(1), 2))
    const x = table([1, 1], 2)
    const score = fitted.score(x)[0]!
    expect([...fitted.contributions(x)]).toEqual([Math.fround(score / 2), Math.fround(score / 2)])
  })
})
