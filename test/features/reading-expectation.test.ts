import { describe, expect, it } from 'vitest'
import { Expectation } from '../../src/features/reading/expectation.ts'
import { createReadingExtractor } from '../../src/features/reading/extractor.ts'
import { Random } from '../../src/kernels/random.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'

const MINUTE = 60

/** A machine's temperature and pressure, both by its load, which goes its own way. */
function machine(n: number, seed: number, off: (i: number) => number = () => 0): [number, number][] {
  const random = new Random(seed)
  let load = 0
  return Array.from({ length: n }, (_, i) => {
    load = 0.95 * load + 0.3 * random.normal()
    return [50 + 8 * load + 0.5 * random.normal() + off(i), 1000 + 5 * load + 0.3 * random.normal()]
  })
}

function told(values: readonly (readonly number[])[], expectation = new Expectation(2), from = 0) {
  return values.map((x, i) => {
    const now = new Float64Array(2)
    const recently = new Float64Array(2)
    expectation.next((from + i) * MINUTE, Float64Array.from(x), now, recently, false)
    return { now: [...now], recently: [...recently] }
  })
}
const spread = (xs: readonly number[]) => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0) / xs.length)

describe('what a device should show', () => {
  it('says nothing at first, then in units of its own usual deviation', () => {
    const all = told(machine(3000, 1))
    expect(all.slice(0, 90).every(({ now, recently }) => [...now, ...recently].every((x) => x === 0))).toBe(
      true,
    )
    expect(spread(all.slice(500).map(({ now }) => now[0]!))).toBeCloseTo(1, 0)
    expect(spread(all.slice(500).map(({ recently }) => recently[0]!))).toBeCloseTo(1, 0)
  })

  it('sees a sensor leave what the others imply, well inside its own range', () => {
    // The temperature moves by 8 with the load; it is off by 3.
    const values = machine(3000, 2, (i) => (i < 2900 ? 0 : 3))
    const recently = told(values).map((t) => Math.abs(t.recently[0]!))
    expect(Math.max(...recently.slice(2900, 2960))).toBeGreaterThan(5)
    expect(Math.max(...recently.slice(500, 2900))).toBeLessThan(5)
    const temperatures = values.map(([t]) => t)
    const before = temperatures.slice(0, 2900)
    expect(Math.max(...temperatures.slice(2900))).toBeLessThan(Math.max(...before))
    expect(Math.min(...temperatures.slice(2900))).toBeGreaterThan(Math.min(...before))
  })

  it('knows the hour once it has seen two days', () => {
    const random = new Random(3)
    const day = 1440
    const curve = Array.from({ length: 4 * day }, (_, i) => [
      20 + 5 * Math.sin((2 * Math.PI * i) / day) + 0.2 * random.normal(),
      40 + random.normal(),
    ])
    const odd = curve.map((x, i) => (i < 3.75 * day ? x : [20 + 0.2 * random.normal(), x[1]!]))
    const at = Math.round(3.75 * day)
    const most = (all: ReturnType<typeof told>) =>
      Math.max(...all.slice(at, at + 60).map(({ now }) => Math.abs(now[0]!)))
    expect(most(told(odd))).toBeGreaterThan(2 * most(told(curve)))
  })

  it('cannot be pushed quickly', () => {
    const values = machine(4000, 4, (i) => (i < 3000 || i >= 3200 ? 0 : 500))
    const all = told(values)
    expect(spread(all.slice(3300).map(({ recently }) => recently[0]!))).toBeLessThan(2)
    expect(Math.abs(all[3199]!.now[0]!)).toBeGreaterThan(30)
  })

  it('is finite for constants, missing and huge values, and changes nothing for late ones', () => {
    const random = new Random(5)
    for (const x of [() => 7, () => Number.NaN, () => 1e150 * random.normal()]) {
      const all = told(Array.from({ length: 400 }, () => [x(), random.normal()]))
      expect(all.every(({ now, recently }) => [...now, ...recently].every(Number.isFinite))).toBe(true)
    }
    const expectation = new Expectation(2)
    told(machine(500, 6), expectation)
    const before = expectation.state.slice()
    expectation.next(0, Float64Array.of(999, 999), new Float64Array(2), new Float64Array(2), true)
    expect(expectation.state).toEqual(before)
  })

  it('goes on from saved state, and a look ahead leaves no trace', () => {
    const readings = machine(400, 7)
    const batch = (from: number, to: number): ReadingBatch => {
      const builder = new ReadingBatchBuilder(to - from)
      for (let i = from; i < to; i++) {
        const [temperature, pressure] = readings[i]!
        builder.add({ ts: 1e9 + i * MINUTE, device: 'press', metrics: { temperature, pressure } })
      }
      return builder.finish()
    }
    const columnsOf = (extractor: ReturnType<typeof createReadingExtractor>, from: number, to: number) => {
      const { specs, columns } = extractor.extract(batch(from, to))
      return columns[specs.findIndex((s) => s.name === 'temperature average unexpected')]!
    }
    const whole = columnsOf(createReadingExtractor(), 0, 400)
    expect(whole.subarray(200).some((x) => x !== 0)).toBe(true)
    for (const cut of [10, 150, 333]) {
      const before = createReadingExtractor()
      columnsOf(before, 0, cut)
      const undo: (() => void)[] = []
      before.extract(batch(cut, 400), undo)
      for (const step of undo.reverse()) step()
      const after = createReadingExtractor()
      after.restore(before.toBuffer())
      expect(columnsOf(after, cut, 400), `cut at ${cut}`).toEqual(whole.slice(cut))
    }
  })
})
