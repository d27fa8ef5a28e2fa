import { describe, expect, it } from 'vitest'
import { Surprise } from '../../src/features/reading/surprise.ts'
import { Random } from '../../src/kernels/random.ts'

const MINUTE = 60

/** Surprise of each value, five minutes apart. */
function told(values: readonly number[]): number[] {
  const surprise = new Surprise()
  return values.map((x, i) => surprise.next(i * 5 * MINUTE, x))
}
function noise(n: number, seed = 1): number[] {
  const random = new Random(seed)
  return Array.from({ length: n }, () => random.normal())
}
const mean = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0) / xs.length

describe('surprise', () => {
  it('is 0 for the first readings and small for ordinary ones', () => {
    const values = told(noise(2000))
    expect(values.slice(0, 20)).toEqual(Array(20).fill(0))
    // The mean of -log10 of a uniform share is 0.43.
    expect(mean(values.slice(200))).toBeGreaterThan(0.2)
    expect(mean(values.slice(200))).toBeLessThan(0.7)
    expect(Math.max(...values.slice(200))).toBeLessThan(3)
  })

  it('is the same whatever the unit', () => {
    const values = noise(500).map((x) => 20 + x)
    const told1 = told(values)
    told(values.map((x) => 1000 * x)).forEach((s, i) => {
      expect(s).toBeCloseTo(told1[i]!, 4)
    })
  })

  it('stands out for a jump, and passes while the jump lasts', () => {
    const values = noise(1400).map((x, i) => (i < 1000 ? x : x + 9))
    const s = told(values)
    const before = Math.max(...s.slice(100, 1000))
    expect(Math.max(...s.slice(1000, 1030))).toBeGreaterThan(before)
    expect(mean(s.slice(1350))).toBeLessThan(mean(s.slice(1000, 1030)))
  })

  it('sees a shift of one spread that no single reading shows', () => {
    const values = noise(1100).map((x, i) => (i < 1000 ? x : x + 1))
    const s = told(values)
    expect(mean(s.slice(1020, 1100))).toBeGreaterThan(1.5 * mean(s.slice(200, 1000)))
  })

  it('knows the time of day', () => {
    const day = 288
    const curve = (i: number) => 10 * Math.sin((2 * Math.PI * i) / day)
    const values = noise(10 * day, 2).map((x, i) => curve(i) + 0.3 * x)
    const odd = [...values]
    // The level of noon at midnight: usual over the day, not at this hour.
    for (let i = 9 * day; i < 9 * day + 12; i++) odd[i] = 10
    const at = 9 * day
    expect(Math.max(...told(odd).slice(at, at + 12))).toBeGreaterThan(
      Math.max(...told(values).slice(at, at + 12)) + 0.5,
    )
  })

  it('is finite for constants and huge values', () => {
    for (const values of [Array(300).fill(5), Array(300).fill(0), noise(300).map((x) => x * 1e150)]) {
      expect(told(values).every((s) => Number.isFinite(s) && s >= 0)).toBe(true)
    }
  })
})
