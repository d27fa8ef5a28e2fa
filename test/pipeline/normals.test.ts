import { describe, expect, it } from 'vitest'
import { matrixFromRows } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { type ColumnStep, DAY, DRIFT_A_DAY, MOST_DRIFT, Normals } from '../../src/pipeline/normals.ts'

const KEY = [1, 2] as const
const A_DAY = 100

/** Steps of a normal over `days`, of which the one column is `value(day)`, and how far it is moved in the end. */
function follow(days: number, value: (day: number, i: number) => number, most = MOST_DRIFT) {
  const normals = new Normals([0])
  const steps: ColumnStep[] = []
  for (let i = 0; i < days * A_DAY; i++) {
    const day = i / A_DAY
    const slot = normals.slot(KEY, true, undefined)
    steps.push(...normals.step(slot, Math.floor(day), most))
    normals.learn(slot, matrixFromRows([[value(day, i)]]), 0, day * DAY, Math.floor(day))
  }
  const moved = new Float64Array(1)
  normals.moved(normals.slot(KEY, false, undefined), most, moved)
  return { steps, moved: moved[0]! }
}

describe('what is normal for a device', () => {
  const noise = new Random(1)

  it('stays where it is while its records do', () => {
    expect(follow(30, () => noise.normal()).moved).toBeLessThan(0.25)
  })

  it('follows a slow change, up or down', () => {
    for (const way of [1, -1]) {
      const { moved } = follow(20, (day) => way * 0.1 * Math.max(0, day - 4) + 0.5 * noise.normal())
      expect(way * moved).toBeGreaterThan(1.1)
      expect(way * moved).toBeLessThan(1.7)
    }
  })

  it('moves no more a day and no further than is allowed, and further where a person allows it', () => {
    const away = (day: number) => (day < 4 ? 0 : 50)
    const { steps, moved } = follow(40, away)
    for (const { from, to } of steps) expect(Math.abs(to - from)).toBeLessThanOrEqual(DRIFT_A_DAY + 1e-9)
    expect(moved).toBe(MOST_DRIFT)
    expect(follow(40, away, 5).moved).toBe(5)
  })

  it('does not go along with a few that are pushed, however far', () => {
    const few = (day: number, i: number) => (day > 4 && i % 5 === 0 ? 100 : 0.3 * noise.normal())
    expect(Math.abs(follow(40, few).moved)).toBeLessThanOrEqual(0.3)
  })

  it('is not known from a day, or from few records', () => {
    expect(follow(1.9, (day) => day).steps).toEqual([])
    const normals = new Normals([0])
    for (let day = 0; day < 40; day++) {
      const slot = normals.slot(KEY, true, undefined)
      expect(normals.step(slot, day, MOST_DRIFT)).toEqual([])
      normals.learn(slot, matrixFromRows([[day]]), 0, day * DAY, day)
    }
  })

  it('is nothing that a look would claim', () => {
    expect(new Normals([0]).slot(KEY, false, undefined)).toBe(-1)
  })
})
