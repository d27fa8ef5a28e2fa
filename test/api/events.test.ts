import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Running, running } from './running.ts'

let run: Running
let url: string

beforeAll(async () => {
  run = await running()
  await run.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(run.app.server.address() as AddressInfo).port}`
})

afterAll(() => run.stop())

/** Events of a stream, read until there are `n`. */
async function read(path: string, n: number, headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const reply = await fetch(url + path, { headers, signal: stop.signal })
  const events: {
    id: string
    event: string
    data: { data: Record<string, unknown> } & Record<string, unknown>
  }[] = []
  let text = ''
  for await (const chunk of reply.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)))
      if (fields.event) events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) })
    }
    if (events.length >= n) break
  }
  stop.abort()
  return { reply, events }
}

/** Bytes of what is in use, garbage not counted. */
function heapUsed(): number {
  globalThis.gc!()
  return process.memoryUsage().heapUsed
}

const append = (...data: unknown[]) =>
  run.service.store.events.append(data.map((d) => ({ type: 'anomaly', data: d })))

describe('GET /events', () => {
  it('sends what happens from now on, and goes on behind the last event that was read', async () => {
    await append({ n: 'before' })
    const reading = read('/api/v1/events?types=anomaly', 2)
    await sleep(200)
    await append({ n: 1 })
    await run.service.store.events.append([{ type: 'job', data: { n: 'not asked for' } }])
    await append({ n: 2 })
    const { reply, events } = await reading
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(events.map(({ data }) => data.data.n)).toEqual([1, 2])
    expect(events[0]).toMatchObject({ event: 'anomaly', data: { type: 'anomaly', device_id: null } })
    expect(String(events[0]!.data.id)).toBe(events[0]!.id)

    await append({ n: 3 }, { n: 4 })
    const resumed = await read('/api/v1/events', 4, { 'last-event-id': events[0]!.id })
    expect(resumed.events.map(({ data }) => data.data.n)).toEqual(['not asked for', 2, 3, 4])
  })

  it('reads back more events than memory holds, in order, each once', async () => {
    const after = await run.service.store.events.last()
    const rows = Array.from({ length: 5000 }, (_, n) => ({ n }))
    const reading = read(`/api/v1/events?after=${after}`, rows.length)
    await append(...rows)
    expect((await reading).events.map(({ data }) => data.data.n)).toEqual(rows.map(({ n }) => n))
    const again = await read(`/api/v1/events?after=${after}`, rows.length)
    expect(again.events.map(({ id }) => Number(id))).toEqual(rows.map(({ n }) => after + 1 + n))
  })

  it('tells when events were missed that are gone', async () => {
    const { db } = run.service.store
    const after = await run.service.store.events.last()
    await append({ n: 1 }, { n: 2 }, { n: 3 })
    await db
      .deleteFrom('events')
      .where('seq', '<=', after + 2)
      .execute()
    const { events } = await read(`/api/v1/events?after=${after}`, 2)
    expect(events.map(({ event, id }) => [event, Number(id)])).toEqual([
      ['missed', after + 2],
      ['anomaly', after + 3],
    ])
  })

  it('keeps to one device, and says when there is none of that name', async () => {
    const { store } = run.service
    const ids = await store.devices.ensure(['plc-1', 'plc-2'])
    const reading = read('/api/v1/events?device=plc-2', 1)
    await sleep(100)
    for (const [name, deviceId] of ids) {
      await store.events.append([{ type: 'anomaly', deviceId, data: { name } }])
    }
    expect((await reading).events[0]!.data).toMatchObject({ device_id: ids.get('plc-2') })
    expect((await run.ask('GET', '/api/v1/events?device=none')).status).toBe(404)
    expect((await run.ask('GET', '/api/v1/events?types=x')).body.errors[0].path).toBe('query.types[0]')
  })

  it('holds nothing for a reader who does not read', async () => {
    const { port } = run.app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /api/v1/events?after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n')
    socket.pause()
    await sleep(100)
    const before = heapUsed()
    const text = 'x'.repeat(1000)
    for (let i = 0; i < 20; i++) await append(...Array.from({ length: 1000 }, (_, n) => ({ n, text })))
    await sleep(300)
    // 20,000 events are 20 MB in the store; memory holds the newest and what lies in the socket.
    expect(heapUsed() - before).toBeLessThan(15e6)
    expect(socket.bytesRead).toBeLessThan(1e6)
    socket.destroy()
  })
})

describe('/ws', () => {
  it('sends the same', async () => {
    const after = await run.service.store.events.last()
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?types=anomaly&after=${after}`)
    const messages: { id: number; data: { n: number } }[] = []
    socket.on('message', (data) => messages.push(JSON.parse(String(data))))
    await new Promise((open) => socket.on('open', open))
    await append({ n: 1 }, { n: 2 })
    await expect.poll(() => messages.map(({ data }) => data.n)).toEqual([1, 2])
    expect(messages[0]!.id).toBe(after + 1)
    socket.close()
  })

  it('refuses other sites, unknown devices and plain requests', async () => {
    const refused = (path: string, headers = {}) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url.replace('http', 'ws') + path, { headers })
        socket.on('error', () => {})
        socket.on('unexpected-response', (_, reply) => {
          resolve(reply.statusCode)
          socket.terminate()
        })
        socket.on('open', () => resolve('open'))
      })
    expect(await refused('/ws', { origin: 'https://example.org' })).toBe(403)
    expect(await refused('/ws?device=none')).toBe(404)
    expect(await refused('/ws?after=-1')).toBe(400)
    expect((await run.ask('GET', '/ws')).status).toBe(426)
  })

  it('ends streams when the server does', async () => {
    const other = await running()
    await other.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = other.app.server.address() as AddressInfo
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const closed = new Promise((resolve) => socket.on('close', resolve))
    await new Promise((open) => socket.on('open', open))
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/events`)
    const text = reply.text()
    const started = performance.now()
    await other.stop()
    await Promise.all([closed, text])
    expect(performance.now() - started).toBeLessThan(5000)
  })
})
