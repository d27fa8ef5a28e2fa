import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { Engine, type EngineOptions } from '../../src/pipeline/engine.ts'
import { stateFromBuffer } from '../../src/pipeline/engine-state.ts'
import { pickRows } from '../../src/pipeline/rows.ts'
import { train } from '../../src/pipeline.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import type { Batch } from '../../src/schema/reading-batch.ts'
import type { ModelBundle } from '../../src/store/model-bundle.ts'
import { someFlows, someReadings, sourceOf } from './some-data.ts'

const one = new WorkerPool(1)
const two = new WorkerPool(2)
let bundles: readonly ModelBundle[]
const inputs = {
  flows: someFlows(1500, { seed: 2, attack: true }),
  readings: someReadings(1500, { seed: 2, faults: true }),
}

beforeAll(async () => {
  const source = sourceOf(someFlows(1500), someReadings(1500))
  bundles = (await train(source, { model: 'both', workers: 1 })).bundles
}, 30_000)
afterAll(async () => {
  await one.close()
  await two.close()
})

function engineOf(options: EngineOptions = {}): Engine {
  return new Engine(bundles, { pool: one, ...options })
}

function part<B extends Batch>(batch: B, from: number, to: number): B {
  return pickRows(
    batch,
    Uint32Array.from({ length: to - from }, (_, i) => from + i),
  )
}

async function told(engine: Engine, batch: Batch): Promise<readonly Anomaly[]> {
  return (await engine.process(batch, 'here')).anomalies
}

/** Number of a row, less often but also right at the edges. */
const cuts = (n: number) => fc.oneof({ arbitrary: fc.integer({ min: 0, max: n }), weight: 9 }, fc.constant(n))

describe.each(['flows', 'readings'] as const)('%s', (kind) => {
  const batch: Batch = inputs[kind]

  it('cut in two anywhere, saved and restored between, give the same anomalies, with one thread or two', async () => {
    const whole = engineOf()
    const expected = await told(whole, batch)
    const types = new Set(expected.map(({ type }) => type))
    expect(expected.length).toBeGreaterThan(50)
    expect(types.size).toBeGreaterThan(1)
    await fc.assert(
      fc.asyncProperty(cuts(batch.length), fc.boolean(), async (cut, threads) => {
        const first = engineOf({ pool: threads ? two : one })
        const before = await told(first, part(batch, 0, cut))
        const second = engineOf({ pool: threads ? two : one })
        second.restore(first.save())
        const after = await told(second, part(batch, cut, batch.length))
        expect([...before, ...after]).toEqual(expected)
        expect(second.finish()).toEqual(whole.finish())
      }),
      { numRuns: 8, seed: 1 },
    )
  })

  it('looking ahead answers as processing would and leaves no trace', async () => {
    const plain = engineOf()
    const looked = engineOf()
    const random = new Random(3)
    for (let at = 600; at < batch.length; ) {
      const next = part(batch, at, Math.min(batch.length, at + 1 + random.int(90)))
      at += next.length
      const elsewhere = random.int(1400)
      await looked.peek(part(inputs.flows, elsewhere, elsewhere + 100), 'elsewhere')
      await looked.peek(part(inputs.readings, elsewhere, elsewhere + 100), 'elsewhere')
      const asked = await looked.peek(next, 'here')
      const expected = await told(plain, next)
      // What would have been ordinary takes longer than a look.
      expect(asked.anomalies).toEqual(expected.map(({ counterfactual: _, ...anomaly }) => anomaly))
      expect(await told(looked, next)).toEqual(expected)
      expect(stateFromBuffer(looked.save())).toEqual(stateFromBuffer(plain.save()))
    }
  })

  it('looking ahead with another threshold or another model answers as an engine made with them', async () => {
    for (const asked of [{ threshold: 0.99 }, { model: 'isolation-forest', threshold: 0.9 }] as const) {
      const looked = engineOf()
      const made = engineOf(asked)
      const [past, next] = [part(batch, 0, 600), part(batch, 600, 900)]
      await Promise.all([looked.process(past, 'here'), made.process(past, 'here')])
      const answer = await looked.peek(next, 'here', asked)
      const expected = await made.peek(next, 'here')
      expect(answer.combined).toEqual(expected.combined)
      const plain = (anomalies: readonly Anomaly[]) =>
        anomalies.map(({ record, p_value, model_confidence }) => ({ record, p_value, model_confidence }))
      expect(plain(answer.anomalies)).toEqual(plain(expected.anomalies))
      expect(answer.threshold).toBe(asked.threshold)
    }
  })

  it('batches given without waiting are answered in order, as if one had waited', async () => {
    const expected = await told(engineOf(), batch)
    const engine = engineOf({ pool: two })
    const size = 250
    const under = Array.from({ length: batch.length / size }, (_, k) =>
      told(engine, part(batch, k * size, (k + 1) * size)),
    )
    expect(() => engine.save()).toThrow('6 batches are under way')
    expect((await Promise.all(under)).flat()).toEqual(expected)
    expect(engine.save().byteLength).toBeGreaterThan(1000)
  })
})

