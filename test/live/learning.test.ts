import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Knowledge } from '../../src/live/knowledge.ts'
import { Learning } from '../../src/live/learning.ts'
import { choose, isReplaceable, keepLesson, OWN, SAMPLE } from '../../src/live/own-models.ts'
import { train } from '../../src/pipeline.ts'
import { type Batch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'
import { sampleDevices } from '../../src/simulate/bundled-sample.ts'
import { JobRows } from '../../src/store/jobs.ts'
import { bundleToBuffer, type ModelBundle } from '../../src/store/model-bundle.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { someReadings, sourceOf } from '../pipeline/some-data.ts'

const START = 1_767_571_200

/** A reading of each device each `every` seconds. */
function readings(devices: readonly string[], { from = 0, hours = 24, every = 60, metrics = ['co2'] } = {}) {
  const builder = new ReadingBatchBuilder(devices.length * Math.ceil((hours * 3600) / every))
  for (let t = 0; t < hours * 3600; t += every) {
    for (const [d, device] of devices.entries()) {
      const values = metrics.map((name, m) => [name, d + 10 * m + Math.sin(t * (m + 1))])
      builder.add({ ts: START + from * 3600 + t, device, metrics: Object.fromEntries(values) })
    }
  }
  return builder.finish()
}

const allStrange = ({ length }: Batch) => new Uint8Array(length).fill(1)

describe('learning', () => {
  let folder: string
  let store: Store
  let bundle: ModelBundle

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'learning-'))
    store = await openStore(join(folder, 'test.db'))
    bundle ??= (await train(sourceOf(someReadings(600)), { model: 'isolation-forest', workers: 1 }))
      .bundles[0]!
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  async function activate(origin: string): Promise<number> {
    const { id } = await store.models.add(new Uint8Array(bundleToBuffer(bundle)), origin)
    await store.models.activate(id)
    return id
  }
  const load = async () =>
    Learning.load(
      store,
      (await store.models.list()).filter(({ active }) => active === 1),
    )
  const save = (learning: Learning) => store.transaction((tx) => learning.save(tx, store))
  const jobs = async () =>
    (await new JobRows(store).list({}, 10)).map(({ kind, created_by, params }) => ({
      kind,
      created_by,
      params,
    }))

  it('begins when there are a thousand records in a day, once, as a job that everybody sees', async () => {
    await activate(SAMPLE)
    const learning = await load()
    expect([...learning.bySample]).toEqual(['readings'])
    const few = readings(['a'], { hours: 25, every: 120 })
    learning.add(few, allStrange(few), 0)
    expect(await save(learning)).toEqual([])
    expect(await learning.progress(store)).toEqual([
      {
        kind: 'readings',
        state: 'gathering',
        devices: 1,
        records: 750,
        records_needed: 1000,
        hours: 25,
        hours_needed: 24,
      },
    ])
    const more = readings(['b'], { hours: 9, every: 120 })
    learning.add(more, allStrange(more), 0)
    expect(await save(learning)).toEqual([{ kind: 'readings', job: 1 }])
    expect(await jobs()).toEqual([{ kind: 'learn', created_by: 'motewatch', params: { kind: 'readings' } }])
    expect(await learning.progress(store)).toMatchObject([{ state: 'learning', devices: 2 }])
    expect(await save(learning)).toEqual([])
  })

  it('waits for a whole day, however many records there are, and whatever one clock says', async () => {
    await activate(SAMPLE)
    const learning = await load()
    const many = readings(['a', 'b', 'c'], { hours: 20, every: 10 })
    learning.add(many, allStrange(many), 0)
    // A device that has not asked for the time yet.
    const odd = readings(['d'], { from: -400_000, hours: 1 })
    learning.add(odd, allStrange(odd), 0)
    expect(await save(learning)).toEqual([])
    expect(await learning.progress(store)).toMatchObject([{ hours: 21, state: 'gathering' }])
  })

  it('goes on where it was saved, and tries again with twice as much when a job has not led to a model', async () => {
    await activate(SAMPLE)
    const day = readings(['a', 'b'])
    const first = await load()
    first.add(day, allStrange(day), 0)
    await save(first)
    const second = await load()
    expect(await second.progress(store)).toMatchObject([
      { records: 2880, records_needed: 2000, hours_needed: 48 },
    ])
    await new JobRows(store).requestCancel(1)
    expect(await save(second)).toEqual([])
    const next = readings(['a', 'b'], { from: 24 })
    second.add(next, allStrange(next), 0)
    expect(await save(second)).toEqual([{ kind: 'readings', job: 2 }])
  })

  it('leaves a model that a person made or chose', async () => {
    const sample = await activate(SAMPLE)
    expect(await isReplaceable(store, 'readings', await store.models.active('readings'))).toBe(true)
    await choose(store, (await store.models.get(sample))!)
    expect(await isReplaceable(store, 'readings', await store.models.active('readings'))).toBe(false)
    expect([...(await load()).bySample]).toEqual([])
    await activate('upload')
    const learning = await load()
    const days = readings(['a', 'b'], { hours: 100 })
    learning.add(days, allStrange(days), 0)
    expect(await save(learning)).toEqual([])
    expect(await learning.progress(store)).toMatchObject([{ kind: 'readings', state: 'off', devices: 2 }])
  })

  it('learns again from four times as many hours, and when new devices have been there for a day', async () => {
    const model = await activate(OWN)
    await keepLesson(store, 'readings', { model, hours: 24, devices: ['a'] })
    const known = readings(['a'], { from: 24, hours: 71, every: 600 })
    const learning = await load()
    learning.add(known, undefined, 0)
    expect(await save(learning)).toEqual([])
    const last = readings(['a'], { from: 95, hours: 1, every: 600 })
    learning.add(last, undefined, 0)
    expect(await save(learning)).toEqual([{ kind: 'readings', job: 1 }])

    await new JobRows(store).requestCancel(1)
    const other = await activate(OWN)
    await keepLesson(store, 'readings', { model: other, hours: 96, devices: ['a'] })
    const again = await load()
    const both = readings(['a', 'b'], { from: 96, hours: 24 })
    again.add(both, undefined, 0)
    expect(await again.progress(store)).toMatchObject([{ devices: 1, records: 1440, hours: 24 }])
    expect(await save(again)).toEqual([{ kind: 'readings', job: 2 }])
  })
})

