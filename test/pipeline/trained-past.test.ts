import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ReadReport } from '../../src/adapters/read-report.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { Engine } from '../../src/pipeline/engine.ts'
import { Stages } from '../../src/pipeline/stages.ts'
import { pastOf, startFrom } from '../../src/pipeline/trained-past.ts'
import { detect, train } from '../../src/pipeline.ts'
import { bundleFromBuffer, bundleToBuffer, type ModelBundle } from '../../src/store/model-bundle.ts'
import { someFlows, someReadings, sourceOf } from './some-data.ts'

const pool = new WorkerPool(1)
const DAY = 86_400
const training = { flows: someFlows(1500), readings: someReadings(1500) }
const later = {
  flows: someFlows(600, { seed: 7, from: 2 * DAY }),
  readings: someReadings(600, { seed: 7, from: 2 * DAY }),
}
let bundles: readonly ModelBundle[]

beforeAll(async () => {
  const trained = await train(sourceOf(training.flows, training.readings), { model: 'both', workers: 1 })
  bundles = trained.bundles.map((b) => bundleFromBuffer(bundleToBuffer(b), 'memory'))
}, 30_000)
afterAll(() => pool.close())

const strangers = () =>
  new Engine(
    bundles.map(({ past: _, ...bundle }) => bundle),
    { pool },
  )

describe.each(['flows', 'readings'] as const)('what training knew of devices: %s', (kind) => {
  it('detection of what comes later goes on from it', async () => {
    const engine = new Engine(bundles, { pool })
    const onward = strangers()
    await onward.score(training[kind], 'training')
    // Asking first changes nothing, also about the past.
    await engine.peek(training[kind], 'training')
    const asked = await engine.peek(later[kind], 'later')
    const { combined, X } = await onward.score(later[kind], 'later')
    expect(asked.X.data).toEqual(X.data)
    expect((await engine.score(later[kind], 'later')).combined).toEqual(combined)
    const fresh = await strangers().score(later[kind], 'later')
    expect(fresh.combined).not.toEqual(combined)
  })

  it('what begins before its end is met without it', async () => {
    const engine = new Engine(bundles, { pool })
    const { combined } = await strangers().score(training[kind], 'again')
    expect((await engine.peek(training[kind], 'again')).X.data).toEqual(
      (await strangers().peek(training[kind], 'again')).X.data,
    )
    expect((await engine.score(training[kind], 'again')).combined).toEqual(combined)
  })

  it('is not kept of rows that were not learned from', async () => {
    const { bundles: halves } = await train(sourceOf(training[kind]), {
      model: 'isolation-forest',
      workers: 1,
      first: 0.5,
    })
    expect(halves[0]!.past).toBeUndefined()
  })

  it('keeps within its bound the devices seen last, and counts the others', () => {
    const stages = new Stages(undefined)
    stages.prepare(training[kind])
    stages.prepare(later[kind])
    const all = pastOf(kind, stages)!
    expect(all).toMatchObject({ devices: kind === 'flows' ? 4 : 3, leftOut: 0 })
    const most = all.features.length >> 1
    const some = pastOf(kind, stages, most)!
    expect(some.features.length).toBeLessThan(most + 1000)
    expect(some.devices + some.leftOut).toBe(all.devices)
    expect(some.until).toBe(all.until)
    const other = new Stages(undefined)
    startFrom(kind, some, other)
    expect([...other[kind].acquaintances()]).toHaveLength(some.devices)
  })

  it('tells damage', () => {
    const past = bundles.find((b) => b.kind === kind)!.past!
    const stages = new Stages(undefined)
    expect(() => startFrom(kind, { ...past, features: past.features.slice(1) }, stages)).toThrow(
      'train again',
    )
    if (kind === 'flows') {
      const places = new TextEncoder().encode('{"names":[1]}')
      expect(() => startFrom(kind, { ...past, places }, stages)).toThrow('train again')
    }
  })
})

it('an input that begins before the end of training and goes on after it is told that it begins among strangers', async () => {
  const notesOf = async (...batches: Parameters<typeof sourceOf>) => {
    const report = new ReadReport('some data')
    const source = sourceOf(...batches)
    const batchesWithReport = (reports: ReadReport[]) => {
      reports.push(report)
      return source.batches([])
    }
    const run = detect({ name: source.name, batches: batchesWithReport }, bundles, { workers: 1 })
    for (;;) if ((await run.next()).done) return report.notes.join('; ')
  }
  expect(await notesOf(training.flows, later.flows)).toContain('give the later part alone')
  expect(await notesOf(training.flows)).toBe('')
  expect(await notesOf(later.flows)).toBe('')
})
