import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withoutTold } from '../../src/jobs/told.ts'
import type { AnomalyType } from '../../src/schema/anomaly.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { type Batch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { anomaly, incident } from '../api/seed.ts'

const T = 1_767_571_200
let folder: string
let store: Store

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'told-'))
  store = await openStore(join(folder, 'test.db'))
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

/** A device that has sent a hundred readings or flows, with anomalies at these seconds. */
async function device(name: string, type: AnomalyType, at: readonly number[]): Promise<void> {
  const id = (await store.devices.ensure([name])).get(name)!
  await store.devices.seen([{ id, first: T, last: T + 99, readings: 100 }])
  await store.anomalies.insert(
    at.map((s) => ({
      uid: `live:${name}:${s}`,
      deviceId: id,
      incidentId: null,
      origin: 'live',
      anomaly: anomaly(name, T + s, { type }),
    })),
  )
}

function readings(name: string): Batch {
  const builder = new ReadingBatchBuilder(100)
  for (let s = 0; s < 100; s++) builder.add({ ts: T + s, device: name, metrics: { temperature: s } })
  return builder.finish()
}

const usable = async (mayBeWrong = true) =>
  withoutTold(store, await store.devices.all(), () => mayBeWrong, undefined)
const seconds = ({ ts }: Batch) => Array.from(ts, (t) => t - T)

it('leaves out what was told of a device, not what people expected, nor what is of another one', async () => {
  await device('a', 'stuck', [3, 4, 5])
  await device('b', 'spike', [7])
  const { items } = await store.anomalies.list({}, 10)
  const expected = items.find(({ ts }) => ts === T + 4)!
  await store.db
    .updateTable('anomalies')
    .set({ feedback: 'expected' })
    .where('id', '=', expected.id)
    .execute()
  const kept = seconds((await usable())(readings('a')))
  expect(kept).toHaveLength(98)
  expect(kept).toContain(4)
  expect(kept).toContain(7)
})

it('learns a device anew of which much is told, but for attacks', async () => {
  const many = Array.from({ length: 30 }, (_, s) => s)
  await device('moved', 'drift', many)
  await device('02:00:00:00:00:01', 'port scan', many)
  const leave = await usable()
  expect(leave(readings('moved'))).toHaveLength(100)
  expect((await usable(false))(readings('moved'))).toHaveLength(70)
  expect(seconds(leave(readings('02:00:00:00:00:01')))[0]).toBe(30)
})

it('leaves out all the time of an attack of which not every flow is stored', async () => {
  await device('192.168.1.5', 'port scan', [])
  const scan = incident(anomaly('192.168.1.5', T + 10, { type: 'port scan' }))
  await store.incidents.upsert([
    { uid: 'live:1', origin: 'live', incident: { ...scan, count: 5000, last: T + 19 } },
  ])
  const builder = new FlowBatchBuilder(60)
  for (let s = 0; s < 30; s++) {
    for (const orig_h of ['192.168.1.5', '192.168.1.6']) {
      builder.add({ ts: T + s, orig_h, orig_p: 40_000, resp_h: '198.51.100.9', resp_p: 80, proto: 6 })
    }
  }
  const kept = (await usable())(builder.finish())
  expect(kept.length).toBe(50)
  expect(seconds(kept).filter((s) => s === 15)).toHaveLength(1)
})