describe('a wall of alarms', () => {
  it('of readings is learned from after a day', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'learning-'))
    const store = await openStore(join(folder, 'test.db'))
    const { bundles } = await train(sourceOf(someReadings(600)), { model: 'isolation-forest', workers: 1 })
    const { id } = await store.models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), OWN)
    const model = (await store.models.activate(id))!
    await keepLesson(store, 'readings', { model: id, hours: 24, devices: ['a'] })
    const learning = await Learning.load(store, [model])
    const save = () => store.transaction((tx) => learning.save(tx, store))
    // A twentieth is too much, less is what a broken sensor may take; each day counts by itself.
    for (const [day, told, jobs] of [
      [1, 70, 0],
      [2, 75, 0],
      [3, 0, 1],
    ] as const) {
      for (let hour = 0; hour < 24; hour++) {
        learning.add(readings(['a'], { from: 24 * day + hour, hours: 1 }), undefined, hour === 0 ? told : 0)
      }
      expect(await save()).toHaveLength(jobs)
    }
    await store.close()
    await rm(folder, { recursive: true })
  })
})

describe('knowledge', () => {
  it('of the sample ends at its devices', () => {
    const { knows } = new Knowledge([], new Set(['flows', 'readings']))
    expect(sampleDevices().has('thermostat-1')).toBe(true)
    expect(knows('readings', 'thermostat-1', ['temperature'])).toBe(true)
    expect(knows('readings', 'boiler-1', ['temperature'])).toBe(false)
    expect(knows('flows', [...sampleDevices()].find((name) => name.includes(':'))!, [])).toBe(true)
    expect(knows('flows', '192.168.1.5', [])).toBe(false)
  })

  it('of another model reaches to devices that send what one of its own does', async () => {
    const source = sourceOf(readings(['a'], { metrics: ['x'] }), readings(['b'], { metrics: ['x', 'y'] }))
    const { bundles } = await train(source, { model: 'isolation-forest', workers: 1 })
    const { knows } = new Knowledge(bundles, new Set())
    expect(knows('readings', 'a', ['x', 'z'])).toBe(true)
    expect(knows('readings', 'new', ['x'])).toBe(true)
    expect(knows('readings', 'new', ['y', 'x', 'z'])).toBe(true)
    expect(knows('readings', 'new', ['y'])).toBe(false)
    expect(knows('readings', 'new', ['z'])).toBe(false)
    expect(knows('flows', '192.168.1.5', [])).toBe(true)
  })
})
