import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Routes } from '../app.ts'
import { Problem } from '../problem.ts'
import { Stored } from '../resources/detection.ts'

/** Bytes of one body; larger files are for `/detect/file`. */
const MOST_BYTES = 32 << 20

const READING = {
  id: 'device1',
  timestamp: '2023-03-01T08:00:00',
  temperature: 65.2,
  humidity: 42.3,
  network: { packetLoss: 0.5, latency: 25 },
}
const LINES = `${JSON.stringify(READING)}\n${JSON.stringify({ ...READING, timestamp: '2023-03-01T08:01:00' })}\n`

const Reading = z.looseObject({
  id: z.string().describe('the device; `device` and `device_id` are read too'),
  timestamp: z.string().describe('RFC 3339, or seconds since 1970 as a number'),
})

/** Bodies go as they are to the thread that stores them, which checks every record: here nothing is parsed. */
export const dataInRoutes: Routes = (app, { intake }) => {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    for (const type of ['application/json', 'application/x-ndjson', 'application/ndjson']) {
      scope.addContentTypeParser(type, { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    }
    scope.post(
      '/data',
      {
        bodyLimit: MOST_BYTES,
        config: { access: { role: 'operator', scope: 'data:write', audit: false } },
        schema: {
          tags: ['data'],
          summary: 'Store readings or flows',
          description:
            'One record, a list, or one a line (NDJSON). When this answers, what was accepted is on disk. Sending ' +
            'the same again does no harm: duplicates are counted, not stored. Wrong records are told; the others are stored.',
          querystring: z.strictObject({
            kind: z
              .enum(['readings', 'flows'])
              .default('readings')
              .describe(
                'flows are given by Zeek’s names: ts, orig_h, orig_p, resp_h, resp_p, proto, orig_bytes …',
              ),
          }),
          bodyContent: {
            'application/json': { schema: z.union([Reading, z.array(Reading)]), example: READING },
            'application/x-ndjson': { schema: z.string(), example: LINES },
          },
          response: { 200: Stored },
        },
      },
      async (request, reply) => store(request, reply),
    )

    async function store(request: FastifyRequest, reply: FastifyReply) {
      const { kind } = request.query as { kind: 'readings' | 'flows' }
      const { body } = request
      if (!Buffer.isBuffer(body) || body.length === 0) {
        throw new Problem(400, 'Invalid request', 'the body is empty; send a record, a list, or one a line')
      }
      const result = await intake.write(kind, body, 'api')
      if (result.read === 0) throw new Problem(400, 'Invalid request', 'the body has no record')
      if (result.rejected === result.read) {
        const errors = result.problems.map(({ record, path, message }) => {
          const place = result.read === 1 ? 'body' : `body[${record}]`
          return { path: path === '' ? place : `${place}.${path}`, message }
        })
        const detail = `no record was stored; ${errors[0]!.path}: ${errors[0]!.message}`
        throw new Problem(400, 'Invalid request', detail, { errors })
      }
      return reply.send({ ...result, problems: [...result.problems] })
    }
  })
}
