import { setTimeout as pause } from 'node:timers/promises'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { WebSocket } from 'ws'

/** Seconds that events have to come. */
const PATIENCE = 20

/** An event as it came: its fields as text, and what its data says. */
interface Sent {
  readonly id: string
  readonly event: string
  readonly data: { readonly id: number; readonly type: string }
}

/** A service that is asked for its events, and by whom. */
interface Asked {
  readonly url: string
  /** Of somebody who may follow events and begin jobs. */
  readonly token: string
  /** Of somebody who may not. */
  readonly useless: string
}

/**
 * The two streams of events against their documentation: headers, what the events hold, going on behind one that was
 * read, filters, and what is refused.
 *
 * @param document the OpenAPI document
 * @returns what is not as it should be
 */
export async function streamFaults(document: object, asked: Asked): Promise<string[]> {
  const { url, token } = asked
  const faults: string[] = []
  const expect = (good: boolean, what: string) => void (good || faults.push(what))
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'document', ...document })
  const isEvent = ajv.compile({ $ref: 'document#/components/schemas/Event' })
  const isProblem = ajv.compile({ $ref: 'document#/components/schemas/Problem' })

  const last = await lastId(asked)
  const all = read(asked, { after: String(last) }, {}, 3)
  const socket = messages(asked, { after: String(last) }, 3)
  for (let i = 0; i < 2; i++) {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    await fetch(`${url}/api/v1/jobs`, { method: 'POST', headers, body: '{"kind":"retention"}' })
  }
  const { reply, events } = await all
  expect(reply.status === 200, `GET /events answered ${reply.status}`)
  for (const [name, value] of [
    ['content-type', 'text/event-stream; charset=utf-8'],
    ['cache-control', 'no-store'],
    ['x-accel-buffering', 'no'],
    ['x-content-type-options', 'nosniff'],
  ] as const) {
    expect(reply.headers.get(name) === value, `GET /events has ${name}: ${reply.headers.get(name)}`)
  }
  expect(events.length >= 3, `GET /events sent ${events.length} events of at least 3 within ${PATIENCE} s`)
  for (const { id, event, data } of events) {
    expect(
      isEvent(data),
      `an event is not as documented: ${ajv.errorsText(isEvent.errors)}: ${JSON.stringify(data)}`,
    )
    expect(
      id === String(data.id) && event === data.type,
      `id or event differ from data: ${JSON.stringify(data)}`,
    )
  }
  const ids = events.map(({ data }) => data.id)
  expect(
    ids.every((id, i) => id > (ids[i - 1] ?? last)),
    `events are not in order: ${ids.join(' ')}`,
  )

  const rest = JSON.stringify(events.slice(1))
  const behind = String(ids[0])
  const resumed = await read(asked, {}, { 'last-event-id': behind }, events.length - 1)
  expect(JSON.stringify(resumed.events) === rest, 'GET /events goes on otherwise behind Last-Event-ID')
  const after = await read(asked, { after: behind }, {}, events.length - 1)
  expect(JSON.stringify(after.events) === rest, 'GET /events goes on otherwise behind `after`')
  const jobs = await read(asked, { after: String(last), types: 'job' }, {}, 3)
  expect(
    jobs.events.length >= 3 && jobs.events.every(({ event }) => event === 'job'),
    'GET /events?types=job sends something else',
  )
  const others = await read(asked, { after: String(last), types: 'anomaly' }, {}, 1, 1)
  expect(others.events.length === 0, 'GET /events?types=anomaly sends events of jobs')
  const told = await socket
  const same = JSON.stringify(told) === JSON.stringify(events.slice(0, told.length).map(({ data }) => data))
  expect(told.length >= 3 && same, '/ws sends something else than GET /events')

  faults.push(...(await refusals(asked, isProblem)))
  return faults
}

