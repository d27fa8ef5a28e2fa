import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nextRun, Schedules } from '../../src/jobs/schedules.ts'
import { AlertRows } from '../../src/store/alerts.ts'
import { JobLost, JobRows } from '../../src/store/jobs.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { postgresForTest, sqliteForTest, type TestDatabase } from './databases.ts'

const KINDS = ['train', 'detect']
const stale = () => Date.now() / 1000 - 20

/** The queue of jobs, schedules and alerts: what several processes share. */
function workContract(database: () => Promise<TestDatabase | undefined>) {
  let made: TestDatabase | undefined
  let store: Store
  let other: Store

  beforeAll(async () => {
    made = await database()
    if (!made) return
    store = await openStore(made.url)
    other = await openStore(made.url)
  })
  afterAll(async () => {
    await store?.close()
    await other?.close()
    made?.remove()
  })

  describe('jobs', () => {
    it('go to one of many that ask at once, the oldest first', async (test) => {
      if (!made) return test.skip()
      const rows = new JobRows(store)
      const added = []
      for (let n = 0; n < 20; n++) added.push((await rows.add('detect', { n }, 'anna')).id)
      const claims = await Promise.all(
        Array.from({ length: 30 }, (_, i) =>
          new JobRows(i % 2 ? store : other).claim(`p/${i}/x`, KINDS, stale()),
        ),
      )
      const taken = claims.flatMap((job) => (job ? [job.id] : []))
      // PostgreSQL passes over rows that others are just taking: whoever got none asks again.
      for (let job = await rows.claim('p/99/x', KINDS, stale()); job; ) {
        taken.push(job.id)
        job = await rows.claim('p/99/x', KINDS, stale())
      }
      expect(taken.toSorted((a, b) => a - b)).toEqual(added)
      expect(await rows.claim('p/1/x', ['backup'], stale())).toBeUndefined()
      for (const { id, owner } of await rows.list({ state: 'running' }, 100)) await rows.cancelled(id, owner!)
      expect(await rows.pending()).toBe(0)
    })

    it('go to those who have their files', async (test) => {
      if (!made) return test.skip()
      const rows = new JobRows(store)
      const { id } = await rows.add('train', {}, 'anna', undefined, 'folder a')
      for (const place of [null, 'folder b']) {
        expect(await rows.claim('b/1/x', KINDS, stale(), place)).toBeUndefined()
      }
      expect(await rows.claim('a/1/x', KINDS, stale(), 'folder a')).toMatchObject({ id })
      await rows.cancelled(id, 'a/1/x')
    })

    it('end once, with their last writes or without', async (test) => {
      if (!made) return test.skip()
      const rows = new JobRows(store)
      const { id } = await rows.add('train', {}, 'anna')
      await rows.claim('a/1/x', KINDS, stale())
      const failing = rows.done(id, 'a/1/x', async (tx) => {
        await tx.meta.set('written by the job', 1)
        throw new Error('no space')
      })
      await expect(failing).rejects.toThrow('no space')
      expect(await store.meta.get('written by the job')).toBeUndefined()
      expect(await rows.get(id)).toMatchObject({ state: 'running', owner: 'a/1/x' })
      await rows.done(id, 'a/1/x', async (tx) => {
        await tx.meta.set('written by the job', 2)
        return { models: 1 }
      })
      expect(await rows.get(id)).toMatchObject({ state: 'done', result: { models: 1 }, owner: null })
      await expect(rows.done(id, 'a/1/x', async () => ({}))).rejects.toThrow(JobLost)
      await expect(rows.fail(id, 'a/1/x', { type: 'Error', message: 'x' })).rejects.toThrow(JobLost)
      expect(await rows.requestCancel(id)).toMatchObject({ state: 'done' })
      const states = (await store.events.after(0, 10_000)).flatMap(({ type, data_json }) => {
        const data = JSON.parse(data_json)
        return type === 'job' && data.id === id ? [data.state] : []
      })
      expect(states).toEqual(['queued', 'running', 'done'])
    })

    it('tell their progress, and hear that they shall end', async (test) => {
      if (!made) return test.skip()
      const rows = new JobRows(store)
      const { id } = await rows.add('train', {}, 'anna')
      await rows.claim('a/1/x', KINDS, stale())
      expect(await rows.beat(id, 'a/1/x', { progress: 0.5, message: 'reading' }, true)).toBe(false)
      expect(await rows.requestCancel(id)).toMatchObject({ state: 'running', cancel_requested: true })
      expect(await rows.beat(id, 'a/1/x', { progress: 0.6, message: 'reading' }, false)).toBe(true)
      await expect(rows.beat(id, 'b/1/x', { progress: 0, message: '' }, false)).rejects.toThrow(JobLost)
      await rows.cancelled(id, 'a/1/x')
      expect(await rows.list({ kind: 'train', state: 'cancelled' }, 1)).toMatchObject([{ id, progress: 0.6 }])
      expect(await rows.list({ before: id }, 1)).toMatchObject([{ id: id - 1 }])
    })
  })

  describe('schedules', () => {
    it('begin each job once, and leave out a turn while the last one is at work', async (test) => {
      if (!made) return test.skip()
      const schedules = new Schedules(store)
      const [a, b] = [schedules, new Schedules(other)]
      const schedule = { name: 'hourly', kind: 'detect', cron: '0 * * * *', params: {}, enabled: true }
      const { id, next_run } = (await a.add(schedule, 'anna'))!
      expect(await a.add(schedule, 'anna')).toBeUndefined()
      const jobs = () => new JobRows(store).list({ kind: 'detect', state: 'queued' }, 100)
      const before = (await jobs()).length

      await Promise.all([a.run(next_run! - 1), b.run(next_run! - 1)])
      expect(await jobs()).toHaveLength(before)
      // Three hours late: one job.
      const now = next_run! + 3 * 3600
      await Promise.all([a.run(now), b.run(now), a.run(now), b.run(now)])
      const [job, ...rest] = await jobs()
      expect(rest).toHaveLength(before)
      expect(job).toMatchObject({ created_by: 'schedule hourly' })
      const after = await a.get(id)
      expect(after).toMatchObject({ last_job_id: job!.id, last_run: now, next_run: next_run! + 4 * 3600 })

      await a.run(now + 3600)
      expect(await jobs()).toHaveLength(before + 1)
      await new JobRows(store).requestCancel(job!.id)
      await a.change(id, { enabled: false })
      await a.run(now + 2 * 3600)
      expect(await jobs()).toHaveLength(before)
      expect(await a.remove(id)).toBe(true)
    })

    it('know when they come next', () => {
      const at = (time: string) => Date.parse(time) / 1000
      expect(nextRun('0 3 * * 1', at('2025-03-06T22:00:00Z'))).toBe(at('2025-03-10T03:00:00Z'))
      expect(nextRun('0 0 30 2 *', at('2025-03-06T22:00:00Z'))).toBeNull()
      expect(() => nextRun('* * * * * *', 0)).toThrow()
    })
  })

  describe('alerts', () => {
    it('are sent by one of many, and again when that one is gone', async (test) => {
      if (!made) return test.skip()
      const rows = new AlertRows(store.db)
      const rule = await rows.add({
        name: 'all',
        enabled: 1,
        match_json: '{}',
        limits_json: '{}',
        target_json: '{}',
        created_by: 'anna',
      })
      const ruleId = rule!.id
      for (let i = 1; i <= 5; i++)
        await rows.deliver({ ruleId, incidentId: i, state: 'pending', body: { i }, created: i })
      await rows.deliver({ ruleId, incidentId: 6, state: 'quiet', body: {}, created: 6 })
      const known = [...(await rows.dealtWith(ruleId, [1, 6, 7]))]
      expect(known).toEqual([
        [1, 'told'],
        [6, 'quiet'],
      ])
      expect(await rows.recent(ruleId)).toMatchObject({ heldBack: 1 })
      const until = Date.now() / 1000 + 0.5
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, i) => new AlertRows((i % 2 ? store : other).db).take(until)),
      )
      const ids = taken.flatMap((delivery) => (delivery ? [delivery.id] : []))
      for (let more = await rows.take(until); more; more = await rows.take(until)) ids.push(more.id)
      expect(new Set(ids).size).toBe(5)
      expect(ids).toHaveLength(5)
      await rows.delivered(ids[0]!)
      await rows.failed(ids[1]!, 'gone', undefined)
      await expect.poll(async () => (await rows.take(until + 60))?.attempts, { timeout: 3000 }).toBe(2)
      expect(await rows.remove(ruleId)).toBe(true)
      expect(await rows.deliveries(ruleId, 10)).toEqual([])
    })
  })
}

describe('on SQLite', () => workContract(sqliteForTest))
describe('on PostgreSQL', () => workContract(() => postgresForTest('work')))
