import { afterAll, beforeAll, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { SAMPLE } from '../../src/live/own-models.ts'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer } from '../../src/store/model-bundle.ts'
import { someReadings, sourceOf } from '../pipeline/some-data.ts'
import { type Running, running } from './running.ts'

const START = Date.UTC(2026, 0, 5)
const random = new Random(4)
let api: Running

beforeAll(async () => {
  api = await running()
  const { models } = api.service.store
  const { bundles } = await train(sourceOf(someReadings(1500)), { model: 'isolation-forest', workers: 1 })
  const { id } = await models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), SAMPLE)
  await models.activate(id)
}, 30_000)
afterAll(() => api.stop())

/** Readings of devices that no model knows, one every four minutes. */
function fleet(from: number, hours: number, celsius = 22): string {
  const lines: string[] = []
  for (let minute = from * 60; minute < (from + hours) * 60; minute += 4) {
    for (const id of ['freezer', 'oven', 'shelf']) {
      const timestamp = new Date(START + minute * 60_000).toISOString()
      lines.push(JSON.stringify({ id, timestamp, temperature: celsius + random.normal() }))
    }
  }
  return lines.join('\n')
}

async function send(lines: string): Promise<void> {
  const answer = await api.ask('POST', '/api/v1/data', lines, { 'content-type': 'application/x-ndjson' })
  expect(answer).toMatchObject({ status: 200, body: { rejected: 0 } })
}

const status = async () => (await api.ask('GET', '/api/v1/status')).body
const total = async () => (await api.ask('GET', '/api/v1/statistics')).body.anomalies.total
const baseline = async (name: string) => (await api.ask('GET', `/api/v1/devices/${name}`)).body.baseline
const patience = { timeout: 25_000, interval: 100 }

it('devices of their own are no anomalies but learned, and judged from then on', async () => {
  await send(fleet(0, 24))
  await expect
    .poll(async () => (await status()).models, patience)
    .toMatchObject([{ kind: 'readings', id: 2 }])
  const { body: jobs } = await api.ask('GET', '/api/v1/jobs')
  expect(jobs.items).toMatchObject([{ kind: 'learn', created_by: 'motewatch', state: 'done' }])
  const { body: model } = await api.ask('GET', '/api/v1/models/2')
  expect(model).toMatchObject({ origin: 'own', active: true, card: { devices: 3, rows: { seen: 1080 } } })
  expect(await total()).toBe(0)

  await expect.poll(() => baseline('oven'), patience).toEqual({ state: 'known', left: 0 })
  await send(fleet(24, 1))
  await send(fleet(25, 0.1, 80))
  await expect.poll(total, patience).toBeGreaterThan(2)
  expect(await total()).toBeLessThan(15)
  expect((await status()).learning).toEqual([])
}, 60_000)

it('a device of another make waits until it is learned too, and a model that a person chose stays', async () => {
  const before = await total()
  const lines = Array.from({ length: 50 }, (_, i) =>
    JSON.stringify({ id: 'meter', timestamp: new Date(START + 1e8 + i * 60_000), power: 100 + i }),
  )
  await send(lines.join('\n'))
  await expect.poll(() => baseline('meter'), patience).toEqual({ state: 'learning', left: null })
  expect((await status()).learning).toMatchObject([{ state: 'gathering', devices: 1, records: 50 }])
  expect(await total()).toBe(before)
  await api.ask('POST', '/api/v1/models/2/activate')
  expect((await status()).learning).toMatchObject([{ state: 'off' }])
}, 40_000)
