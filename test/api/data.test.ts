import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleReadings } from './readings.ts'
import { type Running, running } from './running.ts'

let api: Running
const readings = sampleReadings(300)
const NDJSON = { 'content-type': 'application/x-ndjson' }
beforeAll(async () => {
  api = await running()
})
afterAll(() => api.stop())

describe('data is taken in', () => {
  it('one record, a list, or one a line; twice is once', async () => {
    const post = (body: unknown, headers = {}) => api.ask('POST', '/api/v1/data', body, headers)
    const counts = async (body: unknown, headers = {}) => {
      const answer = await post(body, headers)
      expect(answer.status).toBe(200)
      const { read, accepted, duplicates, rejected } = answer.body
      return [read, accepted, duplicates, rejected]
    }
    expect(await counts(readings[0])).toEqual([1, 1, 0, 0])
    expect(await counts(readings.slice(0, 10))).toEqual([10, 9, 1, 0])
    const lines = readings.map((r) => `${JSON.stringify(r)}\n`).join('')
    expect(await counts(lines, NDJSON)).toEqual([300, 290, 10, 0])
    expect(await counts(`${JSON.stringify({ ...readings[0], id: 'new' })}\nnonsense\n`, NDJSON)).toEqual([
      2, 1, 0, 1,
    ])
  })

  it('flows by Zeek’s names', async () => {
    const flow = { ts: 1741219200.5, orig_h: '192.168.1.20', orig_p: 50211, resp_h: '203.0.113.5' }
    const { status, body } = await api.ask('POST', '/api/v1/data?kind=flows', {
      ...flow,
      resp_p: 443,
      proto: 'tcp',
      orig_bytes: 1204,
    })
    expect([status, body.accepted]).toEqual([200, 1])
    const found = await api.ask('GET', '/api/v1/data?kind=flows&device_id=192.168.1.20')
    expect(found.body.items).toMatchObject([
      {
        orig_h: '192.168.1.20',
        resp_p: 443,
        proto: 6,
        orig_bytes: 1204,
        timestamp: '2025-03-06T00:00:00.500Z',
      },
    ])
  })

  it.each([
    ['{"id":"a"}', 400, 'body.timestamp'],
    ['[{"id":"a","timestamp":"yesterday","t":1}]', 400, 'body.timestamp'],
    ['[{"id":"a"},{"timestamp":1,"t":2}]', 400, 'body[0].timestamp'],
    ['{', 400, 'body'],
    ['[]', 400, undefined],
    ['', 400, undefined],
  ])('%s is refused', async (text, expected, path) => {
    const { status, body } = await api.ask('POST', '/api/v1/data', text)
    expect(status).toBe(expected)
    expect(body.errors?.[0].path).toBe(path)
  })

  it('with names that no database gives back as they were only in part', async () => {
    const names = ['a\0', '\ud800', 'whole']
    const records = names.map((id) => ({ id, timestamp: 1741219200, t: 1 }))
    const { body } = await api.ask('POST', '/api/v1/data', records)
    expect(body).toMatchObject({ accepted: 1, rejected: 2, problems: [{ path: 'id' }, { path: 'id' }] })
  })

  it('of a type that is read', async () => {
    const headers = { 'content-type': 'text/csv' }
    expect((await api.ask('POST', '/api/v1/data', 'a,b', headers)).status).toBe(415)
  })
})

describe('data is read', () => {
  it('by device and time, newest first, in pages', async () => {
    const page = await api.ask('GET', '/api/v1/data?device_id=device1&limit=2')
    expect(page.body.items.map((r: { timestamp: string }) => r.timestamp)).toEqual([
      '2025-03-06T01:39:00.000Z',
      '2025-03-06T01:38:00.000Z',
    ])
    expect(page.body.items[0].metrics['network.latency']).toBe(readings[297]!.network.latency)
    const next = await api.ask('GET', `/api/v1/data?device_id=device1&limit=2&cursor=${page.body.next}`)
    expect(next.body.items[0].timestamp).toBe('2025-03-06T01:37:00.000Z')
    const range = '/api/v1/data?device_id=1&from=2025-03-06T00:10:00Z&to=2025-03-06T00:20:00Z&order=oldest'
    expect((await api.ask('GET', range)).body.items).toHaveLength(10)
    const one = await api.ask('GET', `${range}&metric=temperature`)
    expect(Object.keys(one.body.items[0].metrics)).toEqual(['temperature'])
  })

  it('as a series for a plot', async () => {
    const { body } = await api.ask('GET', '/api/v1/data?device_id=device1&points=10&metric=temperature')
    const { n, min, mean, max } = body.metrics.temperature
    expect(n).toHaveLength(10)
    expect(n.reduce((a: number, b: number) => a + b)).toBe(100)
    for (let i = 0; i < 10; i++) {
      expect(min[i]).toBeLessThanOrEqual(mean[i])
      expect(mean[i]).toBeLessThanOrEqual(max[i])
    }
  })

  it('without a device: the newest of each', async () => {
    const { body } = await api.ask('GET', '/api/v1/data')
    expect(body.items.map((r: { device: string }) => r.device)).toEqual([
      'device1',
      'device2',
      'device3',
      'new',
      'whole',
    ])
  })

  it.each([
    ['points=10', 400],
    ['device_id=nobody', 404],
    ['device_id=device1&from=2025-03-07&to=2025-03-06', 400],
    ['kind=flows&points=3', 400],
    ['device_id=device1&points=0', 400],
  ])('%s is refused', async (query, status) => {
    expect((await api.ask('GET', `/api/v1/data?${query}`)).status).toBe(status)
  })
})
