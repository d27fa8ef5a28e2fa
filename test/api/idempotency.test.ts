import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'
import { anomaly, DAY, keep } from './seed.ts'

let api: Running
beforeAll(async () => {
  api = await running()
  await keep(api.service.store, [anomaly('thermostat-1', DAY)])
})
afterAll(() => api.stop())

const url = '/api/v1/anomalies/1/comments'
const comments = async () => (await api.ask('GET', '/api/v1/anomalies/1')).body.comments.length

describe('a write with an Idempotency-Key', () => {
  it('is done once and answered the same', async () => {
    const headers = { 'idempotency-key': 'first' }
    const one = await api.ask('POST', url, { text: 'hello' }, headers)
    const two = await api.ask('POST', url, { text: 'hello' }, headers)
    expect(one.status).toBe(201)
    expect(two.status).toBe(201)
    expect(two.body).toEqual(one.body)
    expect(two.headers['content-type']).toBe(one.headers['content-type'])
    expect(two.headers['idempotency-replayed']).toBe('true')
    expect(await comments()).toBe(1)
  })

  it('with another body is refused', async () => {
    const answer = await api.ask('POST', url, { text: 'other' }, { 'idempotency-key': 'first' })
    expect(answer.status).toBe(422)
    expect(await comments()).toBe(1)
  })

  it('sent many times at once is done once', async () => {
    const headers = { 'idempotency-key': 'many' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.ask('POST', url, { text: 'again' }, headers)),
    )
    expect(answers.map(({ status }) => status).sort()).toContain(201)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(await comments()).toBe(2)
  })

  it('that fails for its own reasons fails the same again; one nobody answered is done', async () => {
    const headers = { 'idempotency-key': 'wrong' }
    const missing = '/api/v1/anomalies/99/comments'
    expect((await api.ask('POST', missing, { text: 'x' }, headers)).status).toBe(404)
    expect((await api.ask('POST', missing, { text: 'x' }, headers)).headers['idempotency-replayed']).toBe(
      'true',
    )
    await api.service.store.db
      .insertInto('idempotency')
      .values({ key: `local POST ${url} dead`, request: 'x', status: 0, body: '', created: DAY })
      .execute()
    const answer = await api.ask('POST', url, { text: 'third' }, { 'idempotency-key': 'dead' })
    expect(answer.status).toBe(201)
    expect(await comments()).toBe(3)
  })

  it('in the data of devices', async () => {
    const headers = { 'idempotency-key': 'data' }
    const reading = { id: 'a', timestamp: 1741219200, t: 1 }
    const one = await api.ask('POST', '/api/v1/data', reading, headers)
    expect(one.body.accepted).toBe(1)
    expect((await api.ask('POST', '/api/v1/data', reading, headers)).body).toEqual(one.body)
    const other = await api.ask('POST', '/api/v1/data', { ...reading, t: 2 }, headers)
    expect(other.status).toBe(422)
  })

  it('of a file is one of its content and name', async () => {
    const send = (text: string, name = 'a.csv', key = 'file') =>
      api.upload('/api/v1/detect/file', Buffer.from(text), name, { 'idempotency-key': key })
    const one = await send('id,timestamp,t\na,1741219200,1\n')
    expect(one.status).toBe(202)
    const two = await send('id,timestamp,t\na,1741219200,1\n')
    expect(two.body).toEqual(one.body)
    expect(two.headers['idempotency-replayed']).toBe('true')
    expect((await send('id,timestamp,t\na,1741219200,2\n')).status).toBe(422)
    expect((await send('id,timestamp,t\na,1741219200,1\n', 'b.csv')).status).toBe(422)
    const many = await Promise.all(Array.from({ length: 6 }, () => send('a,b\n1,2\n', 'c.csv', 'files')))
    const statuses = new Set(many.map(({ status }) => status))
    expect([...statuses].filter((status) => status !== 202 && status !== 409)).toEqual([])
    expect(new Set(many.flatMap(({ status, body }) => (status === 202 ? [body.id] : []))).size).toBe(1)
    const { items } = (await api.ask('GET', '/api/v1/jobs')).body
    expect(items).toHaveLength(2)
    // What was not begun with is gone; jobs remove theirs when they are finished.
    const left = () => readdir(join(api.service.config.data, 'uploads'))
    await expect.poll(left, { timeout: 20_000 }).toEqual([])
  })

  it('keeps nothing where there are passwords or tokens', async () => {
    const headers = { 'idempotency-key': 'account' }
    const ada = { name: 'ada', password: 'correct horse battery', role: 'admin' }
    expect((await api.ask('POST', '/api/v1/users', ada, headers)).status).toBe(201)
    const rows = await api.service.store.db.selectFrom('idempotency').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain('account')
  })
})
