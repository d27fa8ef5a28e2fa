import { z } from 'zod'
import type { Routes } from '../app.ts'
import { Problem } from '../problem.ts'

const PUBLIC = { access: { role: 'public' } } as const

const Ready = z.object({ ready: z.literal(true) }).meta({ id: 'Ready', examples: [{ ready: true }] })

/** For whoever looks after the process; at the root, where they look by habit. */
export const healthRoutes: Routes = (app, service) => {
  app.get(
    '/healthz',
    {
      config: PUBLIC,
      schema: {
        tags: ['operation'],
        summary: 'Does the process answer?',
        response: { 200: z.object({ status: z.literal('ok') }).meta({ id: 'Health' }) },
      },
    },
    () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      config: { ...PUBLIC, problems: [503] },
      schema: {
        tags: ['operation'],
        summary: 'Can it do all of its work: is the database there, are there models?',
        response: { 200: Ready },
      },
    },
    async () => {
      const waiting = Object.entries(await service.waiting())
      if (waiting.length === 0) return { ready: true as const }
      const why = waiting.map(([name, reason]) => `${name}: ${reason}`).join('; ')
      throw new Problem(503, 'Not ready', why, { retryAfter: 2 })
    },
  )

  app.get(
    '/metrics',
    {
      config: { access: { role: 'viewer', scope: 'metrics:read' } },
      schema: {
        tags: ['operation'],
        summary: 'Figures for Prometheus',
        answerContent: { 'text/plain': { schema: z.string() } },
        response: { 200: z.string() },
      },
    },
    async (_, reply) => {
      const { registry } = service.metrics
      const text = await registry.metrics()
      return reply.type(registry.contentType).send(text)
    },
  )
}
