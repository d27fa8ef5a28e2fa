import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readReadings } from '../../src/adapters/read.ts'
import { Intake } from '../../src/live/intake/intake.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import { openStore } from '../../src/store/store.ts'
import { type Bench, finished, openBench, simulated } from './service.ts'

let bench: Bench
let sample: { flows: string; readings: string }

beforeAll(async () => {
  bench = await openBench()
  sample = await simulated(bench.folder)
  await bench.jobs.start()
})

afterAll(async () => {
  expect(bench.errors).toEqual([])
  await bench.close()
})

describe('train and detect-file', () => {
  it('learns from a file and makes the model the active one', async () => {
    const upload = await bench.upload(sample.flows, '../etc/week.log')
    expect(upload.name).toBe('week.log')
    const { id } = await bench.jobs.add('train', { upload, benign: true, first: 0.6 }, 'anna')
    const job = await finished(bench.jobs, id)
    expect(job).toMatchObject({ state: 'done', progress: 1, created_by: 'anna', attempts: 1, error: null })
    const [model] = await bench.store.models.list()
    expect(job.result).toMatchObject({
      models: [{ id: model!.id, kind: 'flows', active: true }],
      sources: [{ source: 'week.log', rejected: 0 }],
    })
    expect(model).toMatchObject({ active: 1, origin: `job:${id}` })
    expect(model!.card.sources).toEqual(['week.log'])
    await expect.poll(() => readdirSync(join(bench.folder, 'uploads'))).toEqual([])
  })

  it('finds what is wrong in a file, stores it once and tells it', async () => {
    const before = await bench.store.events.last()
    const upload = await bench.upload(sample.flows, 'today.log')
    const { id } = await bench.jobs.add('detect-file', { upload }, 'anna')
    const job = await finished(bench.jobs, id)
    expect(job.error).toBeNull()
    const result = job.result as { anomalies: number; stored: { anomalies: number; incidents: number } }
    expect(result.anomalies).toBeGreaterThan(10)
    expect(result.stored).toMatchObject({ anomalies: result.anomalies, known: 0, left_out: 0 })
    const { items } = await bench.store.anomalies.list({ origin: `job:${id}` }, 100_000)
    expect(items).toHaveLength(result.anomalies)
    const incidents = await bench.store.incidents.list({}, 1000)
    expect(incidents.items).toHaveLength(result.stored.incidents)
    expect(incidents.items.map(({ type }) => type)).toContain('brute force')
    const ids = new Set(incidents.items.map((incident) => incident.id))
    expect(items.every(({ incident_id }) => ids.has(incident_id!))).toBe(true)
    expect(items.every(({ detail_json }) => JSON.parse(detail_json).source === 'today.log')).toBe(true)
    const events = await bench.store.events.after(before, 10_000)
    expect(events.filter(({ type }) => type === 'anomaly')).toHaveLength(Math.min(1000, items.length))
    expect(events.filter(({ type }) => type === 'incident')).toHaveLength(incidents.items.length)
    expect(events.at(-1)).toMatchObject({ type: 'job' })
    expect(JSON.parse(events.at(-1)!.data_json)).toMatchObject({ id, state: 'done' })

    const again = await bench.upload(sample.flows, 'the-same.log')
    const second = await bench.jobs.add('detect-file', { upload: again }, 'anna')
    expect((await finished(bench.jobs, second.id)).result).toMatchObject({
      anomalies: result.anomalies,
      stored: { anomalies: 0, incidents: 0, known: result.anomalies },
    })
  })

  it('tells what is wrong with a file, under its own name', async () => {
    const path = join(bench.folder, 'page.html')
    writeFileSync(path, '<!doctype html><html></html>')
    const upload = await bench.upload(path, 'page.html')
    const { id } = await bench.jobs.add('detect-file', { upload }, 'anna')
    const job = await finished(bench.jobs, id)
    expect(job).toMatchObject({ state: 'failed', result: null, error: { type: 'InputError' } })
    expect(job.error!.message).toContain('page.html')
    expect(job.error!.message).not.toContain(upload.file)
    await expect.poll(() => existsSync(bench.jobs.uploads.path(upload))).toBe(false)
  })

  it('refuses parameters that the kind does not have, with their place', async () => {
    const wrong = bench.jobs.add('train', { contamination: 2 } as never, 'anna')
    await expect(wrong).rejects.toMatchObject({ issues: [{ path: ['contamination'] }] })
  })
})

