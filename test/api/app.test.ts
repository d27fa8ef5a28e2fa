import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApp } from '../../src/api/app.ts'
import { type Running, running } from './running.ts'

let api: Running
beforeAll(async () => {
  api = await running()
})
afterAll(() => api.stop())

it('closes without waiting for connections that fall idle meanwhile', async () => {
  const other = await running()
  const url = await other.app.listen({ host: '127.0.0.1', port: 0 })
  const headers = { 'content-type': 'application/json', expect: '100-continue' }
  const agent = new Agent({ keepAlive: true })
  const begun = request(`${url}/api/v1/session`, { method: 'POST', headers, agent })
  begun.flushHeaders()
  await once(begun, 'continue')
  const began = performance.now()
  const stopped = other.stop()
  await sleep(100)
  begun.end(JSON.stringify({ name: 'nobody', password: 'x' }))
  const [reply] = (await once(begun, 'response')) as [IncomingMessage]
  expect(reply.resume().statusCode).toBe(401)
  await stopped
  // Requests that never end would be cut off after ten seconds.
  expect(performance.now() - began).toBeLessThan(9000)
})

describe('problems', () => {
  it('an unknown path', async () => {
    const { status, headers, body } = await api.ask('GET', '/api/v1/nothing')
    expect(status).toBe(404)
    expect(headers['content-type']).toContain('application/problem+json')
    expect(body).toMatchObject({ title: 'Not found', status: 404, type: 'urn:motewatch:problem:not-found' })
  })

  it('a method that a path does not have', async () => {
    const { status, headers, body } = await api.ask('DELETE', '/api/v1/status?x=1')
    expect(status).toBe(405)
    expect(headers.allow).toBe('GET, HEAD')
    expect(body.detail).toContain('/api/v1/status takes GET, HEAD, not DELETE')
  })

  it('a path that cannot be decoded', async () => {
    const { status, headers } = await api.ask('GET', '/api/v1/%zz')
    expect(status).toBe(400)
    expect(headers['content-type']).toContain('application/problem+json')
  })
})

describe('a route', () => {
  it('without access stops the start', async () => {
    const app = await createApp(api.service)
    app.get('/open', () => 'oops')
    await expect(app.ready()).rejects.toThrow(/GET \/open.*config\.access/)
    await app.close()
  })

  it('tells the place of every wrong field', async () => {
    const app = await createApp(api.service)
    const body = z.strictObject({
      name: z.string(),
      readings: z.array(z.object({ value: z.number() })),
      target: z.union([z.object({ url: z.string() }), z.object({ mail: z.string(), port: z.number() })]),
    })
    const access = { role: 'viewer' } as const
    app.post('/try', { config: { access }, schema: { body, summary: 'try' } }, () => 'fine')
    const payload = {
      name: 1,
      readings: [{ value: 1 }, { value: 'x' }],
      target: { mail: 'a', port: 'b' },
      nmae: 2,
    }
    const reply = await app.inject({ method: 'POST', url: '/try', payload })
    expect(reply.statusCode).toBe(400)
    const paths = reply.json().errors.map((e: { path: string }) => e.path)
    expect(paths.sort()).toEqual(['body.name', 'body.nmae', 'body.readings[1].value', 'body.target.port'])
    const malformed = await app.inject({
      method: 'POST',
      url: '/try',
      payload: '{"name":',
      headers: { 'content-type': 'application/json' },
    })
    expect(malformed.statusCode).toBe(400)
    expect(malformed.json().detail).toContain('JSON')
    const text = await app.inject({
      method: 'POST',
      url: '/try',
      payload: 'x',
      headers: { 'content-type': 'text/weird' },
    })
    expect(text.statusCode).toBe(415)
    expect(text.headers['content-type']).toContain('application/problem+json')
    const big = await app.inject({ method: 'POST', url: '/try', payload: { name: 'x'.repeat(2 << 20) } })
    expect(big.statusCode).toBe(413)
    await app.close()
  })

  it('that answers what is not documented fails with 500 and tells no secrets', async () => {
    const app = await createApp(api.service)
    const schema = { summary: 'try', response: { 200: z.object({ n: z.number() }) } }
    const access = { role: 'viewer' } as const
    app.get('/wrong', { config: { access }, schema }, () => ({ n: 'secret' }) as unknown as { n: number })
    app.get('/more', { config: { access }, schema }, () => ({ n: 1, password: 'secret' }))
    const wrong = await app.inject('/wrong')
    expect(wrong.statusCode).toBe(500)
    expect(wrong.body).not.toContain('secret')
    expect((await app.inject('/more')).json()).toEqual({ n: 1 })
    await app.close()
  })
})

describe('documentation', () => {
  it('is OpenAPI 3.1 with examples and errors', async () => {
    const { body } = await api.ask('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    const { get } = body.paths['/api/v1/status']
    expect(get.responses['200'].content['application/json'].example.status).toBe('ok')
    expect(get.responses['401']).toEqual({ $ref: '#/components/responses/Problem401' })
  })

  it.each(['/docs', '/redoc'])('%s loads nothing from elsewhere', async (page) => {
    const { status, headers, body } = await api.ask('GET', page)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    const files = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map((m) => m[1])
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) {
      const asset = await api.ask('GET', file)
      expect(asset.status, file).toBe(200)
      expect(asset.headers['content-type'], file).toContain('charset=utf-8')
      expect(asset.body, file).not.toContain('cdn.redoc.ly')
    }
  })
})

describe('text', () => {
  const nul = '{"name":"a","password":"\\u0000"}'
  it.each([
    ['POST', '/api/v1/session', nul, 'body.password'],
    ['POST', '/api/v1/session', nul.replace('"a"', '["b",{"\\u0000":1}]'), 'body.name[1]'],
    ['GET', '/api/v1/anomalies?device_id=a%00', undefined, 'query.device_id'],
    ['GET', '/api/v1/devices/a%00', undefined, 'path.device'],
  ] as const)('%s %s with a character that no database has is refused', async (method, url, body, path) => {
    const answer = await api.ask(method, url, body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]).toMatchObject({ path, message: expect.stringContaining('U+0000') })
  })

  it('is looked for in what is nested as deep as a body can be', async () => {
    const deep = `${'['.repeat(300_000)}"\\u0000"${']'.repeat(300_000)}`
    expect((await api.ask('POST', '/api/v1/session', deep)).status).toBe(400)
  })

  it('that only looks like it is taken', async () => {
    const looks = nul.replace('\\u0000', '\\\\u0000')
    expect((await api.ask('POST', '/api/v1/session', looks)).status).toBe(401)
  })
})
