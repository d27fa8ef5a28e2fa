import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'
import { anomaly, DAY, keep } from './seed.ts'

let api: Running
beforeAll(async () => {
  api = await running()
  const store = api.service.store
  await keep(store, [
    anomaly('thermostat-1', DAY),
    anomaly('thermostat-1', DAY + 60, { confidence: 0.99 }),
    anomaly('thermostat-1', DAY + 120),
  ])
  await keep(store, [
    anomaly('camera-1', DAY + 86_400, {
      type: 'flood',
      counterfactual: {
        changes: [{ feature: 'pkts_out', value: 900, ordinary: 12, unit: 'packets', bound: 'at most' }],
        description: 'Ordinary with fewer packets.',
      },
    }),
    anomaly('camera-1', Number.NaN, { type: 'flood' }),
  ])
})
afterAll(() => api.stop())

const times = (items: readonly { timestamp: string | null }[]) => items.map((a) => a.timestamp)

describe('anomalies', () => {
  it('come newest first, in pages', async () => {
    const first = await api.ask('GET', '/api/v1/anomalies?limit=3')
    expect(times(first.body.items)).toEqual([
      '2025-03-07T00:00:00.000Z',
      '2025-03-06T00:02:00.000Z',
      '2025-03-06T00:01:00.000Z',
    ])
    const second = await api.ask('GET', `/api/v1/anomalies?limit=3&cursor=${first.body.next}`)
    expect(times(second.body.items)).toEqual(['2025-03-06T00:00:00.000Z', null])
    expect(second.body.next).toBeNull()
  })

  it.each([
    ['device_id=camera-1', 2],
    ['device_id=1&device_id=2', 5],
    ['type=spike', 3],
    ['type=spike&type=flood', 5],
    ['confidence=0.95', 1],
    ['from=2025-03-06T00:01:00Z&to=2025-03-06T00:02:00Z', 1],
    ['from=2025-03-07', 1],
    ['state=acknowledged', 0],
    ['feedback=none', 5],
    ['incident_id=1', 3],
    ['origin=job:1', 0],
  ])('%s gives %i', async (query, n) => {
    const { status, body } = await api.ask('GET', `/api/v1/anomalies?${query}`)
    expect(status).toBe(200)
    expect(body.items).toHaveLength(n)
  })

  it.each(['from=yesterday', 'type=nonsense', 'confidence=2', 'device_id=nobody'])(
    '%s is refused',
    async (query) => {
      const { status } = await api.ask('GET', `/api/v1/anomalies?${query}`)
      expect(status).toBe(query.startsWith('device') ? 404 : 400)
    },
  )

  it('one tells everything', async () => {
    const { items } = (await api.ask('GET', '/api/v1/anomalies?type=flood')).body
    const { body } = await api.ask('GET', `/api/v1/anomalies/${items[0].id}`)
    expect(body).toMatchObject({
      device: 'camera-1',
      device_id: 2,
      counterfactual: { description: 'Ordinary with fewer packets.' },
      fields: { temperature: 41.2 },
      model_confidence: { lof: 0.95 },
      comments: [],
    })
    expect((await api.ask('GET', '/api/v1/anomalies/999')).status).toBe(404)
    expect((await api.ask('GET', '/api/v1/anomalies/x')).status).toBe(400)
  })

  it('is acknowledged and commented on', async () => {
    const changed = await api.ask('PATCH', '/api/v1/anomalies/1', { state: 'acknowledged' })
    expect(changed.body.state).toBe('acknowledged')
    expect((await api.ask('GET', '/api/v1/anomalies?state=acknowledged')).body.items).toHaveLength(1)
    const comment = await api.ask('POST', '/api/v1/anomalies/1/comments', { text: 'The window was open.' })
    expect(comment.status).toBe(201)
    expect(comment.body).toMatchObject({ author: 'local', text: 'The window was open.' })
    expect((await api.ask('GET', '/api/v1/anomalies/1')).body.comments).toEqual([comment.body])
    expect((await api.ask('POST', '/api/v1/anomalies/99/comments', { text: 'x' })).status).toBe(404)
    expect((await api.ask('POST', '/api/v1/anomalies/1/comments', { text: ' ' })).status).toBe(400)
  })
})

describe('incidents', () => {
  it('come latest first and are acknowledged with their anomalies', async () => {
    const { body } = await api.ask('GET', '/api/v1/incidents')
    expect(body.items.map((i: { type: string }) => i.type)).toEqual(['flood', 'spike'])
    const { id } = body.items[0]
    const one = await api.ask('GET', `/api/v1/incidents/${id}`)
    expect(one.body).toMatchObject({
      count: 2,
      types: ['flood'],
      devices: [{ device: 'camera-1', name: null, count: 1 }],
    })
    const changed = await api.ask('PATCH', `/api/v1/incidents/${id}`, { state: 'acknowledged' })
    expect(changed.body.state).toBe('acknowledged')
    const { items } = (await api.ask('GET', `/api/v1/anomalies?incident_id=${id}`)).body
    expect(items.map((a: { state: string }) => a.state)).toEqual(['acknowledged', 'acknowledged'])
    expect((await api.ask('PATCH', '/api/v1/incidents/99', { state: 'open' })).status).toBe(404)
  })
})

describe('statistics', () => {
  it('count by type, device and day', async () => {
    const { body } = await api.ask('GET', '/api/v1/statistics')
    expect(body).toMatchObject({
      devices: 2,
      anomalies: {
        total: 4,
        by_type: { spike: 3, flood: 1 },
        by_device: [
          { device_id: 1, device: 'thermostat-1', count: 3 },
          { device_id: 2, device: 'camera-1', count: 1 },
        ],
        by_day: [
          { day: '2025-03-06', count: 3 },
          { day: '2025-03-07', count: 1 },
        ],
      },
      incidents: { total: 2 },
    })
    const none = await api.ask('GET', '/api/v1/statistics?from=2020-01-01&to=2020-01-02')
    expect(none.body.anomalies).toMatchObject({ total: 0, open: 0, by_type: {}, by_device: [], by_day: [] })
  })
})
