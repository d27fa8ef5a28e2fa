import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'

let api: Running
beforeAll(async () => {
  api = await running()
  await api.service.store.devices.ensure(['thermostat-1', '00:80:f4:0b:c3:56', '7', 'a/b %'])
})
afterAll(() => api.stop())

describe('devices', () => {
  it('come in pages', async () => {
    const first = await api.ask('GET', '/api/v1/devices?limit=3')
    expect(first.status).toBe(200)
    expect(first.body.items.map((d: { name: string }) => d.name)).toEqual([
      'thermostat-1',
      '00:80:f4:0b:c3:56',
      '7',
    ])
    const second = await api.ask('GET', `/api/v1/devices?limit=3&cursor=${first.body.next}`)
    expect(second.body.items.map((d: { name: string }) => d.name)).toEqual(['a/b %'])
    expect(second.body.next).toBeNull()
    expect((await api.ask('GET', '/api/v1/devices?search=THERMO')).body.items).toHaveLength(1)
  })

  it('are found by number and by name', async () => {
    expect((await api.ask('GET', '/api/v1/devices/1')).body.name).toBe('thermostat-1')
    expect((await api.ask('GET', '/api/v1/devices/00:80:f4:0b:c3:56')).body.id).toBe(2)
    expect((await api.ask('GET', `/api/v1/devices/${encodeURIComponent('a/b %')}`)).body.id).toBe(4)
    const missing = await api.ask('GET', '/api/v1/devices/nobody')
    expect(missing.status).toBe(404)
    expect(missing.body.detail).toContain('there is no device "nobody"')
  })

  it('are named and typed', async () => {
    const url = '/api/v1/devices/thermostat-1'
    const { status, body } = await api.ask('PATCH', url, { label: ' Living room ', type: 'thermostat' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ label: 'Living room', type: 'thermostat' })
    expect((await api.ask('PATCH', url, { type: null })).body).toMatchObject({
      label: 'Living room',
      type: null,
    })
    const wrong = await api.ask('PATCH', url, { lable: 'x' })
    expect(wrong.status).toBe(400)
    expect(wrong.body.errors).toEqual([{ path: 'body.lable', message: 'is not known here' }])
  })

  it.each([
    ['?limit=0', 'query.limit'],
    ['?limit=x', 'query.limit'],
    ['?cursor=nonsense', 'query.cursor'],
    ['?serach=x', 'query.serach'],
  ])('%s names the wrong parameter', async (query, path) => {
    const { status, body } = await api.ask('GET', `/api/v1/devices${query}`)
    expect(status).toBe(400)
    expect(body.errors[0].path).toBe(path)
  })
})
