import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { Calibration, confidenceOf, evidenceAt } from '../../src/models/calibration.ts'
import { combine } from '../../src/models/ensemble.ts'

const draw: Record<string, (random: Random) => number> = {
  normal: (random) => random.normal(),
  exponential: (random) => -Math.log(1 - random.float()),
  'heavy tailed (Pareto, shape 0.5)': (random) => 1 / Math.sqrt(1 - random.float()),
  'bounded (uniform)': (random) => random.float(),
  'discrete (0 to 7)': (random) => Math.floor(-Math.log2(1 - random.float() * 0.999)),
}

function sample(of: (random: Random) => number, n: number, seed: number): Float64Array {
  const random = new Random(seed)
  return Float64Array.from({ length: n }, () => of(random))
}

describe('calibration', () => {
  describe.each(Object.entries(draw))('%s scores', (_, of) => {
    it.each([0.1, 0.01, 0.001])('alarms at most about as often as p = %f promises', (p) => {
      // Mean over many small calibration samples: what a user with 500 rows gets on average.
      let alarms = 0
      let rows = 0
      for (let seed = 0; seed < 40; seed++) {
        const calibration = Calibration.fit(sample(of, 500, seed))
        const fresh = sample(of, 5000, 1000 + seed)
        for (const score of fresh) if (calibration.evidenceOf(score) >= -Math.log10(p)) alarms++
        rows += fresh.length
      }
      expect(alarms / rows).toBeLessThan(1.5 * p)
    })

    it('is not mute: p = 0.01 is reached by a tenth of the promised rows at least', () => {
      const calibration = Calibration.fit(sample(of, 20_000, 7))
      const fresh = sample(of, 20_000, 8)
      const alarms = fresh.filter((score) => calibration.evidenceOf(score) >= 2).length
      expect(alarms / fresh.length).toBeGreaterThan(0.001)
    })

    it('never falls as the score rises', () => {
      const calibration = Calibration.fit(sample(of, 300, 3))
      let before = -1
      for (let score = -5; score < 60; score += 0.01) {
        const evidence = calibration.evidenceOf(score)
        expect(evidence).toBeGreaterThanOrEqual(before)
        before = evidence
      }
    })
  })

  it('lets an attack far outside reach 0.8 with 500 training rows, and ten rows claim nothing', () => {
    const calibration = Calibration.fit(sample(draw.normal!, 150, 1))
    const far = Math.min(calibration.evidenceOf(1e4), calibration.ceiling)
    expect(confidenceOf(far, 0.01)).toBeGreaterThan(0.8)
    expect(() => Calibration.fit(sample(draw.normal!, 10, 1))).toThrow(/at least 20 scores, got 10/)
  })

  it('gives repeated high scores the share they have', () => {
    // 2 % of benign rows are one and the same, with a score far above the others.
    const scores = sample(draw.normal!, 1000, 5)
    scores.fill(50, 0, 20)
    const calibration = Calibration.fit(scores)
    expect(calibration.evidenceOf(50)).toBeLessThan(-Math.log10(0.015))
    expect(calibration.evidenceOf(1e6)).toBeGreaterThan(calibration.evidenceOf(50))
  })

  it('stands equal scores', () => {
    const calibration = Calibration.fit(new Float64Array(100).fill(0.4))
    expect(calibration.evidenceOf(0.4)).toBeLessThan(0.1)
    expect(calibration.evidenceOf(0.3)).toBeLessThan(0.1)
    expect(calibration.evidenceOf(5)).toBeGreaterThan(2)
    expect(Number.isFinite(calibration.evidenceOf(1e300))).toBe(true)
  })

  it('refuses scores that are not numbers', () => {
    const scores = new Float64Array(50)
    scores[3] = Number.NaN
    expect(() => Calibration.fit(scores)).toThrow(/finite/)
  })

  it('survives JSON', () => {
    const calibration = Calibration.fit(sample(draw.exponential!, 400, 2))
    const again = Calibration.fromJSON(JSON.parse(JSON.stringify(calibration)))
    for (const score of [-1, 0.3, 2, 7, 100]) {
      expect(again.evidenceOf(score)).toBe(calibration.evidenceOf(score))
    }
    expect(again.ceiling).toBe(calibration.ceiling)
    for (const broken of [
      null,
      3,
      {},
      { ...calibration.toJSON(), scale: 0 },
      { ...calibration.toJSON(), scores: [] },
    ]) {
      expect(() => Calibration.fromJSON(broken)).toThrow(/calibration expects/)
    }
  })
})

describe('confidence', () => {
  it('is 0.5 at the contamination boundary and inverts', () => {
    expect(confidenceOf(2, 0.01)).toBeCloseTo(0.5, 12)
    expect(confidenceOf(0, 0.01)).toBeLessThan(0.01)
    expect(confidenceOf(evidenceAt(0.7, 0.05), 0.05)).toBeCloseTo(0.7, 12)
    expect(evidenceAt(1, 0.01)).toBe(Infinity)
  })
})

describe('combined evidence', () => {
  it('lies between the mean and the strongest and is strict about one sure model', () => {
    const combined = combine([Float64Array.of(0, 6, 3), Float64Array.of(0, 0, 3), Float64Array.of(0, 0, 3)])
    expect(combined[0]).toBeCloseTo(0, 12)
    expect(combined[1]).toBeCloseTo(6 - Math.log10(3), 5)
    expect(combined[2]).toBeCloseTo(3, 12)
  })

  it('does not overflow on evidence far beyond float64', () => {
    expect(combine([Float64Array.of(5000), Float64Array.of(1)])[0]).toBeCloseTo(5000 - Math.log10(2), 6)
  })
})