/** What both streams must refuse, and how. */
async function refusals(asked: Asked, isProblem: ValidateFunction): Promise<string[]> {
  const faults: string[] = []
  const by = (token: string) => ({ authorization: `Bearer ${token}` })
  const cases: [query: string, headers: Record<string, string>, status: number][] = [
    ['types=nonsense', by(asked.token), 400],
    ['after=-1', by(asked.token), 400],
    ['after=soon', by(asked.token), 400],
    ['device=', by(asked.token), 400],
    ['device=nobody', by(asked.token), 404],
    ['type=job', by(asked.token), 400],
    ['', {}, 401],
    ['', by('mwt_nobody'), 401],
    ['', by(asked.useless), 403],
    ['', { ...by(asked.token), origin: 'https://elsewhere.example' }, 403],
  ]
  for (const path of ['/api/v1/events', '/ws']) {
    for (const [query, headers, status] of cases) {
      const where = `${path}?${query}`
      const answer =
        path === '/ws' ? await upgrade(asked.url + where, headers) : await get(asked.url + where, headers)
      if (answer.status !== status) faults.push(`${where} answered ${answer.status}, expected ${status}`)
      else if (!isProblem(answer.body)) faults.push(`${where} answered ${status} without problem details`)
    }
  }
  const plain = await get(`${asked.url}/ws`, by(asked.token))
  if (plain.status !== 426) faults.push(`GET /ws answered ${plain.status}, expected 426`)
  const wrong = await get(`${asked.url}/api/v1/events`, { ...by(asked.token), 'last-event-id': 'x' })
  if (wrong.status !== 400) faults.push(`Last-Event-ID: x answered ${wrong.status}, expected 400`)
  return faults
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function get(url: string, headers: Record<string, string>): Promise<Answer> {
  const stop = AbortSignal.timeout(PATIENCE * 1000)
  const reply = await fetch(url, { headers, signal: stop })
  if (reply.ok) {
    await reply.body?.cancel()
    return { status: reply.status, body: undefined }
  }
  return { status: reply.status, body: await reply.json() }
}

/** Asks for a WebSocket; status 101 when there is one. */
function upgrade(url: string, headers: Record<string, string>): Promise<Answer> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers })
  return new Promise((resolve) => {
    socket.on('error', () => {})
    socket.on('open', () => {
      socket.close()
      resolve({ status: 101, body: undefined })
    })
    socket.on('unexpected-response', async (_, reply) => {
      let text = ''
      for await (const chunk of reply) text += chunk
      resolve({ status: reply.statusCode ?? 0, body: JSON.parse(text) })
    })
  })
}

/** The number that a stream which begins now names as its place. */
async function lastId({ url, token }: Asked): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  const reply = await fetch(`${url}/api/v1/events`, { headers })
  let text = ''
  for await (const chunk of reply.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const [, id] = /^id: (\d+)$/m.exec(text) ?? []
    if (id !== undefined) return Number(id)
  }
  throw new Error(`GET /events does not begin with its place: ${text}`)
}

/** Reads events until there are `n`, or `seconds` are over. */
async function read(
  { url, token }: Asked,
  query: Record<string, string>,
  headers: Record<string, string>,
  n: number,
  seconds = PATIENCE,
): Promise<{ reply: Response; events: Sent[] }> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), seconds * 1000)
  const reply = await fetch(`${url}/api/v1/events?${new URLSearchParams(query)}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: stop.signal,
  })
  const events: Sent[] = []
  let text = ''
  try {
    for await (const chunk of reply.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      for (const block of blocks) {
        const {
          id = '',
          event,
          data,
        } = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s)))
        if (event && data) events.push({ id, event, data: JSON.parse(data) })
      }
      if (events.length >= n) break
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
  return { reply, events }
}

/** Messages of the WebSocket, until there are `n`. */
async function messages(
  { url, token }: Asked,
  query: Record<string, string>,
  n: number,
): Promise<Sent['data'][]> {
  const headers = { authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?${new URLSearchParams(query)}`, { headers })
  const got: Sent['data'][] = []
  socket.on('message', (data) => got.push(JSON.parse(String(data))))
  for (let i = 0; i < PATIENCE * 20 && got.length < n; i++) await pause(50)
  socket.close()
  return got
}
