import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Incident } from '../../src/schema/incident.ts'
import { incidentEvent } from '../../src/store/news.ts'
import { httpReceiver } from '../alerts/receivers.ts'
import { type Running, running } from './running.ts'

let run: Running
const ask = (...args: Parameters<Running['ask']>) => run.ask(...args)

beforeAll(async () => {
  run = await running()
})
afterAll(() => run.stop())

const HOOK = { kind: 'webhook', url: 'https://ada:pass@example.org/hooks/secret-path' }

describe('/alerts', () => {
  it('keeps rules; secrets are shown once or never', async () => {
    const made = await ask('POST', '/api/v1/alerts', { name: 'phone', target: HOOK })
    expect(made).toMatchObject({
      status: 201,
      body: {
        enabled: true,
        match: { origins: ['live'] },
        limits: { pause: 0 },
        target: { url: 'https://ada@example.org/hooks/secret-path', has_secret: true },
        created_by: 'local',
      },
    })
    const { id, secret } = made.body
    expect(secret).toMatch(/^[\w-]{43}$/)
    const mail = await ask('POST', '/api/v1/alerts', {
      name: 'mail',
      target: {
        kind: 'email',
        host: 'mail.example.org',
        user: 'ada',
        password: 'correct horse',
        from: 'a@example.org',
        to: ['b@example.org'],
      },
    })
    expect(mail.body).toMatchObject({
      target: { port: 587, security: 'starttls', has_password: true },
      secret: null,
    })
    const changed = await ask('PATCH', `/api/v1/alerts/${id}`, { enabled: false, limits: { pause: 60 } })
    expect(changed.body).toMatchObject({ name: 'phone', enabled: false, limits: { pause: 60 } })
    const list = JSON.stringify((await ask('GET', '/api/v1/alerts')).body)
    for (const hidden of [secret, 'pass@', 'correct horse']) expect(list).not.toContain(hidden)

    expect((await ask('POST', '/api/v1/alerts', { name: 'phone', target: HOOK })).status).toBe(409)
    expect((await ask('PATCH', `/api/v1/alerts/${mail.body.id}`, { name: 'phone' })).status).toBe(409)
    expect((await ask('DELETE', `/api/v1/alerts/${id}`)).status).toBe(204)
    expect((await ask('GET', `/api/v1/alerts/${id}`)).status).toBe(404)
    expect((await ask('DELETE', `/api/v1/alerts/${id}`)).status).toBe(404)
  })

  it('names every wrong field', async () => {
    const { status, body } = await ask('POST', '/api/v1/alerts', {
      name: '',
      match: { confidence: 2, device: 'x' },
      limits: { quiet: { from: '25:00', to: '07:00', zone: 'Mars/Base' } },
      target: { kind: 'webhook', url: 'file:///etc/passwd', secret: 'short' },
    })
    expect(status).toBe(400)
    expect(body.errors.map((error: { path: string }) => error.path).toSorted()).toEqual([
      'body.limits.quiet.from',
      'body.limits.quiet.zone',
      'body.match.confidence',
      'body.match.device',
      'body.name',
      'body.target.secret',
      'body.target.url',
    ])
  })

  it('tests a rule, and lists what became of its alerts', async () => {
    const http = await httpReceiver()
    const url = `http://127.0.0.1:${http.port}/`
    const { body } = await ask('POST', '/api/v1/alerts', { name: 'here', target: { kind: 'webhook', url } })
    const tested = await ask('POST', `/api/v1/alerts/${body.id}/test`)
    expect(tested).toMatchObject({ status: 200, body: { delivered: false } })
    expect(tested.body.error).toContain('alerts.local')
    const incident = {
      id: 1,
      kind: 'flows',
      type: 'flood',
      devices: [{ device: '10.0.0.1', count: 3 }],
      first: 1,
      last: 2,
      count: 3,
      confidence: 0.9,
      evidence: 3,
      description: 'a flood',
    } as unknown as Incident
    await run.service.store.transaction(async (tx) => {
      const ids = await tx.incidents.upsert([{ uid: 'live:1', origin: 'live', incident }])
      await tx.events.append([incidentEvent(ids.get('live:1')!, incident)])
    })
    const deliveries = async () => (await ask('GET', `/api/v1/alerts/${body.id}/deliveries`)).body.items
    await expect.poll(async () => (await deliveries())[0]?.attempts, { timeout: 5000 }).toBe(1)
    expect((await deliveries())[0]).toMatchObject({
      state: 'pending',
      message: { incident: { type: 'flood', devices: ['10.0.0.1'] } },
    })
    expect(http.received).toEqual([])
    await http.close()
  })

  it('shows a viewer no path of a webhook', async () => {
    const { access } = run.service
    await access.users.add('ada', 'correct horse battery', 'admin')
    const token = async (role: 'viewer' | 'operator') =>
      (await access.tokens.add('ada', { name: role, role, scopes: [], expires: null })).secret
    const { id } = (await run.service.alerts.add(
      {
        name: 'hook',
        enabled: true,
        match: { origins: ['live'] },
        limits: { pause: 0 },
        target: { kind: 'webhook', url: 'https://example.org/hooks/secret-path' },
      },
      'ada',
    ))!
    const seen = async (role: 'viewer' | 'operator') => {
      const headers = { authorization: `Bearer ${await token(role)}` }
      return (await run.app.inject({ url: `/api/v1/alerts/${id}`, headers })).json().target.url
    }
    expect(await seen('viewer')).toBe('https://example.org/…')
    expect(await seen('operator')).toBe('https://example.org/hooks/secret-path')
  })
})
