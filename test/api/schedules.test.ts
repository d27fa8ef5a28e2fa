import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'

let run: Running
const ask = (...args: Parameters<Running['ask']>) => run.ask(...args)

beforeAll(async () => {
  run = await running()
})
afterAll(() => run.stop())

const WEEKLY = {
  name: 'weekly',
  cron: '0 3 * * 1',
  job: { kind: 'train', params: { stored: { last: '28d' } } },
}

describe('/schedules', () => {
  it('keeps schedules and says when they come next', async () => {
    const nightly = (await ask('GET', '/api/v1/schedules')).body.items
    expect(nightly).toMatchObject([{ name: 'retention', job: { kind: 'retention' }, enabled: true }])
    const { status, body } = await ask('POST', '/api/v1/schedules', WEEKLY)
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...WEEKLY, job: { kind: 'train' }, enabled: true, last_run: null })
    const next = new Date(body.next_run)
    expect([next.getUTCDay(), next.getUTCHours(), next.getUTCMinutes()]).toEqual([1, 3, 0])
    expect(next.getTime()).toBeGreaterThan(Date.now())
    const changed = await ask('PATCH', `/api/v1/schedules/${body.id}`, {
      cron: '30 4 * * *',
      job: { kind: 'detect', params: { threshold: 0.9 } },
    })
    expect(changed.body).toMatchObject({
      name: 'weekly',
      job: { kind: 'detect', params: { threshold: 0.9, store: true } },
    })
    expect(new Date(changed.body.next_run).getUTCHours()).toBe(4)
    expect((await ask('POST', '/api/v1/schedules', WEEKLY)).status).toBe(409)
    const begun = await ask('POST', `/api/v1/schedules/${body.id}/run`)
    expect(begun).toMatchObject({ status: 202, body: { kind: 'detect', created_by: 'local' } })
    expect((await ask('GET', `/api/v1/schedules/${body.id}`)).body.last_job_id).toBe(begun.body.id)
    expect((await ask('DELETE', `/api/v1/schedules/${body.id}`)).status).toBe(204)
    expect((await ask('GET', `/api/v1/schedules/${body.id}`)).status).toBe(404)
  })

  it.each([
    ['every day', 'body.cron'],
    ['* * * * * *', 'body.cron'],
    ['0 0 30 2 *', 'body.cron'],
  ])('refuses %s', async (cron, path) => {
    const { status, body } = await ask('POST', '/api/v1/schedules', { ...WEEKLY, name: cron, cron })
    expect(status).toBe(400)
    expect(body.errors[0].path).toBe(path)
  })

  it('takes no job that needs a file or that it does not know', async () => {
    for (const job of [
      { kind: 'detect-file', params: {} },
      { kind: 'first-start' },
      { kind: 'train', params: { upload: { file: crypto.randomUUID(), name: 'x' } } },
      { kind: 'train', params: { stored: { last: 'a week' } } },
    ]) {
      expect((await ask('POST', '/api/v1/schedules', { ...WEEKLY, name: 'x', job })).status).toBe(400)
    }
  })
})

describe('/jobs', () => {
  it('comes in pages, by kind and state; a job that waits is cancelled at once', async () => {
    const ids = []
    for (let i = 0; i < 3; i++) {
      const { status, headers, body } = await ask('POST', '/api/v1/jobs', { kind: 'detect' })
      expect(status).toBe(202)
      expect(headers.location).toBe(`/api/v1/jobs/${body.id}`)
      ids.unshift(body.id)
    }
    const cancelled = await ask('POST', `/api/v1/jobs/${ids[0]}/cancel`)
    expect(cancelled).toMatchObject({ status: 202, body: { state: 'cancelled' } })
    const first = await ask('GET', '/api/v1/jobs?kind=detect&limit=2')
    expect(first.body.items.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2))
    const second = await ask('GET', `/api/v1/jobs?kind=detect&limit=2&cursor=${first.body.next}`)
    expect(second.body.items[0].id).toBe(ids[2])
    const done = await ask('GET', '/api/v1/jobs?state=cancelled')
    expect(done.body.items).toMatchObject([{ id: ids[0] }])
    expect((await ask('GET', '/api/v1/jobs?cursor=x')).status).toBe(400)
    expect((await ask('POST', '/api/v1/jobs/999/cancel')).status).toBe(404)
  })
})

describe('/simulate', () => {
  it('switches demo devices on and off', async () => {
    expect((await ask('GET', '/api/v1/simulate')).body).toMatchObject({ on: false })
    expect((await ask('PUT', '/api/v1/simulate', { on: true, devices: 5 })).body).toMatchObject({
      on: true,
      devices: 5,
    })
    await expect
      .poll(async () => (await ask('GET', '/api/v1/simulate')).body.sent, { timeout: 20_000 })
      .toBeGreaterThan(50)
    expect((await ask('PUT', '/api/v1/simulate', { on: false })).body).toMatchObject({
      on: false,
      devices: 5,
    })
    expect((await ask('PUT', '/api/v1/simulate', { on: true, devices: 500 })).status).toBe(400)
  })
})
