import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Upload } from '../../src/jobs/uploads.ts'
import type { StoredAnomaly } from '../../src/store/anomalies.ts'
import { JobRows } from '../../src/store/jobs.ts'
import { type Bench, finished, openBench, simulated } from './service.ts'

let bench: Bench
/** Files full of anomalies: one that takes seconds to score, and one that nobody waits for. */
let long: string
let endless: string
const children: ChildProcess[] = []

beforeAll(async () => {
  bench = await openBench()
  const { flows } = await simulated(bench.folder)
  const lines = readFileSync(flows, 'utf8')
  long = join(bench.folder, 'long.log')
  const rows = lines.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const head = lines.split('\n').filter((line) => line.startsWith('#') && !line.startsWith('#close'))
  endless = join(bench.folder, 'endless.log')
  const text = `${rows.join('\n')}\n`
  writeFileSync(long, `${head.join('\n')}\n${text.repeat(8)}`)
  writeFileSync(endless, `${head.join('\n')}\n${text.repeat(60)}`)
  await bench.jobs.start()
  const upload = await bench.upload(flows, 'week.log')
  const { id } = await bench.jobs.add('train', { upload, benign: true, first: 0.6 }, 'anna')
  expect(await finished(bench.jobs, id)).toMatchObject({ state: 'done' })
  await bench.jobs.stop()
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await bench.close()
})

/** Another process that runs jobs on the same database. */
async function otherProcess(): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'runner.ts'), bench.store.database.url, bench.folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  await once(child.stdout!, 'data')
  return child
}

const stored = (id: number): Promise<StoredAnomaly[]> =>
  bench.store.db
    .selectFrom('anomalies')
    .selectAll()
    .where('origin', '=', `job:${id}`)
    .orderBy('uid')
    .execute()

/** Adds a detection and waits until it has stored something, in whichever process. */
async function begun(upload: Upload): Promise<number> {
  const params = { upload, store: true }
  const place = await bench.jobs.uploads.place()
  const { id } = await new JobRows(bench.store).add('detect-file', params, 'anna', undefined, place)
  await expect
    .poll(async () => (await stored(id)).length, { timeout: 20_000, interval: 5 })
    .toBeGreaterThan(0)
  expect(
    (await bench.store.db.selectFrom('jobs').select('state').where('id', '=', id).execute())[0]!.state,
  ).toBe('running')
  return id
}

/** What a detection has found: everything but its own number and times. */
function content(rows: readonly StoredAnomaly[]) {
  return rows.map(({ uid, type, confidence, device_id, ts, description }) => ({
    record: uid.replace(/^job:\d+:/, ''),
    type,
    confidence,
    device_id,
    ts,
    description,
  }))
}

describe('a job whose process ends', () => {
  it('by kill -9 is taken up by the next one, and its results are those of an undisturbed run', async () => {
    const child = await otherProcess()
    const id = await begun(await bench.upload(long, 'long.log'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const half = (await stored(id)).length

    const next = await openBench(bench.folder)
    await next.jobs.start()
    const job = await finished(next.jobs, id)
    expect(job).toMatchObject({ state: 'done', attempts: 2, error: null })
    const rows = await stored(id)
    expect(rows.length).toBeGreaterThan(half)
    const incidents = await bench.store.incidents.list({ origin: `job:${id}` }, 1000)
    expect(
      rows.every(({ incident_id }) => incidents.items.some((incident) => incident.id === incident_id)),
    ).toBe(true)

    // The same without a disturbance, once what was found is forgotten.
    await bench.store.db.deleteFrom('anomalies').execute()
    await bench.store.db.deleteFrom('incidents').execute()
    const again = await next.jobs.add('detect-file', { upload: await next.upload(long, 'long.log') }, 'anna')
    expect((await finished(next.jobs, again.id)).attempts).toBe(1)
    expect(content(rows)).toEqual(content(await stored(again.id)))
    expect(incidents.items).toHaveLength(
      (await bench.store.incidents.list({ origin: `job:${again.id}` }, 1000)).items.length,
    )
    expect(next.errors).toEqual([])
    await next.close()
  })

  it('in order goes back to the queue as if it had not begun', async () => {
    await bench.store.db.deleteFrom('anomalies').execute()
    const child = await otherProcess()
    const upload = await bench.upload(endless, 'endless.log')
    const id = await begun(upload)
    child.kill('SIGTERM')
    await once(child, 'exit')
    const rows = new JobRows(bench.store)
    expect(await rows.get(id)).toMatchObject({ state: 'queued', attempts: 0, owner: null })
    expect(existsSync(bench.jobs.uploads.path(upload))).toBe(true)
    expect(await rows.requestCancel(id)).toMatchObject({ state: 'cancelled' })
  })

  it('and that was given to another one writes nothing more', async () => {
    await bench.store.db.deleteFrom('anomalies').execute()
    const first = await openBench(bench.folder)
    await first.jobs.start()
    const id = await begun(await bench.upload(endless, 'endless.log'))
    // The other one takes it for dead while it lives.
    const rows = new JobRows(bench.store)
    const { owner } = (await rows.get(id))!
    await rows.disown(owner!)
    const [stale, place] = [Date.now() / 1000 - 20, await first.jobs.uploads.place()]
    expect(await rows.claim('elsewhere/1/x', ['detect-file'], stale, 'another folder')).toBeUndefined()
    const taken = await rows.claim('other/1/x', ['detect-file'], stale, place)
    expect(taken).toMatchObject({ id, attempts: 2, owner: 'other/1/x' })
    await expect(rows.done(id, owner!, async () => ({}))).rejects.toThrow('no longer')
    // It notices, gives up, and can work at something else.
    const other = await first.jobs.add('train', { stored: { devices: ['nobody'] } }, 'anna')
    expect(await finished(first.jobs, other.id)).toMatchObject({ state: 'failed' })
    expect(await rows.get(id)).toMatchObject({ state: 'running', owner: 'other/1/x' })
    await rows.release(id, 'other/1/x')
    await rows.requestCancel(id)
    expect(first.errors).toEqual([])
    await first.close()
  })

  it('again and again has failed', async () => {
    const rows = new JobRows(bench.store)
    const { id } = await rows.add('detect', {}, 'anna')
    for (let i = 0; i < 3; i++) {
      expect(await rows.claim(`gone/${i}/x`, ['detect'], Date.now() / 1000 - 20)).toMatchObject({ id })
      await rows.disown(`gone/${i}/x`)
    }
    const next = await openBench(bench.folder)
    await next.jobs.start()
    const job = await finished(next.jobs, id)
    expect(job).toMatchObject({ state: 'failed' })
    expect(job.error!.message).toContain('ended 3 times')
    await next.close()
  })
})

describe('a job that is cancelled', () => {
  it('takes back what it had stored and removes its file', async () => {
    await bench.store.db.deleteFrom('anomalies').execute()
    const next = await openBench(bench.folder)
    await next.jobs.start()
    const upload = await bench.upload(endless, 'endless.log')
    const id = await begun(upload)
    await next.jobs.cancel(id)
    expect(await finished(next.jobs, id)).toMatchObject({ state: 'cancelled', result: null })
    expect(await stored(id)).toEqual([])
    await expect.poll(() => existsSync(bench.jobs.uploads.path(upload))).toBe(false)
    expect(await next.jobs.cancel(id)).toMatchObject({ state: 'cancelled' })
    expect(next.errors).toEqual([])
    await next.close()
  })
})