it('incidents are told when they begin and when they change', async () => {
  const engine = engineOf({ nextIncident: 100 })
  await engine.process(part(inputs.flows, 0, 1000), 'here')
  const first = engine.incidents()
  expect(first.length).toBeGreaterThan(1)
  expect(Math.min(...first.map(({ id }) => id))).toBe(100)
  expect(engine.incidents()).toEqual([])
  const { anomalies } = await engine.process(part(inputs.flows, 1000, 1100), 'here')
  const changed = new Set(anomalies.map(({ incident }) => incident))
  const next = engine.incidents()
  expect(new Set(next.map(({ id }) => id))).toEqual(changed)
  const grown = next.find(({ id }) => first.some((i) => i.id === id))!
  expect(grown.count).toBeGreaterThan(first.find(({ id }) => id === grown.id)!.count)
  const restored = engineOf()
  restored.restore(engine.save())
  expect(restored.incidents().map(({ id }) => id)).toEqual(expect.arrayContaining(first.map(({ id }) => id)))
})

describe('a device without a past', () => {
  const fresh = someReadings(120, { seed: 9, from: 7 * 86_400 })
  const strangers = () =>
    new Engine(
      bundles.map(({ past: _, ...bundle }) => bundle),
      { pool: one },
    )

  it('is still learned, and known after twenty readings', async () => {
    const engine = strangers()
    expect(engine.deviceState('sensor-0')).toEqual({ seen: 0, learning: 0 })
    await engine.process(part(fresh, 0, 10), 'here')
    expect(engine.deviceState('sensor-0')).toEqual({ seen: 4, learning: 16 })
    expect(engine.learning()).toEqual({ devices: 3, least: 16, most: 17 })
    await engine.process(part(fresh, 10, 120), 'here')
    expect(engine.deviceState('sensor-0')).toEqual({ seen: 40, learning: 0 })
    expect(engine.learning().devices).toBe(0)
  })

  it('is not called stuck or drifting for having none', async () => {
    const begin = async (engine: Engine) => (await engine.process(part(fresh, 0, 60), 'here')).combined
    const cold = await begin(strangers())
    const warm = await begin(engineOf())
    const mean = (evidence: Float64Array) => evidence.reduce((sum, e) => sum + e, 0) / evidence.length
    // A tenth of all records has an evidence of 1 or more.
    expect(mean(cold)).toBeLessThan(mean(warm) + 0.2)
    expect(Math.max(...cold.subarray(0, 3))).toBeLessThan(2)
  })

  it('with flows is known after six hours, whose number of flows is estimated', async () => {
    const engine = strangers()
    await engine.process(part(inputs.flows, 0, 120), 'here')
    const { seen, learning } = engine.deviceState('02:00:00:00:00:00')
    // A flow in two minutes, for five hours more.
    expect(seen).toBeGreaterThan(20)
    expect(learning).toBeGreaterThan(3 * seen)
    expect(learning).toBeLessThan(7 * seen)
    await engine.process(part(inputs.flows, 120, 900), 'here')
    expect(engine.deviceState('02:00:00:00:00:00').learning).toBe(0)
  })
})

it('records up to a time are history: seen, never told', async () => {
  const after = inputs.flows.ts[1200]!
  const { anomalies, scored } = await engineOf({ after: { flows: after } }).process(inputs.flows, 'here')
  expect(scored).toBe(299)
  expect(Math.min(...anomalies.map(({ timestamp }) => timestamp))).toBeGreaterThan(after)
})

describe('a saved state', () => {
  it('damaged, cut off, of another version or none at all is told, and nothing changes', async () => {
    const engine = engineOf()
    await engine.process(inputs.flows, 'here')
    const saved = engine.save()
    const damaged = saved.slice(0)
    new Uint8Array(damaged)[saved.byteLength >> 1]! ^= 1
    const newer = saved.slice(0)
    new DataView(newer).setUint32(8, 99, true)
    for (const [bad, why] of [
      [damaged, 'checksum'],
      [newer, 'version 99'],
      [saved.slice(0, -64), 'bytes'],
      [new ArrayBuffer(0), 'expected a MOTESTAT'],
    ] as const) {
      const other = engineOf()
      const before = stateFromBuffer(other.save())
      expect(() => other.restore(bad)).toThrow(why)
      expect(() => other.restore(bad)).toThrow('start without it')
      expect(stateFromBuffer(other.save())).toEqual(before)
    }
  })

  it('is the same once restored', async () => {
    const engine = engineOf()
    await engine.process(inputs.readings, 'here')
    await engine.process(inputs.flows, 'here')
    const again = engineOf()
    again.restore(engine.save())
    expect(stateFromBuffer(again.save())).toEqual(stateFromBuffer(engine.save()))
  })
})
