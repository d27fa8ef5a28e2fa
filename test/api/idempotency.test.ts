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
})
