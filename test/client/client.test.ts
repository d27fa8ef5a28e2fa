import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiError, type Event, MotewatchClient } from '../../src/client/index.ts'
import { sampleReadings } from '../api/readings.ts'
import { type Running, running } from '../api/running.ts'
import { anomaly, DAY, keep } from '../api/seed.ts'

let api: Running
let client: MotewatchClient
let url: string
beforeAll(async () => {
  api = await running()
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  client = new MotewatchClient({ url })
})
afterAll(() => api.stop())

describe('the client, over HTTP', () => {
  it('stores and reads data', async () => {
    const stored = await client.send(sampleReadings(60))
    expect(stored).toMatchObject({ accepted: 60, rejected: 0 })
    const page = await client.readings('device1', { limit: 5, metric: 'temperature' })
    expect(page.items).toHaveLength(5)
    const series = await client.series('device1', 4)
    expect(series.metrics.temperature!.n.reduce((a, b) => a + b)).toBe(20)
    const device = await client.changeDevice('device1', { label: 'Pump' })
    expect((await client.device(device.id)).label).toBe('Pump')
    const names = []
    for await (const { name } of client.all((at) => client.devices({ ...at, limit: 2 }))) names.push(name)
    expect(names).toEqual(['device1', 'device2', 'device3'])
    expect((await client.status()).status).toBe('ok')
  })

  it('lists, acknowledges and comments', async () => {
    const ids = await keep(api.service.store, [anomaly('device1', DAY), anomaly('device1', DAY + 60)])
    const { items } = await client.anomalies({
      device_id: ['device1'],
      type: ['spike', 'drift'],
      confidence: 0.5,
    })
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed())
    expect((await client.setAnomalyState(ids[0]!, 'acknowledged')).state).toBe('acknowledged')
    await client.comment(ids[0]!, 'seen')
    expect((await client.anomaly(ids[0]!)).comments).toMatchObject([{ text: 'seen' }])
    const [incident] = (await client.incidents()).items
    expect((await client.incident(incident!.id)).count).toBe(2)
  })

  it('throws problems with what is wrong', async () => {
    const error = await client.device('nobody').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).problem).toMatchObject({ status: 404, title: 'Not found' })
    await expect(client.anomalies({ limit: 0 })).rejects.toThrow(/query\.limit/)
  })

  it('waits as long as a busy service says, then gives up', async () => {
    let asked = 0
    const busy: typeof fetch = async (...request) => {
      asked++
      if (asked > 2) return fetch(...request)
      return new Response('{}', { status: 503, headers: { 'retry-after': '0' } })
    }
    expect((await new MotewatchClient({ url, fetch: busy }).status()).status).toBe('ok')
    asked = 0
    await expect(new MotewatchClient({ url, fetch: busy, retries: 1 }).status()).rejects.toThrow(ApiError)
  })

  it('sends files to jobs and follows events', async () => {
    const stop = new AbortController()
    const seen: Event[] = []
    const following = (async () => {
      for await (const event of client.events({ types: ['job'] }, stop.signal)) {
        seen.push(event)
        if (event.data.state === 'failed' || event.data.state === 'done') return
      }
    })()
    const job = await client.detectFile(new Blob(['id,timestamp,t\na,2025-03-06T00:00:00Z,1\n']), 'a.csv')
    const ended = await client.wait(job, 50)
    // Nothing is active that could judge it.
    expect(ended.state).toBe('failed')
    expect(ended.error!.message).toContain('no active model')
    await following
    stop.abort()
    expect(seen.length).toBeGreaterThan(0)
  })
})