describe('jobs on stored data', () => {
  /** Puts the readings of the sample in the store, as live data comes. */
  async function takeIn() {
    const intake = await Intake.start(bench.store.database.url)
    const { length, device, ts, metrics } = await readReadings(sample.readings)
    const records = Array.from({ length }, (_, i) => ({
      id: stringAt(device, i),
      timestamp: ts[i],
      ...Object.fromEntries([...metrics].flatMap(([name, c]) => (Number.isNaN(c[i]) ? [] : [[name, c[i]]]))),
    }))
    const result = await intake.write('readings', records, 'test')
    await intake.close()
    expect(result).toMatchObject({ read: length, accepted: length, rejected: 0 })
    return length
  }

  it('learn from it, judge it once, and choose devices and times', async () => {
    const n = await takeIn()
    const learned = await bench.jobs.add(
      'train',
      { stored: { kinds: ['readings'] }, first: 0.6, name: 'sensors', model: 'isolation-forest' },
      'anna',
    )
    const trained = await finished(bench.jobs, learned.id)
    expect(trained.error).toBeNull()
    expect(trained.result).toMatchObject({
      models: [{ kind: 'readings', name: 'sensors', active: true }],
      sources: [{ source: 'stored readings', read: n, used: n }],
    })

    const stored = { kinds: ['readings' as const] }
    const all = await finished(bench.jobs, (await bench.jobs.add('detect', { stored }, 'anna')).id)
    expect(all.error).toBeNull()
    const result = all.result as { scored: number; anomalies: number; stored: { anomalies: number } }
    expect(result.scored).toBe(n)
    expect(result.stored.anomalies).toBe(result.anomalies)
    expect(result.anomalies).toBeGreaterThan(0)
    const again = await finished(bench.jobs, (await bench.jobs.add('detect', { stored }, 'anna')).id)
    expect(again.result).toMatchObject({ stored: { anomalies: 0, known: result.anomalies } })

    const [device] = (await bench.store.devices.list({ search: 'sensor' })).items
    const { readings, last_seen } = device!
    const some = await bench.jobs.add(
      'detect',
      { stored: { ...stored, devices: [device!.id], last: '60m' }, store: false },
      'anna',
    )
    const one = (await finished(bench.jobs, some.id)).result as { scored: number }
    expect(one.scored).toBeLessThan(readings)
    expect(one.scored).toBe(
      (
        await bench.store.readings.query(
          { deviceId: device!.id, from: last_seen! - 3600, to: last_seen! + 1 },
          { limit: 10_000 },
        )
      ).items.length,
    )
  })

  it('keep what they are told to keep', async () => {
    const before = await bench.store.db.selectFrom('events').selectAll().execute()
    await bench.store.db.updateTable('events').set({ at: 1 }).where('seq', '<=', before.at(-1)!.seq).execute()
    const later = await bench.jobs.add('retention', { history: 1 }, 'anna')
    expect(await finished(bench.jobs, later.id)).toMatchObject({
      result: { removed: { events: before.length } },
    })
  })

  it('write backups that can be opened, and keep the newest', async () => {
    const backup = async () => {
      const job = await finished(bench.jobs, (await bench.jobs.add('backup', { keep: 1 }, 'anna')).id)
      expect(job.error).toBeNull()
      return (job.result as { file: string }).file
    }
    const files = [await backup(), await backup()]
    expect(readdirSync(join(bench.folder, 'backups'))).toEqual(files.slice(1).map((file) => basename(file)))
    const copy = await openStore(join(bench.folder, files[1]!))
    expect((await copy.models.list()).length).toBe((await bench.store.models.list()).length)
    await copy.close()
  })
})
