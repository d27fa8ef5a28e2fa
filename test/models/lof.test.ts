import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Matrix, matrix, matrixFromRows, selectRows } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { FittedLocalOutlierFactor, LocalOutlierFactor } from '../../src/models/local-outlier-factor.ts'
import { rocAuc } from '../../src/models/metrics.ts'
import { bytesOf, correlatedNormal, detectorContract } from './contract.ts'

detectorContract('LocalOutlierFactor', {
  create: () => new LocalOutlierFactor(),
  load: (buffer) => FittedLocalOutlierFactor.fromBuffer(buffer),
})
detectorContract('LocalOutlierFactor with a coarse look', {
  create: () => new LocalOutlierFactor({ coarseReference: 64 }),
  load: (buffer) => FittedLocalOutlierFactor.fromBuffer(buffer),
})

interface Goldens {
  readonly cases: readonly {
    readonly nNeighbors: number
    readonly nFeatures: number
    readonly train: number[]
    readonly test: number[]
    /** scikit-learn's -negative_outlier_factor_ and, with novelty=True, -score_samples. */
    readonly trainingScores: number[]
    readonly scores: number[]
  }[]
}

const table = (values: number[], d: number): Matrix =>
  matrix(
    Float32Array.from(values),
    Array.from({ length: d }, (_, j) => `x${j}`),
  )

function expectRelative(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length)
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value) / value, `score ${i}`).toBeLessThan(tolerance)
  })
}

describe('LocalOutlierFactor agrees with scikit-learn where no rows are equal', () => {
  const path = join(import.meta.dirname, '..', 'goldens', 'models', 'lof.json')
  const { cases } = JSON.parse(readFileSync(path, 'utf8')) as Goldens
  for (const { nNeighbors, nFeatures, train, test, trainingScores, scores } of cases) {
    it(`${train.length / nFeatures} x ${nFeatures}, ${nNeighbors} neighbours`, () => {
      const X = table(train, nFeatures)
      const detector = new LocalOutlierFactor({ nNeighbors })
      expectRelative(detector.trainingScores(X), trainingScores, 1e-5)
      expectRelative(detector.fit(X).score(table(test, nFeatures)), scores, 1e-5)
    })
  }

  it('counts a training row that comes again as its own neighbour, as scikit-learn does', () => {
    // Brute force over the definition, novelty form.
    const X = correlatedNormal(60, 3, 5)
    const k = 4
    const distance = (a: number, b: number) =>
      Math.hypot(...[0, 1, 2].map((j) => X.data[a * 3 + j]! - X.data[b * 3 + j]!))
    const nearest = (a: number, self: boolean) =>
      Array.from({ length: 60 }, (_, b) => b)
        .filter((b) => self || b !== a)
        .sort((b, c) => distance(a, b) - distance(a, c))
        .slice(0, k)
    const kDistance = (a: number) => distance(a, nearest(a, false).at(-1)!)
    const mean = (values: number[]) => values.reduce((s, v) => s + v, 0) / values.length
    const reach = (a: number, of: number[]) => mean(of.map((b) => Math.max(distance(a, b), kDistance(b))))
    const expected = Array.from({ length: 60 }, (_, a) => {
      const around = nearest(a, true)
      return mean(around.map((b) => 1 / reach(b, nearest(b, false)))) * reach(a, around)
    })
    expectRelative(new LocalOutlierFactor({ nNeighbors: k }).fit(X).score(X), expected, 1e-5)
  })
})

describe('LocalOutlierFactor with equal rows', () => {
  /** A population, one of its rows repeated `copies` times more. */
  const repeated = (copies: number) => {
    const X = correlatedNormal(300, 4, 8)
    return selectRows(X, [...Array(300).keys(), ...new Array<number>(copies).fill(7)])
  }

  it('scores neither the repeated row nor its surroundings wildly', () => {
    const X = repeated(3000)
    const lof = new LocalOutlierFactor().fit(X)
    const around = selectRows(X, new Array<number>(50).fill(7))
    const random = new Random(1)
    for (let i = 0; i < around.data.length; i++) around.data[i]! += 0.01 * random.normal()
    expect(Math.max(...lof.score(around))).toBeLessThan(2)
    expect(Math.max(...lof.score(X))).toBeLessThan(5)
    expect(Math.max(...new LocalOutlierFactor().trainingScores(X))).toBeLessThan(5)
    const far = matrix(Float32Array.of(9, -9, 9, -9), X.featureNames)
    expect(lof.score(far)[0]).toBeGreaterThan(5)
  })

  it('keeps each distinct row once, with its number', () => {
    const lof = new LocalOutlierFactor().fit(repeated(40))
    expect(lof.reference.nSamples).toBe(300)
    expect(lof.weights.reduce((sum, w) => sum + w, 0)).toBe(340)
    expect(Math.max(...lof.weights)).toBe(41)
  })

  it('takes 0 and -0 for equal', () => {
    const X = matrixFromRows([
      [0, 1],
      [-0, 1],
      [2, 1],
      [3, 2],
    ])
    const lof = new LocalOutlierFactor().fit(X)
    expect(lof.reference.nSamples).toBe(3)
    const [a, b] = lof.score(X)
    expect(a).toBe(b)
  })

  it('gives a repeated training row one score', () => {
    const scores = new LocalOutlierFactor().trainingScores(repeated(10))
    for (let i = 300; i < 310; i++) expect(scores[i]).toBe(scores[7])
  })

  it('ranks outliers of a mostly repeating population first', () => {
    const random = new Random(3)
    const grid = Float32Array.from({ length: 4000 * 3 }, () => random.int(4))
    const lof = new LocalOutlierFactor().fit(matrix(grid, ['a', 'b', 'c']))
    const test = Float32Array.from({ length: 400 * 3 }, () => random.int(4))
    const labels = new Uint8Array(400)
    for (let i = 0; i < 20; i++) {
      labels[i * 20] = 1
      test[i * 60 + (i % 3)] = 8 + random.int(4)
    }
    expect(rocAuc(lof.score(matrix(test, ['a', 'b', 'c'])), labels)).toBe(1)
  })
})

