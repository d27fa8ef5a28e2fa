import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { feedbackOnAdaptation, withFeedback } from '../../src/feedback/entry.ts'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { Engine, type EngineOptions } from '../../src/pipeline/engine.ts'
import { DRIFT_A_DAY, MOST_DRIFT } from '../../src/pipeline/normals.ts'
import { pickRows } from '../../src/pipeline/rows.ts'
import { train } from '../../src/pipeline.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'
import type { ModelBundle } from '../../src/store/model-bundle.ts'
import { sourceOf } from './some-data.ts'

const START = 1_750_032_000
const DAY = 86_400
const A_DAY = 48
const pool = new WorkerPool(1)
let bundles: readonly ModelBundle[]

/**
 * Readings of two boilers every half an hour, each around 60 °C.
 *
 * @param offset °C by which the first boiler is off, by the day
 */
function boilers(from: number, days: number, offset: (day: number) => number = () => 0): ReadingBatch {
  const random = new Random(from + 7)
  const builder = new ReadingBatchBuilder(2 * days * A_DAY)
  for (let i = 0; i < 2 * days * A_DAY; i++) {
    const day = from + (i >> 1) / A_DAY
    const boiler = i & 1
    const temperature = 60 + 2 * random.normal() + (boiler === 0 ? offset(day) : 0)
    builder.add({ ts: START + day * DAY, device: `boiler-${boiler}`, metrics: { temperature } })
  }
  return builder.finish()
}

/** 4 °C, two standard deviations, over twenty days; from the fourth day on. */
const slowly = (day: number) => (4 * Math.max(0, Math.min(20, day - 14))) / 20

beforeAll(async () => {
  bundles = (await train(sourceOf(boilers(0, 12)), { model: 'both', workers: 1 })).bundles
}, 60_000)
afterAll(() => pool.close())

function engineOf(options: EngineOptions = {}, of = bundles): Engine {
  return new Engine(of, { pool, ...options })
}

async function told(engine: Engine, ...batches: ReadingBatch[]): Promise<Anomaly[]> {
  const all: Anomaly[] = []
  for (const batch of batches) all.push(...(await engine.process(batch, 'boilers')).anomalies)
  return all
}

const late = (anomalies: readonly Anomaly[], from: number) =>
  anomalies.filter(({ timestamp, device }) => device === 'boiler-0' && timestamp >= START + from * DAY)

describe('a normal that changes slowly', () => {
  const weeks = boilers(10, 30, slowly)

  it('is followed: fewer false alarms, none that would not have been without', async () => {
    const off = await told(engineOf({ drift: false }), weeks)
    const engine = engineOf()
    const on = await told(engine, weeks)
    expect(late(off, 30).length).toBeGreaterThan(50)
    expect(late(on, 30).length).toBeLessThan(0.4 * late(off, 30).length)
    const records = new Set(off.map(({ record }) => record))
    expect(on.filter(({ record }) => !records.has(record))).toEqual([])
    expect(engine.adaptations.length).toBeGreaterThan(3)
  })

  it('is followed a little a day and in all, and every step is told', async () => {
    const engine = engineOf()
    await told(
      engine,
      boilers(10, 40, (day) => 0.5 * Math.max(0, day - 14)),
    )
    const { adaptations } = engine
    const own = adaptations.filter(({ device }) => device === 'boiler-0')
    expect(own.length).toBeGreaterThan(3)
    expect(new Set(adaptations.map(({ id }) => id)).size).toBe(adaptations.length)
    const ends = own.map(({ at }) => at)
    expect(ends).toEqual([...ends].sort((a, b) => a - b))
    for (const { from, to, at, changes, why } of own) {
      expect(Math.abs(to - from)).toBeLessThanOrEqual(DRIFT_A_DAY + 1e-9)
      expect(to).toBeLessThanOrEqual(MOST_DRIFT)
      expect(at % DAY).toBe(0)
      expect(changes.length).toBeGreaterThan(0)
      expect(why).toContain(changes[0]!.feature)
    }
  })

  it('gives the same however it is cut, saved and restored in between', async () => {
    const whole = engineOf()
    const expected = await told(whole, weeks)
    for (const cut of [137, 1250, 2001]) {
      const first = engineOf()
      const head = pickRows(
        weeks,
        Uint32Array.from({ length: cut }, (_, i) => i),
      )
      const tail = pickRows(
        weeks,
        Uint32Array.from({ length: weeks.length - cut }, (_, i) => cut + i),
      )
      const before = await told(first, head)
      const second = engineOf()
      second.restore(first.save())
      expect([...before, ...(await told(second, tail))]).toEqual(expected)
      expect(second.adaptations).toEqual(whole.adaptations)
    }
  })

  it('is not learned from a look ahead', async () => {
    const plain = engineOf()
    const looked = engineOf()
    const [first, second] = [boilers(10, 8), boilers(18, 20, slowly)]
    await told(looked, first)
    await looked.peek(
      boilers(18, 20, () => 2),
      'elsewhere',
    )
    expect(await told(looked, second)).toEqual(since(await told(plain, first, second), 18))
    expect(looked.adaptations).toEqual(plain.adaptations)
  })

  it('that a person holds goes no further, and as before when that is taken back', async () => {
    const engine = engineOf()
    const followed = await told(engine, weeks)
    const step = engine.adaptations.find(({ device, from }) => device === 'boiler-0' && from === 0)!
    const held = feedbackOnAdaptation(step, 'hold', { at: 1 })
    const holding = engineOf(
      {},
      bundles.map((bundle) => withFeedback(bundle, [held])),
    )
    const alarmed = await told(holding, weeks)
    expect(holding.adaptations.filter(({ device }) => device === 'boiler-0')).toEqual([])
    expect(late(alarmed, 30).length).toBeGreaterThan(2 * late(followed, 30).length)
    const again = engineOf(
      {},
      bundles.map((bundle) => withFeedback(bundle, [])),
    )
    expect(await told(again, weeks)).toEqual(followed)
  })
})

describe('a change that somebody pushes', () => {
  it.each([
    ['at once', 0.01],
    ['in a day', 1],
    ['in three days', 3],
  ])('%s is told as without following', async (_, days) => {
    const push = (day: number) => 16 * Math.max(0, Math.min(1, (day - 20) / days))
    const batch = boilers(10, 20, push)
    const off = late(await told(engineOf({ drift: false }), batch), 20 + days)
    const on = late(await told(engineOf(), batch), 20 + days)
    expect(off.length).toBeGreaterThan(100)
    expect(on.length).toBeGreaterThanOrEqual(0.99 * off.length)
  })
})

function since(anomalies: readonly Anomaly[], from: number): Anomaly[] {
  return anomalies.filter(({ timestamp }) => timestamp >= START + from * DAY)
}
