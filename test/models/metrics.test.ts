import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { averagePrecision, Ranking, rocAuc } from '../../src/models/metrics.ts'

/** The definition, pair by pair. */
function pairwise(scores: number[], labels: number[]): number {
  let wins = 0
  let pairs = 0
  scores.forEach((p, i) => {
    scores.forEach((q, j) => {
      if (!labels[i] || labels[j]) return
      pairs++
      wins += p > q ? 1 : p === q ? 0.5 : 0
    })
  })
  return wins / pairs
}

describe('ranking metrics', () => {
  it('rocAuc is 1, 0 and one half for perfect, reversed and constant scores', () => {
    expect(rocAuc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1)
    expect(rocAuc([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0)
    expect(rocAuc([7, 7, 7, 7], [0, 1, 0, 1])).toBe(0.5)
  })

  it('rocAuc equals the share of ordered pairs, ties counting half', () => {
    const random = new Random(5)
    for (let round = 0; round < 50; round++) {
      const n = 2 + random.int(40)
      const scores = Array.from({ length: n }, () => random.int(8))
      const labels = Array.from({ length: n }, (_, i) => (i === 0 ? 1 : i === 1 ? 0 : random.int(2)))
      expect(rocAuc(scores, labels)).toBeCloseTo(pairwise(scores, labels), 12)
    }
  })

  it('averagePrecision agrees with values worked by hand', () => {
    // scikit-learn's documentation example
    expect(averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBeCloseTo(5 / 6, 12)
    // one tie over everything: precision is the base rate
    expect(averagePrecision([1, 1, 1, 1], [1, 0, 0, 0])).toBe(0.25)
    // tie of a positive and a negative on top, then a positive: (1/2)(1/2) + (1/2)(2/3)
    expect(averagePrecision([3, 3, 2, 1], [1, 0, 1, 0])).toBeCloseTo(7 / 12, 12)
  })

  it('has no value without both classes and refuses what it cannot rank', () => {
    expect(rocAuc([1, 2], [1, 1])).toBeNaN()
    expect(averagePrecision([1, 2], [0, 0])).toBeNaN()
    expect(() => rocAuc([1, 2], [1])).toThrow('expected 2 labels, one a score, got 1')
    expect(() => rocAuc([1, Number.NaN], [0, 1])).toThrow('score 1 is NaN')
  })

  it('the curve goes through every step worth drawing, and the area under it is that of rocAuc', () => {
    const random = new Random(9)
    const n = 20_000
    const labels = Array.from({ length: n }, () => (random.float() < 0.2 ? 1 : 0))
    const scores = labels.map((label) => random.float() + label * random.float())
    const curve = new Ranking(scores, labels).curve()
    expect(curve.length).toBeLessThan(600)
    let area = 0
    let [x, y] = [0, 0]
    for (const { recall, falseAlarmRate } of curve) {
      area += ((falseAlarmRate! - x) * (recall! + y)) / 2
      ;[x, y] = [falseAlarmRate!, recall!]
    }
    expect([x, y]).toEqual([1, 1])
    expect(area).toBeCloseTo(rocAuc(scores, labels), 3)
    const some = curve[100]!
    const above = scores.map((s, i) => [s >= some.score, labels[i] === 1] as const).filter(([a]) => a)
    expect(some.precision).toBe(above.filter(([, hit]) => hit).length / above.length)
  })

  it('a curve is worked by hand where it is short', () => {
    const share = (score: number, recall: number, falseAlarmRate: number, precision: number) => ({
      score,
      recall,
      falseAlarmRate,
      precision,
    })
    expect(new Ranking([3, 3, 2, 1], [1, 0, 1, 0]).curve()).toEqual([
      share(3, 0.5, 0.5, 0.5),
      share(2, 1, 0.5, 2 / 3),
      share(1, 1, 1, 0.5),
    ])
    expect(new Ranking([2, 1], [1, 1]).curve()[0]).toEqual({ ...share(2, 0.5, 0, 1), falseAlarmRate: null })
  })
})
