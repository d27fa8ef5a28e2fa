import { describe, expect, it } from 'vitest'
import { Surprise } from '../../src/features/reading/surprise.ts'
import { Random } from '../../src/kernels/random.ts'

const MINUTE = 60

/** Evidence of news in each value, five minutes apart. */
function told(values: readonly number[]): number[] {
  const surprise = new Surprise()
  return values.map((x, i) => surprise.next(i * 5 * MINUTE, x))
}
function noise(n: number, seed = 1): number[] {
  const random = new Random(seed)
  return Array.from({ length: n }, () => random.normal())
}

describe('surprise', () => {
  it('tells no news in the first readings', () => {
    expect(told([...noise(19), 1000]).every((s) => s === 0)).toBe(true)
  })

  it('comes by chance about as rarely as it says or more rarely, whatever the course', () => {
    const n = 6000
    const courses: Record<string, (random: Random) => (i: number) => number> = {
      normal: (random) => () => random.normal(),
      'heavy tails': (random) => () => Math.exp(random.normal()),
      slow: (random) => {
        let x = 0
        return () => {
          x = 0.98 * x + 0.2 * random.normal()
          return x
        }
      },
      daily: (random) => (i) => 3 * Math.sin((2 * Math.PI * i) / 288) + random.normal(),
      counts: (random) => () => Math.floor(-2 * Math.log(1 - random.float())),
    }
    for (const [name, course] of Object.entries(courses)) {
      const all = [1, 2, 3, 4, 5, 6].flatMap((seed) => {
        const next = course(new Random(seed))
        return told(Array.from({ length: n }, (_, i) => next(i))).slice(500)
      })
      for (const p of [0.003, 0.001]) {
        const share = all.filter((s) => s >= -Math.log10(p)).length / all.length
        expect(share, `${name}, ${p}`).toBeLessThan(2.5 * p)
      }
    }
  })

  it('is the same whatever the unit', () => {
    const values = noise(500).map((x) => 20 + x)
    const told1 = told(values)
    told(values.map((x) => 1000 * x)).forEach((s, i) => {
      expect(s).toBeCloseTo(told1[i]!, 4)
    })
  })

  it('tells a jump when it comes, and not while it lasts', () => {
    const s = told(noise(1600).map((x, i) => (i < 1000 ? x : x + 9)))
    expect(Math.max(...s.slice(1000, 1003))).toBeGreaterThan(3)
    expect(s.slice(1030, 1600).filter((e) => e >= 2.52)).toEqual([])
  })

  it('sees a shift of one spread that no single reading shows', () => {
    const found = [1, 2, 3, 4, 5, 6].filter((seed) => {
      const s = told(noise(1100, seed).map((x, i) => (i < 1000 ? x : x + 1.2)))
      return s.slice(1000, 1060).some((e) => e >= 2.52)
    })
    expect(found.length).toBeGreaterThanOrEqual(5)
  })

  it('knows the time of day', () => {
    const day = 288
    const curve = (i: number) => 10 * Math.sin((2 * Math.PI * i) / day)
    const values = noise(10 * day, 2).map((x, i) => curve(i) + 0.3 * x)
    const odd = [...values]
    // The level of noon at midnight: usual over the day, not at this hour.
    for (let i = 9 * day; i < 9 * day + 12; i++) odd[i] = 10
    const at = 9 * day
    expect(Math.max(...told(odd).slice(at, at + 12))).toBeGreaterThan(2)
    expect(Math.max(...told(values).slice(at, at + 12))).toBe(0)
  })

  it('goes on from what was saved, and what was saved stays', () => {
    const values = noise(900).map((x, i) => (i < 700 ? x : x + 5))
    const whole = new Surprise()
    const before = new Surprise()
    values.slice(0, 650).forEach((x, i) => {
      whole.next(i * 300, x)
      before.next(i * 300, x)
    })
    const after = new Surprise(before.save())
    for (let i = 650; i < 900; i++) before.next(i * 300, -100)
    const rest = (s: Surprise) => values.slice(650).map((x, i) => s.next((650 + i) * 300, x))
    expect(rest(after)).toEqual(rest(whole))
  })

  it('is finite for constants and huge values', () => {
    for (const values of [Array(300).fill(5), Array(300).fill(0), noise(300).map((x) => x * 1e150)]) {
      expect(told(values).every((s) => Number.isFinite(s) && s >= 0)).toBe(true)
    }
  })
})
