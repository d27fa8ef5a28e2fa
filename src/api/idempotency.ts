import { createHash } from 'node:crypto'
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
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

/**
 * Whether a route takes the header: one that changes something, of somebody who is known. Where there are passwords or
 * tokens nothing of request or answer is kept.
 */
export function takesKey(method: string, { access, secret }: FastifyContextConfig): boolean {
  return ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) && access?.role !== 'public' && secret !== true
}

/** A write with an `Idempotency-Key` is done once: repeated, it gets the answer of the first time. */
export function answerOnce(app: App, { store: { db } }: Service): void {
  let swept = 0
  app.addHook('preHandler', async (request, reply) => {
    // Whoever sends none does not pay for one.
    if (request.headers['idempotency-key'] === undefined) return undefined
    if (Date.now() - swept > SWEEP) {
      swept = Date.now()
      await db
        .deleteFrom('idempotency')
        .where('created', '<', Date.now() / 1000 - KEPT)
        .execute()
    }
    // Files are read later, by their routes, which ask themselves.
    if (/^multipart\//.test(request.headers['content-type'] ?? '')) return undefined
    return (await answeredBefore(db, request, reply, digestOf(request))) ? reply : undefined
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

/**
 * Answers a request as the first one with its `Idempotency-Key` was answered.
 *
 * @param digest of what the request sends
 * @returns whether it has; false when this is the first
 * @throws Problem when it was another body, or the first one is not answered yet
 */
export async function answeredBefore(
  db: Service['store']['db'],
  request: FastifyRequest,
  reply: FastifyReply,
  digest: string,
): Promise<boolean> {
  const name = request.headers['idempotency-key']
  if (name === undefined || !takesKey(request.method, request.routeOptions.config)) return false
  const { success, data } = IdempotencyKey.safeParse(name)
  if (!success) {
    throw new Problem(400, 'Invalid request', 'headers.idempotency-key expects 1 to 200 characters')
  }
  const key = `${request.caller.name} ${request.method} ${request.url} ${data}`
  const now = Date.now() / 1000
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
    return false
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
  reply.send(body)
  return true
}

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function digestOf({ body }: FastifyRequest): string {
  return sha256Of(Buffer.isBuffer(body) ? body : body === undefined ? '' : JSON.stringify(body))
}
