import { z } from 'zod'
import type { Routes } from '../app.ts'

export const Status = z
  .object({
    status: z.literal('ok'),
    version: z.string(),
    uptime: z.number().describe('seconds'),
  })
  .meta({ id: 'Status', examples: [{ status: 'ok', version: '0.1.0', uptime: 86.4 }] })

export const statusRoutes: Routes = (app, service) => {
  app.get(
    '/status',
    {
      config: { access: { role: 'viewer' } },
      schema: { tags: ['status'], summary: 'Is all well?', response: { 200: Status } },
    },
    () => ({
      status: 'ok' as const,
      version: service.version,
      uptime: Date.now() / 1000 - service.started,
    }),
  )
}
