import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { Calibration } from '../../src/models/calibration.ts'
import { combine } from '../../src/models/ensemble.ts'

/** Evidence of three models about n benign rows; `common` 1 = they always agree, 0 = they never do. */
function benign(n: number, common: number): Float64Array[] {
  const random = new Random(9)
  const uniform = () => -Math.log10(1 - random.float())
  const models = [0, 1, 2].map(() => new Float64Array(n))
  for (let i = 0; i < n; i++) {
    const shared = uniform()
    for (const model of models) model[i] = random.float() < common ? shared : uniform()
  }
  return models
}

describe('combine', () => {
  it('is the evidence itself where all models say the same', () => {
    const [same] = combine([2.5, 2.5, 2.5].map((e) => Float64Array.of(e)))
    expect(same).toBeCloseTo(2.5, 12)
  })

  it('loses at most log10 of the number of models of what one is sure of', () => {
    const [one] = combine([6, 0, 0].map((e) => Float64Array.of(e)))
    expect(one).toBeGreaterThanOrEqual(6 - Math.log10(3))
    expect(one).toBeLessThan(6)
  })

  it('rises with the evidence of any model, and does not depend on their order', () => {
    const at = (...e: number[]) => combine(e.map((x) => Float64Array.of(x)))[0]!
    expect(at(1, 2, 3)).toBeLessThan(at(1, 2.5, 3))
    expect(at(3, 1, 2)).toBeCloseTo(at(1, 2, 3), 12)
  })

  it('does not overflow where a model is sure beyond what a number holds', () => {
    expect(combine([Float64Array.of(5000), Float64Array.of(1)])[0]).toBeCloseTo(5000 - Math.log10(2), 9)
  })
})

describe('the combination, calibrated again', () => {
  it.each([0, 0.5, 1])('keeps its promise on benign rows whose models agree in share %s', (common) => {
    const all = benign(40_000, common)
    const half = (from: number) => all.map((model) => model.slice(from, from + 20_000))
    const seen = Calibration.fit(combine(half(0)), 'evidence').evidence(combine(half(20_000)))
    for (const p of [0.1, 0.01]) {
      const rate = seen.filter((e) => e >= -Math.log10(p)).length / seen.length
      expect(rate).toBeGreaterThan(0.7 * p)
      expect(rate).toBeLessThan(1.3 * p)
    }
  })
})
