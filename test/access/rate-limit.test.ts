import { describe, expect, it } from 'vitest'
import { RateLimit } from '../../src/access/rate-limit.ts'

describe('RateLimit', () => {
  it('lets a burst through, then tells when there is room again', () => {
    const limit = new RateLimit(60, 3)
    expect([0, 0, 0, 0].map(() => limit.take('a', 10))).toEqual([0, 0, 0, 1])
    expect(limit.take('b', 10)).toBe(0)
    expect(limit.take('a', 10.9)).toBe(1)
    expect(limit.take('a', 11.1)).toBe(0)
    expect(limit.take('a', 11.1)).toBe(1)
  })

  it('lets through as many as were said, over a long time', () => {
    const limit = new RateLimit(120, 5)
    let through = 0
    for (let t = 0; t < 600; t += 0.1) if (limit.take('a', t) === 0) through++
    expect(through).toBeGreaterThanOrEqual(1200)
    expect(through).toBeLessThanOrEqual(1206)
  })

  it('remembers a bounded number of callers, the latest', () => {
    const limit = new RateLimit(1, 1)
    limit.take('old', 0)
    for (let i = 0; i < 20_000; i++) limit.take(`caller ${i}`, 1)
    expect(limit.take('caller 19999', 1)).toBeGreaterThan(0)
    expect(limit.take('old', 1)).toBe(0)
  })
})
