import { describe, expect, it } from 'vitest'
import { matrixFromRows } from '../../src/kernels/matrix.ts'
import { rarity, sortedValues } from '../../src/kernels/rarity.ts'

/** 0, 1, … 99 between two strangers that must not count. */
const values = Float32Array.from([1e9, ...Array.from({ length: 100 }, (_, i) => i), -1e9])
const of = (x: number) => rarity(values, 1, 101, x)

describe('rarity', () => {
  it('is 0 in the middle and -log10 of the two-sided tail further out', () => {
    expect(of(50)).toBeCloseTo(0, 12)
    expect(of(49.5)).toBe(0)
    expect(of(5)).toBeCloseTo(-Math.log10((2 * 6) / 100), 12)
    expect(of(94)).toBeCloseTo(-Math.log10((2 * 6) / 100), 12)
    expect(of(99)).toBeCloseTo(-Math.log10(2 / 100), 12)
  })

  it('grows with the distance beyond all values', () => {
    expect(of(100)).toBeGreaterThan(of(99))
    expect(of(148)).toBeCloseTo((Math.log10(101) * 98) / 49, 12)
    expect(of(-50)).toBeCloseTo(Math.log10(101) * 2, 12)
  })

  it('counts equal values on both sides', () => {
    const flags = Float32Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    expect(rarity(flags, 0, 10, 0)).toBe(0)
    expect(rarity(flags, 0, 10, 1)).toBeCloseTo(-Math.log10(2 / 10), 12)
    const equal = new Float32Array(9).fill(7)
    expect(rarity(equal, 0, 9, 7)).toBe(0)
    expect(rarity(equal, 0, 9, 7.5)).toBe(2 * Math.log10(10))
    expect(rarity(equal, 0, 9, -7)).toBe(2 * Math.log10(10))
  })

  it('takes the values of chosen rows, feature by feature', () => {
    const X = matrixFromRows([
      [3, 30],
      [1, 10],
      [2, -20],
    ])
    expect([...sortedValues(X, [0, 1, 2])]).toEqual([1, 2, 3, -20, 10, 30])
    expect([...sortedValues(X, [2, 0])]).toEqual([2, 3, -20, 30])
  })
})
