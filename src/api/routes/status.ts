import { z } from 'zod'
import { Learning } from '../../live/learning.ts'
import type { Routes } from '../app.ts'

const LearningOut = z
  .object({
    kind: z.enum(['flows', 'readings']),
    state: z
      .enum(['gathering', 'learning', 'off'])
      .describe('off: a person chose the active model, so that only a person replaces it'),
    devices: z.int().describe('new to the active model; a thousand stands for a thousand or more'),
    records: z.int().describe('of these devices'),
    records_needed: z.int(),
    hours: z.int().describe('in which there were some'),
    hours_needed: z.int(),
  })
  .meta({ id: 'Learning' })

export const Status = z
  .object({
    status: z.enum(['ok', 'starting']),
    waiting: z.record(z.string(), z.string()).describe('what it still waits for, and why'),
    version: z.string(),
    uptime: z.number().describe('seconds'),
    database: z.enum(['sqlite', 'postgres']),
    models: z.array(z.object({ id: z.int(), kind: z.enum(['flows', 'readings']), name: z.string() })),
    detection: z
      .object({
        waiting: z.int().describe('records stored and not yet judged'),
        behind: z.number().describe('seconds since the oldest of them was accepted; 0 when there is none'),
      })
      .describe('live detection follows what is stored'),
    learning: z
      .array(LearningOut)
      .describe('devices of your own that the service will learn by itself, and what is there of them'),
    intake: z
      .object({ accepted: z.int(), duplicates: z.int(), rejected: z.int(), waiting_bytes: z.int() })
      .describe('records since the start'),
  })
  .meta({
    id: 'Status',
    examples: [
      {
        status: 'ok',
        waiting: {},
        version: '0.1.0',
        uptime: 86.4,
        database: 'sqlite',
        models: [{ id: 1, kind: 'readings', name: 'readings 1' }],
        detection: { waiting: 0, behind: 0 },
        learning: [
          {
            kind: 'readings',
            state: 'gathering',
            devices: 3,
            records: 312,
            records_needed: 1000,
            hours: 2,
            hours_needed: 24,
          },
        ],
        intake: { accepted: 34217, duplicates: 0, rejected: 0, waiting_bytes: 0 },
      },
    ],
  })

export const statusRoutes: Routes = (app, service) => {
  const { store, intake, started, version } = service
  app.get(
    '/status',
    {
      config: { access: { role: 'viewer' } },
      schema: { tags: ['status'], summary: 'Is all well?', response: { 200: Status } },
    },
    async () => {
      const now = Date.now() / 1000
      const waiting = await service.waiting()
      const active = (await store.models.list()).filter((model) => model.active === 1)
      const state = await store.db
        .selectFrom('engine_states')
        .select('seq')
        .where('name', '=', 'live')
        .executeTakeFirst()
      const learning = await (await Learning.load(store, active)).progress(store)
      const { records, oldest } = await store.journal.backlog(state?.seq ?? 0)
      const { accepted, duplicates, rejected, waitingBytes } = intake.state()
      return {
        status: Object.keys(waiting).length === 0 ? ('ok' as const) : ('starting' as const),
        waiting,
        version,
        uptime: now - started,
        database: store.database.dialect,
        models: active.map(({ id, kind, name }) => ({ id, kind, name })),
        detection: { waiting: records, behind: oldest === null ? 0 : Math.max(0, now - oldest) },
        learning,
        intake: { accepted, duplicates, rejected, waiting_bytes: waitingBytes },
      }
    },
  )
}
