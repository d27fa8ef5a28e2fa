import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, running } from './running.ts'

const PASSWORD = 'correct horse battery'
let service: Running

beforeAll(async () => {
  service = await running()
})
afterAll(() => service.stop())

async function send(options: InjectOptions) {
  const answer = await service.app.inject({ url: '/api/v1/session', ...options })
  const body = answer.body === '' ? undefined : answer.json()
  return { status: answer.statusCode, headers: answer.headers, body }
}

describe('on this machine without accounts', () => {
  it('everything is allowed', async () => {
    const { status, body } = await send({})
    expect(status).toBe(200)
    expect(body).toEqual({ name: 'local', role: 'admin', scopes: null, by: 'loopback' })
  })

  it.each([['localhost:5000'], ['127.0.0.1:5000'], ['[::1]:5000'], ['LOCALHOST'], ['127.8.9.1']])(
    'as %s',
    async (host) => {
      expect((await send({ headers: { host } })).status).toBe(200)
    },
  )

  // DNS rebinding: a page of evil.example makes the browser come here under its own name.
  it.each([['evil.example'], ['localhost.evil.example:5000'], ['127.0.0.1.evil.example'], ['192.168.1.5']])(
    'but not as "%s"',
    async (host) => {
      expect(await send({ headers: { host } })).toMatchObject({ status: 403, body: { title: 'Forbidden' } })
    },
  )

  it.each([
    ['x-forwarded-for', '10.0.0.5'],
    ['forwarded', 'for=10.0.0.5'],
    ['x-forwarded-host', 'mote.example'],
    ['x-real-ip', '10.0.0.5'],
    ['via', '1.1 proxy'],
  ])('not through a proxy that says so with %s', async (name, value) => {
    expect((await send({ headers: { [name]: value } })).status).toBe(403)
  })

  it('not through a proxy that says nothing, as nginx does when it is not told to', async () => {
    await service.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = service.app.server.address() as AddressInfo
    const status = async (version: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.end(
        `GET /api/v1/session HTTP/${version}\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`,
      )
      return /^HTTP\/1.1 (\d+)/.exec(await text(socket))![1]
    }
    expect(await status('1.0')).toBe('403')
    expect(await status('1.1')).toBe('200')
  })

  it('not for a page of a site that may come with a token', async () => {
    const other = await running({ access: { origins: ['https://friend.example'] } })
    const ask = (origin: string) => other.ask('GET', '/api/v1/session', undefined, { origin })
    expect(await ask('https://friend.example')).toMatchObject({ status: 403, body: { title: 'Forbidden' } })
    const { access } = other.service
    await access.users.add('ada', PASSWORD, 'admin')
    const made = { name: 'page', role: 'viewer', scopes: [], expires: null } as const
    const { secret } = await access.tokens.add('ada', made)
    const headers = { origin: 'https://friend.example', authorization: `Bearer ${secret}` }
    const answer = await other.ask('GET', '/api/v1/session', undefined, headers)
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe('https://friend.example')
    await other.stop()
  })

  it('not from another address', async () => {
    expect((await send({ remoteAddress: '192.168.1.9' })).status).toBe(403)
  })

  it.each([['http://evil.example'], ['null'], ['http://localhost:3000'], ['https://localhost']])(
    'not for a page of %s',
    async (origin) => {
      const headers = { host: 'localhost:5000', origin }
      expect((await send({ headers })).status).toBe(403)
      const answer = await send({ method: 'POST', headers, payload: { name: 'a', password: 'b' } })
      expect(answer.status).toBe(403)
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
      const preflight = await send({ method: 'OPTIONS', headers })
      expect(preflight.status).toBe(403)
    },
  )

  it('for its own pages', async () => {
    expect(
      (await send({ headers: { host: 'localhost:5000', origin: 'http://localhost:5000' } })).status,
    ).toBe(200)
  })
})

describe('every answer', () => {
  it.each([['/api/v1/session'], ['/nothing'], ['/healthz']])(
    'of %s forbids what it does not need',
    async (url) => {
      const { headers } = await service.app.inject({ url })
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
      })
    },
  )
})