describe('LocalOutlierFactor', () => {
  const train = correlatedNormal(1500, 7, 21)
  const fitted = new LocalOutlierFactor().fit(train)

  it('is fitted the same by threads', async () => {
    const pool = new WorkerPool(3)
    try {
      const threaded = await new LocalOutlierFactor().fitAsync(train, pool)
      expect(bytesOf(threaded.toBuffer())).toEqual(bytesOf(fitted.toBuffer()))
    } finally {
      await pool.close()
    }
  })

  it('keeps at most maxReference rows, drawn by the seed', () => {
    const small = new LocalOutlierFactor({ maxReference: 200, seed: 1 }).fit(train)
    expect(small.reference.nSamples).toBe(200)
    const again = new LocalOutlierFactor({ maxReference: 200, seed: 1 }).fit(train)
    expect(bytesOf(again.toBuffer())).toEqual(bytesOf(small.toBuffer()))
    const other = new LocalOutlierFactor({ maxReference: 200, seed: 2 }).fit(train)
    expect(bytesOf(other.reference.data)).not.toEqual(bytesOf(small.reference.data))
  })

  it('has contributions that add up to the score', () => {
    const X = correlatedNormal(300, 7, 22)
    for (const table of [X, train]) {
      const scores = fitted.score(table)
      const contributions = fitted.contributions(table)
      for (let i = 0; i < table.nSamples; i++) {
        let sum = 0
        for (let j = 0; j < 7; j++) sum += contributions[i * 7 + j]!
        expect(Math.abs(sum - scores[i]!) / scores[i]!).toBeLessThan(1e-6)
      }
    }
  })

  it('explains what it has just scored as what it has not', () => {
    const X = correlatedNormal(50, 7, 24)
    const expected = FittedLocalOutlierFactor.fromBuffer(fitted.toBuffer()).contributions(X)
    const scored = selectRows(X, [3, 3, 41, 7, 12, 20])
    fitted.score(scored)
    expect(bytesOf(fitted.contributions(X))).toEqual(bytesOf(expected))
    expect(bytesOf(fitted.contributions(scored))).toEqual(
      bytesOf(selectRows(matrix(expected, X.featureNames), [3, 3, 41, 7, 12, 20]).data),
    )
  })

  it('names the planted feature first', () => {
    const shifts = Array.from({ length: 200 }, (_, i) => ({
      sample: i,
      feature: i % 7,
      by: i % 2 === 0 ? 5 : -5,
    }))
    const contributions = fitted.contributions(correlatedNormal(200, 7, 23, shifts))
    const right = shifts.filter(({ sample, feature }) => {
      const row = contributions.subarray(sample * 7, sample * 7 + 7)
      return row.indexOf(Math.max(...row)) === feature
    })
    expect(right.length / shifts.length).toBeGreaterThanOrEqual(0.95)
  })

  it('stays finite and growing for values far beyond float32 squares', () => {
    const values = [1e3, 1e6, 1e15, 1e20, 1e25, 1e30]
    const scores = fitted.score(matrixFromRows(values.map((v) => [v, 0, 0, 0, 0, 0, 0])))
    expect([...scores].every(Number.isFinite)).toBe(true)
    expect([...scores]).toEqual([...scores].sort((a, b) => a - b))
    expect(new Set(scores).size).toBe(values.length)
  })

  it('takes fewer neighbours where there are not enough', () => {
    const lof = new LocalOutlierFactor({ nNeighbors: 50 }).fit(correlatedNormal(10, 2, 3))
    expect(lof.score(correlatedNormal(5, 2, 4)).every((s) => s > 0 && s < 20)).toBe(true)
  })

  it('refuses parameters out of range', () => {
    expect(() => new LocalOutlierFactor({ nNeighbors: 0 })).toThrow(/nNeighbors.*got 0/)
    expect(() => new LocalOutlierFactor({ nNeighbors: 1.5 })).toThrow(RangeError)
    expect(() => new LocalOutlierFactor({ maxReference: 0 })).toThrow(/maxReference.*got 0/)
  })
})
