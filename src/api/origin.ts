import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Service } from '../service/service.ts'
import type { App } from './app.ts'
import { Problem } from './problem.ts'

/** What a page of another site may send and read, where it may at all. */
const ALLOWED = {
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'authorization, content-type, idempotency-key, last-event-id',
  'access-control-expose-headers': 'retry-after, location, link',
  'access-control-max-age': '600',
} as const

/**
 * Pages of other sites get nothing (CORS is off), and what they send is refused, WebSockets too, so that nobody is
 * made to do what he did not want; except those of `access.origins`, which need a token as cookies don't go there.
 */
export function checkOrigin(app: App, { config }: Service): void {
  const friends = new Set(config.access.origins.map((origin) => new URL(origin).origin))
  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    if (origin === undefined || isOwn(origin, request)) return done()
    if (!friends.has(origin)) {
      return done(
        new Problem(
          403,
          'Forbidden',
          `pages of ${JSON.stringify(origin.slice(0, 100))} may not use this service; access.origins names those that may`,
        ),
      )
    }
    reply.headers({ ...ALLOWED, 'access-control-allow-origin': origin, vary: 'Origin' })
    if (request.method === 'OPTIONS') return void preflight(reply)
    done()
  })
}

function preflight(reply: FastifyReply): void {
  reply.code(204).send()
}

/** Whether a page is one of this service itself. */
export function isOwn(origin: string, request: FastifyRequest): boolean {
  try {
    return new URL(origin).host === request.host.toLowerCase()
  } catch {
    // "null": a page without an address, such as a file.
    return false
  }
}