describe('with accounts', () => {
  let cookie = ''

  it('the first is made here, and from then on nobody gets in without', async () => {
    const ada = { name: 'ada', password: PASSWORD, role: 'admin' }
    expect(await service.ask('POST', '/api/v1/users', ada)).toMatchObject({
      status: 201,
      body: { name: 'ada', role: 'admin', disabled: false, last_login: null },
    })
    const refused = await send({})
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toContain('Bearer')
  })

  it('a login gives a cookie that scripts and other sites cannot use', async () => {
    const wrong = await send({ method: 'POST', payload: { name: 'ada', password: 'wrong horse battery' } })
    const unknown = await send({ method: 'POST', payload: { name: 'eve', password: PASSWORD } })
    expect(wrong.status).toBe(401)
    expect(unknown.body).toEqual(wrong.body)
    const right = await send({ method: 'POST', payload: { name: 'ada', password: PASSWORD } })
    expect(right).toMatchObject({ status: 200, body: { name: 'ada', role: 'admin', by: 'session' } })
    const set = String(right.headers['set-cookie'])
    expect(set).toMatch(/^motewatch_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/)
    cookie = set.split(';')[0]!
    expect((await send({ headers: { cookie } })).body.name).toBe('ada')
    expect((await send({ headers: { cookie: `other=1; ${cookie}; third=x` } })).status).toBe(200)
    expect((await send({ headers: { cookie: `${cookie}x` } })).status).toBe(401)
  })

  it('a token that is wrong is not made good by a cookie', async () => {
    for (const authorization of ['Bearer mwt_wrong', 'Basic YWRhOmFkYQ==', 'Bearer']) {
      expect((await send({ headers: { cookie, authorization } })).status).toBe(401)
    }
  })

  it('a page of another site cannot use the cookie', async () => {
    const headers = { cookie, host: 'mote.example', origin: 'https://evil.example' }
    expect((await send({ method: 'DELETE', headers })).status).toBe(403)
    expect(
      (await send({ headers: { cookie, host: 'mote.example', origin: 'https://mote.example' } })).status,
    ).toBe(200)
  })

  it('a token is shown once, does what it is for, and is revoked', async () => {
    const post = (payload: object) =>
      send({ method: 'POST', url: '/api/v1/tokens', headers: { cookie }, payload })
    const unknown = await post({ name: 'gw', role: 'viewer', scopes: ['session:read', 'dta:write'] })
    expect(unknown).toMatchObject({ status: 400, body: { errors: [{ path: 'body.scopes[1]' }] } })
    const past = await post({ name: 'gw', role: 'viewer', expires: '2020-01-01T00:00:00Z' })
    expect(past).toMatchObject({ status: 400, body: { errors: [{ path: 'body.expires' }] } })
    const made = await post({ name: 'gw', role: 'viewer', scopes: ['session:read'] })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'gw', created_by: 'ada', scopes: ['session:read'] },
    })
    const headers = { authorization: `Bearer ${made.body.token}` }
    expect((await send({ headers })).body).toMatchObject({ name: 'token:gw', by: 'token' })
    expect((await send({ url: '/api/v1/tokens', headers })).status).toBe(403)
    const { body } = await send({ url: '/api/v1/tokens', headers: { cookie } })
    expect(body.items).toHaveLength(1)
    expect(JSON.stringify(body)).not.toContain(made.body.token)
    const revoked = await send({
      method: 'DELETE',
      url: `/api/v1/tokens/${made.body.id}`,
      headers: { cookie },
    })
    expect(revoked.status).toBe(204)
    expect((await send({ headers })).status).toBe(401)
  })

  it('a token makes no tokens, and nobody one above himself', async () => {
    const { secret } = await service.service.access.tokens.add('ada', {
      name: 'all',
      role: 'admin',
      scopes: [],
      expires: null,
    })
    const payload = { name: 'more', role: 'admin' }
    const byToken = await send({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: { authorization: `Bearer ${secret}` },
      payload,
    })
    expect(byToken.status).toBe(403)
    await service.service.access.users.add('bob', PASSWORD, 'viewer')
    const login = await send({ method: 'POST', payload: { name: 'bob', password: PASSWORD } })
    const bob = { cookie: String(login.headers['set-cookie']).split(';')[0]! }
    const above = await send({ method: 'POST', url: '/api/v1/tokens', headers: bob, payload })
    expect(above).toMatchObject({ status: 403, body: { detail: 'bob is viewer; a token can be no more' } })
    const others = await send({ url: '/api/v1/tokens', headers: bob })
    expect(others.body.items).toEqual([])
  })

  it('what was done is in the audit log, newest first, without secrets', async () => {
    const first = await send({ url: '/api/v1/audit?limit=3', headers: { cookie } })
    expect(first.body.items).toHaveLength(3)
    const second = await send({
      url: `/api/v1/audit?cursor=${first.body.next}&limit=100`,
      headers: { cookie },
    })
    const all = [...first.body.items, ...second.body.items]
    const ids = all.map((entry: { id: number }) => entry.id)
    expect(ids).toEqual([...ids].sort((a, b) => b - a))
    expect(new Set(ids).size).toBe(ids.length)
    const has = (entry: object) => expect(all).toContainEqual(expect.objectContaining(entry))
    has({ actor: 'local', action: 'POST /api/v1/users', status: 201 })
    has({ actor: 'anonymous', action: 'POST /api/v1/session', status: 401 })
    has({ actor: 'ada', action: 'POST /api/v1/session', status: 200 })
    has({ actor: 'bob', action: 'POST /api/v1/tokens', status: 403 })
    expect(JSON.stringify(all)).not.toContain(PASSWORD)
    expect(second.body.next).toBeNull()
  })

  it('logging out ends the session', async () => {
    const out = await send({ method: 'DELETE', headers: { cookie } })
    expect(out.status).toBe(204)
    expect(out.headers['set-cookie']).toContain('Max-Age=0')
    expect((await send({ headers: { cookie } })).status).toBe(401)
  })

  it('guessing is slowed down, whoever does it', async () => {
    const guess = (remoteAddress: string, name: string) =>
      send({ method: 'POST', remoteAddress, payload: { name, password: 'guess' } })
    const name = await Promise.all(Array.from({ length: 12 }, (_, i) => guess(`10.0.0.${i}`, 'ada')))
    const limited = name.filter(({ status }) => status === 429)
    expect(limited.length).toBeGreaterThanOrEqual(2)
    expect(Number(limited[0]!.headers['retry-after'])).toBeGreaterThan(0)
  })
})
