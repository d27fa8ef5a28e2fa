import { describe, expect, it } from 'vitest'
import { matrix } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { coreRows } from '../../src/models/core.ts'
import { LocalOutlierFactor } from '../../src/models/local-outlier-factor.ts'
import { rocAuc } from '../../src/models/metrics.ts'

const names = ['a', 'b', 'c', 'd']

/** 900 normal rows and, far away, a group of 60 that lie close together. */
function contaminated() {
  const random = new Random(3)
  const data = new Float32Array(960 * 4)
  const y = new Uint8Array(960)
  for (let i = 0; i < 960; i++) {
    y[i] = i % 16 === 0 ? 1 : 0
    for (let j = 0; j < 4; j++) data[i * 4 + j] = y[i] ? 6 + 0.5 * random.normal() : random.normal()
  }
  return { X: matrix(data, names), y }
}

describe('coreRows', () => {
  it('leaves out a fifth of the rows that came once, the most abnormal ones', () => {
    const { X } = contaminated()
    const core = coreRows(X, 0)
    expect(core.nSamples).toBe(960 - 192)
    expect(Array.from({ length: core.nSamples }, (_, i) => core.data[i * 4]!).every((v) => v < 5)).toBe(true)
  })

  it('keeps rare rows that recur', () => {
    const { X, y } = contaminated()
    for (let i = 0; i < 960; i++) if (y[i]) X.data.fill(9, i * 4, i * 4 + 4)
    const core = coreRows(X, 0)
    const kept = Array.from({ length: core.nSamples }, (_, i) => core.data[i * 4]!).filter((v) => v === 9)
    expect(kept).toHaveLength(60)
  })

  it('gives rows back that are too few to leave one out', () => {
    const X = matrix(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]), names)
    expect(coreRows(X, 0)).toBe(X)
  })
})

describe('the coarse look of LOF', () => {
  it('finds a group larger than a neighbourhood, which the fine one takes for normal', () => {
    const { X, y } = contaminated()
    const fine = new LocalOutlierFactor().fit(X)
    const both = new LocalOutlierFactor({ coarseReference: 120 }).fit(X)
    expect(rocAuc(fine.score(X), y)).toBeLessThan(0.8)
    expect(rocAuc(both.score(X), y)).toBeGreaterThan(0.99)
  })

  it('adds up to the score, whichever look made it', () => {
    const { X } = contaminated()
    const lof = new LocalOutlierFactor({ coarseReference: 120 }).fit(X)
    const scores = lof.score(X)
    const parts = lof.contributions(X)
    scores.forEach((score, i) => {
      const sum = parts.subarray(i * 4, i * 4 + 4).reduce((a, b) => a + b, 0)
      expect(Math.abs(sum / score - 1), `row ${i}`).toBeLessThan(1e-6)
    })
  })
})
