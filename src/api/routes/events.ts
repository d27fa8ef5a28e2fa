import { Readable } from 'node:stream'
import { z } from 'zod'
import type { EventFilter, FeedItem } from '../../live/events-feed.ts'
import type { Service } from '../../service/service.ts'
import type { App, Routes } from '../app.ts'
import { notFound, Problem } from '../problem.ts'
import { DeviceIn, listIn, numberIn, Time, timeOf } from '../schemas.ts'

/** Milliseconds between two signs of life on a silent stream. */
const HEARTBEAT = 15_000
/** Milliseconds that a reader may take for one portion before it is cut off; it comes back where it was. */
const PATIENCE = 30_000
/** Milliseconds after which a stream ends and is opened again: who may no longer read is asked then. */
const LONGEST = 3_600_000
/** Streams at a time. */
const MOST = 1000

export const EVENT_TYPES = ['anomaly', 'incident', 'device', 'job', 'model', 'alert'] as const

const EventOut = z
  .object({
    id: z.int().describe('counts up; go on behind it with Last-Event-ID or `after`'),
    type: z.enum([...EVENT_TYPES, 'missed']),
    at: Time.nullable(),
    device_id: z.int().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })

const Query = z.strictObject({
  types: listIn(z.enum(EVENT_TYPES))
    .optional()
    .meta({ description: 'only these', examples: [['anomaly', 'job']] }),
  device: DeviceIn.optional(),
  after: numberIn(z.int().min(0)).optional().describe('number of the last event that was read'),
})

const EXAMPLE = `id: 41
event: anomaly
data: {"id":41,"type":"anomaly","at":"2025-03-06T22:29:26.000Z","device_id":3,"data":{"id":7,"type":"exfiltration","confidence":0.99}}

`

export const eventRoutes: Routes = (app, service) => {
  const streams = new Streams(app)
  app.get(
    '/events',
    {
      config: { access: { role: 'viewer', scope: 'events:read' } },
      schema: {
        tags: ['events'],
        summary: 'What happens, as server-sent events',
        description:
          'Anomalies, incidents, devices, jobs, models and alerts as they come, resumed behind Last-Event-ID. A comment comes every 15 s; after an hour, or when a reader is too slow, the stream ends and browsers open it again. `missed` says that older events than the next one were removed. The same comes over a WebSocket at /ws.',
        querystring: Query,
        headers: z.object({
          'last-event-id': z
            .string()
            .regex(/^\d{1,15}$/)
            .optional()
            .meta({ description: 'as `after`; browsers send it by themselves', examples: ['41'] }),
        }),
        response: { 200: EventOut },
        answerContent: {
          'text/event-stream': { schema: z.string(), messages: EventOut, example: EXAMPLE },
        },
      },
    },
    async (request, reply) => {
      const filter = await filterOf(service, request.query)
      const id = request.headers['last-event-id']
      const after = id === undefined ? request.query.after : Number(id)
      const place = await service.feed.placeOf(after)
      const { signal, end } = streams.open()
      const texts = patiently(sseOf(service, filter, place, signal), () => stream.destroy())
      const stream = Readable.from(texts, { highWaterMark: 1 })
      stream.on('close', end)
      reply.raw.on('close', end)
      reply.header('content-type', 'text/event-stream; charset=utf-8')
      // Proxies would hold events back until there are many.
      reply.headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      return reply.send(stream as never)
    },
  )
}

/** The same over a WebSocket, one JSON message an event; what the client sends is not read. */
export function eventSocket(app: App, service: Service): void {
  const streams = new Streams(app)
  app.route({
    method: 'GET',
    url: '/ws',
    config: { access: { role: 'viewer', scope: 'events:read' } },
    schema: { hide: true, querystring: Query },
    // Asked before the connection is one: browsers do not tell why a socket was closed.
    preHandler: async ({ query }) => {
      streams.check()
      await filterOf(service, query)
    },
    handler: async () => {
      throw new Problem(
        426,
        'Upgrade required',
        '/ws is a WebSocket; GET /api/v1/events is the same over HTTP',
      )
    },
    wsHandler: async (socket, { query }) => {
      const { types, device, after } = query as z.output<typeof Query>
      const { signal, end } = streams.open()
      let alive = true
      const heartbeat = setInterval(() => {
        if (!alive) socket.terminate()
        alive = false
        socket.ping()
      }, HEARTBEAT)
      socket.on('pong', () => {
        alive = true
      })
      socket.on('close', () => {
        clearInterval(heartbeat)
        end()
      })
      const filter = await filterOf(service, { types, device, after })
      const place = await service.feed.placeOf(after)
      for await (const items of service.feed.follow(filter, place, signal)) {
        for (const item of items) {
          const cut = setTimeout(() => socket.terminate(), PATIENCE)
          await new Promise((sent) => socket.send(JSON.stringify(eventOut(item)), sent))
          clearTimeout(cut)
        }
      }
      socket.close(1012, 'open it again')
    },
  })
}

/** Streams that are open; they end when the server does. */
class Streams {
  readonly #open = new Set<AbortController>()

  constructor(app: App) {
    app.addHook('preClose', async () => {
      for (const stream of this.#open) stream.abort()
    })
  }

  /** @throws Problem when there are as many as there may be */
  check(): void {
    if (this.#open.size >= MOST) {
      throw new Problem(503, 'Busy', `${MOST} streams of events are open already`, { retryAfter: 30 })
    }
  }

  open(): { signal: AbortSignal; end: () => void } {
    this.check()
    const controller = new AbortController()
    this.#open.add(controller)
    const timer = setTimeout(() => controller.abort(), LONGEST).unref()
    const end = () => {
      clearTimeout(timer)
      controller.abort()
      this.#open.delete(controller)
    }
    return { signal: controller.signal, end }
  }
}

async function filterOf({ store }: Service, { types, device }: z.output<typeof Query>): Promise<EventFilter> {
  if (device === undefined) return { types }
  const found = await store.devices.find(device)
  if (!found) throw notFound(`there is no device ${JSON.stringify(device)}`)
  return { types, deviceId: found.id }
}

function eventOut(item: FeedItem): z.input<typeof EventOut> {
  if (!('data_json' in item)) {
    return { id: item.seq, type: 'missed', at: null, device_id: null, data: {} }
  }
  const { seq, type, at, device_id, data_json } = item
  return {
    id: seq,
    type: type as (typeof EVENT_TYPES)[number],
    at: timeOf(at),
    device_id,
    data: JSON.parse(data_json),
  }
}

/** Text of a stream: portions of events, and a comment where there are none for long. */
async function* sseOf(
  service: Service,
  filter: EventFilter,
  place: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const portions = service.feed.follow(filter, place, signal)
  let next = portions.next()
  yield `retry: 2000\nid: ${place}\n\n`
  while (true) {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, HEARTBEAT, undefined)
    })
    const portion = await Promise.race([next, silence])
    clearTimeout(timer)
    if (portion === undefined) {
      yield ': still here\n\n'
      continue
    }
    if (portion.done) return
    next = portions.next()
    // It fails where it is awaited, if it is.
    next.catch(() => {})
    yield portion.value.map(sse).join('')
  }
}

/** Hands text on to a reader who has to take each piece in time. */
async function* patiently(texts: AsyncGenerator<string>, cut: () => void): AsyncGenerator<string> {
  for await (const text of texts) {
    const timer = setTimeout(cut, PATIENCE)
    yield text
    clearTimeout(timer)
  }
}

function sse(item: FeedItem): string {
  const event = eventOut(item)
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}
