import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Service } from '../service/service.ts'
import type { App } from './app.ts'
import { Problem } from './problem.ts'

/** Seconds that answers are kept. */
const KEPT = 86_400
/** Seconds after which a request that was never answered counts as one of a process that died. */
const ABANDONED = 60
/** Milliseconds between two looks for old answers. */
const SWEEP = 600_000

export const IdempotencyKey = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .meta({
    description:
      'a name of your own for this request: sent again within a day, it is not done again but answered the same',
    examples: ['6d0c5a3e-0f0b-4c1e-9a52-8f4e0a4b7c11'],
  })

declare module 'fastify' {
  interface FastifyRequest {
    /** The row that waits for this request's answer. */
    idempotency?: string
  }
}

/** Whether a route takes the header: one that changes something, of somebody who is known. */
export function takesKey(method: string, role: string | undefined): boolean {
  return ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) && role !== 'public'
}

/** A write with an `Idempotency-Key` is done once: repeated, it gets the answer of the first time. */
export function answerOnce(app: App, { store: { db } }: Service): void {
  let swept = 0
  app.addHook('preHandler', async (request, reply) => {
    const name = request.headers['idempotency-key']
    if (name === undefined || !takesKey(request.method, request.routeOptions.config.access?.role)) return
    const { success, data } = IdempotencyKey.safeParse(name)
    if (!success)
      throw new Problem(400, 'Invalid request', 'headers.idempotency-key expects 1 to 200 characters')
    const key = `${request.caller.name} ${request.method} ${request.url} ${data}`
    const digest = digestOf(request)
    const now = Date.now() / 1000
    if (Date.now() - swept > SWEEP) {
      swept = Date.now()
      await db
        .deleteFrom('idempotency')
        .where('created', '<', now - KEPT)
        .execute()
    }
    await db
      .deleteFrom('idempotency')
      .where('key', '=', key)
      .where('status', '=', 0)
      .where('created', '<', now - ABANDONED)
      .execute()
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('idempotency')
      .values({ key, request: digest, status: 0, body: '', created: now })
      .onConflict((c) => c.column('key').doNothing())
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows === 1n) {
      request.idempotency = key
      return
    }
    const before = await db.selectFrom('idempotency').selectAll().where('key', '=', key).executeTakeFirst()
    if (before && before.request !== digest) {
      throw new Problem(
        422,
        'Key used before',
        'this Idempotency-Key was used with another body; use a new one',
      )
    }
    if (!before || before.status === 0) {
      throw new Problem(409, 'Conflict', 'the same request is being answered; try again', { retryAfter: 1 })
    }
    const { type, body } = JSON.parse(before.body) as { type: string; body: string }
    reply.code(before.status).header('idempotency-replayed', 'true')
    if (type !== '') reply.type(type)
    return reply.send(body)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const { idempotency: key } = request
    if (key === undefined) return payload
    const text =
      typeof payload === 'string' ? payload : payload === undefined || payload === null ? '' : undefined
    if (text === undefined || reply.statusCode >= 500 || reply.statusCode === 429) {
      // Nothing was done, or it cannot be told: the request may be sent again.
      await db.deleteFrom('idempotency').where('key', '=', key).execute()
      return payload
    }
    const type = String(reply.getHeader('content-type') ?? '')
    await db
      .updateTable('idempotency')
      .set({ status: reply.statusCode, body: JSON.stringify({ type, body: text }) })
      .where('key', '=', key)
      .execute()
    return payload
  })
}

/** Tells bodies apart; a file, which is read later, by its length. */
function digestOf({ body, headers }: FastifyRequest): string {
  const hash = createHash('sha256')
  if (Buffer.isBuffer(body)) hash.update(body)
  else if (body !== undefined) hash.update(JSON.stringify(body))
  else hash.update(headers['content-length'] ?? '')
  return hash.digest('hex')
}
