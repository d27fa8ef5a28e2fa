import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Follower } from '../../src/live/follower.ts'
import { Lease } from '../../src/live/lease.ts'
import { Engine } from '../../src/pipeline/engine.ts'
import { pickRows } from '../../src/pipeline/rows.ts'
import { train } from '../../src/pipeline.ts'
import type { ReadingBatch } from '../../src/schema/reading-batch.ts'
import { bundleToBuffer, type ModelBundle } from '../../src/store/model-bundle.ts'
import { SharedModels } from '../../src/store/shared-models.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { someReadings, sourceOf } from '../pipeline/some-data.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const readings = someReadings(1500, { seed: 2, faults: true })
const PARTS = 30
let bundles: readonly ModelBundle[]
let expected: { record: number; type: string; confidence: number }[]
let folder: string
let store: Store
let url: string

function partOf(batch: ReadingBatch, k: number): ReadingBatch {
  const from = Math.floor((k * batch.length) / PARTS)
  const to = Math.floor(((k + 1) * batch.length) / PARTS)
  return pickRows(
    batch,
    Uint32Array.from({ length: to - from }, (_, i) => from + i),
  )
}

beforeAll(async () => {
  bundles = (await train(sourceOf(someReadings(1500)), { model: 'both', workers: 1 })).bundles
  const engine = new Engine(bundles)
  expected = []
  for (let k = 0; k < PARTS; k++) {
    const { anomalies } = await engine.process(partOf(readings, k), 'api')
    for (const { record, type, confidence } of anomalies) expected.push({ record, type, confidence })
  }
  await engine.close()
  folder = await mkdtemp(join(tmpdir(), 'follower-'))
}, 30_000)

afterAll(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

async function freshStore(name: string): Promise<void> {
  await store?.close()
  url = join(folder, name)
  store = await openStore(url)
  for (const bundle of bundles) {
    const { id } = await store.models.add(new Uint8Array(bundleToBuffer(bundle)), 'test')
    await store.models.activate(id)
  }
}

async function found(): Promise<typeof expected> {
  const { items } = await store.anomalies.list({}, 10_000)
  const anomalies = items.map(({ detail_json }) => JSON.parse(detail_json) as (typeof expected)[number])
  return anomalies
    .map(({ record, type, confidence }) => ({ record, type, confidence }))
    .sort((a, b) => a.record - b.record)
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await done()); i++) {
    if (i > 300) throw new Error('nothing came in 15 s')
    await sleep(50)
  }
}

const scored = async () => (await store.journal.backlog(0)).entries === 0

it('tells what an engine tells that is given the same records, with incidents, devices and events', async () => {
  await freshStore('whole.db')
  const follower = new Follower({ url, models: new SharedModels(store.models) }, quiet)
  follower.start()
  for (let k = 0; k < PARTS; k++) await store.journal.append('api', partOf(readings, k))
  await until(async () => (await found()).length >= expected.length)
  await follower.stop()
  expect(expected.length).toBeGreaterThan(20)
  expect(await found()).toEqual(expected)
  expect(await scored()).toBe(true)
  const { items: anomalies } = await store.anomalies.list({}, 10_000)
  expect(anomalies.every(({ incident_id }) => incident_id !== null)).toBe(true)
  const events = await store.events.after(0, 10_000)
  expect(events.filter(({ type }) => type === 'anomaly')).toHaveLength(expected.length)
  expect(events.some(({ type }) => type === 'device')).toBe(true)
  const { items: devices } = await store.devices.list()
  expect(devices.map(({ learning }) => learning)).not.toContain(null)
}, 30_000)

it('a thread that is stopped dead again and again finds the same, nothing twice', async () => {
  await freshStore('killed.db')
  for (let k = 0; k < PARTS; k++) await store.journal.append('api', partOf(readings, k))
  const task = new URL('../../src/live/follower-task.ts', import.meta.url)
  for (let round = 0; round < 6; round++) {
    const models = new SharedModels(store.models).port()
    const worker = new Worker(task, { workerData: { url, models }, transferList: [models], execArgv: [] })
    await sleep(250 + 60 * round)
    await worker.terminate()
    // The process lives, so that its lease would hold for a while.
    await store.meta.set('lease live', { owner: '', until: 0 })
  }
  const follower = new Follower({ url, models: new SharedModels(store.models) }, quiet)
  follower.start()
  await until(scored).catch(() => {})
  await follower.stop()
  expect(await scored()).toBe(true)
  expect(await found()).toEqual(expected)
  const incidents = (await store.incidents.list({}, 1000)).items
  expect(incidents.reduce((sum, { count }) => sum + count, 0)).toBe(expected.length)
}, 60_000)

it('one of two may do the work, and the other takes it up', async () => {
  await freshStore('lease.db')
  const [a, b] = [new Lease(store, 'work'), new Lease(store, 'work')]
  expect(await a.hold()).toBe(true)
  expect(await b.hold()).toBe(false)
  await expect(store.transaction((tx) => b.check(tx))).rejects.toThrow(/another process/)
  await store.transaction((tx) => a.check(tx))
  await a.release()
  expect(await b.hold()).toBe(true)
  await expect(store.transaction((tx) => a.check(tx))).rejects.toThrow(/another process/)
})
