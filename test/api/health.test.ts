import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'

let service: Running
beforeAll(async () => {
  service = await running()
})
afterAll(() => service.stop())

describe('health', () => {
  it('is told at the root', async () => {
    expect(await service.ask('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await service.ask('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true } })
  })

  it('is bad when the database does not answer', async () => {
    const other = await running()
    await other.service.store.close()
    const { status, headers, body } = await other.ask('GET', '/readyz')
    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('2')
    expect(body.detail).toMatch(/^database: /)
    await other.app.close()
  })
})

describe('a model that this version cannot read', () => {
  it('is told with what to do, until another is active', async () => {
    const other = await running()
    const { store } = other.service
    const old = { created: 1, active: 1, previous_id: null, sha256: 'old', size: 27, card_json: '{}' }
    await store.db
      .insertInto('models')
      .values({
        ...old,
        kind: 'readings',
        name: 'mine',
        origin: 'upload',
        bytes: Buffer.from('MOTEWTCH of another version'),
      })
      .execute()
    const { status, body } = await other.ask('GET', '/readyz')
    expect(status).toBe(503)
    expect(body.detail).toMatch(
      /^detection: .*model 1 cannot be used: mine.* train again \(POST .*\), or activate another/,
    )
    const { body: told } = await other.ask('GET', '/api/v1/status')
    expect(told).toMatchObject({ status: 'starting', waiting: { detection: expect.any(String) } })
    await store.db.updateTable('models').set({ active: 0 }).execute()
    expect(await other.ask('GET', '/readyz')).toMatchObject({ status: 200 })
    await other.stop()
  })
})

describe('metrics', () => {
  it('count requests by route, not by path, and records by what became of them', async () => {
    await service.ask('GET', '/api/v1/devices/nobody')
    await service.ask('GET', '/api/v1/devices/somebody')
    await service.ask('GET', '/not/there')
    const reading = { id: 'a', timestamp: '2026-01-01T00:00:00Z', temperature: 20 }
    await service.service.intake.write('readings', [reading, reading, { id: 'b' }], 'test')
    const { body, headers } = await service.ask('GET', '/metrics')
    expect(headers['content-type']).toContain('text/plain')
    const value = (line: string) => Number(body.split(`\n${line} `)[1]?.split('\n')[0])
    const count = (route: string) =>
      value(`motewatch_http_request_seconds_count{method="GET",route="${route}",status="404"}`)
    expect(count('/api/v1/devices/:device')).toBe(2)
    expect(count('none')).toBe(1)
    expect(value('motewatch_records_total{outcome="accepted"}')).toBe(1)
    expect(value('motewatch_records_total{outcome="duplicate"}')).toBe(1)
    expect(value('motewatch_records_total{outcome="rejected"}')).toBe(1)
    expect(value('motewatch_detection_lag_seconds')).toBeGreaterThanOrEqual(0)
    expect(value('process_resident_memory_bytes')).toBeGreaterThan(1e6)
  })
})

describe('the page at /', () => {
  it('runs and shows only what it came with', async () => {
    const { status, headers, body } = await service.ask('GET', '/')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(headers['content-security-policy'])
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const content = body.slice(body.indexOf(`<${tag}>`) + tag.length + 2, body.indexOf(`</${tag}>`))
      const hash = createHash('sha256').update(content).digest('base64')
      expect(policy).toContain(`${directive} 'sha256-${hash}';`)
    }
    expect(body).not.toMatch(/(src|href)="https?:/)
    expect(body).not.toContain('innerHTML')
  })
})
