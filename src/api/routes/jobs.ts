import { z } from 'zod'
import type { Job } from '../../jobs/jobs.ts'
import { JOB_KINDS } from '../../jobs/kinds/all.ts'
import type { Routes } from '../app.ts'
import { notFound, wrongField } from '../problem.ts'
import { Id, Page, pageOf, Time, timeOf } from '../schemas.ts'

const STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const

/** A job as the API shows it. */
export const JobOut = z
  .object({
    id: z.int(),
    kind: z.string(),
    state: z.enum(STATES),
    progress: z.number().min(0).max(1).nullable().describe('null while unknown'),
    message: z.string().describe('what it is doing'),
    params: z.record(z.string(), z.unknown()),
    result: z.record(z.string(), z.unknown()).nullable().describe('once it is done'),
    error: z.object({ type: z.string(), message: z.string() }).nullable().describe('why it failed'),
    created_by: z.string(),
    created: Time,
    started: Time.nullable(),
    finished: Time.nullable(),
    attempts: z.int().describe('more than one where the service was ended while it ran'),
  })
  .meta({
    id: 'Job',
    examples: [
      {
        id: 7,
        kind: 'detect-file',
        state: 'running',
        progress: 0.4,
        message: 'reading',
        params: { upload: { file: '6f3c…', name: 'capture.pcap' } },
        result: null,
        error: null,
        created_by: 'ada',
        created: '2025-03-06T22:29:26.000Z',
        started: '2025-03-06T22:29:27.000Z',
        finished: null,
        attempts: 1,
      },
    ],
  })

export function jobOut(job: Job): z.input<typeof JobOut> {
  return {
    ...job,
    params: job.params as Record<string, unknown>,
    result: job.result as Record<string, unknown> | null,
    created: timeOf(job.created),
    started: timeOf(job.started),
    finished: timeOf(job.finished),
  }
}

/** The jobs that need no file, as a body asks for them. Files are sent to the routes that take them. */
export const JobIn = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('train'),
      params: JOB_KINDS.train.params.omit({ upload: true, adapter: true, map: true }).prefault({}),
    }),
    z.strictObject({ kind: z.literal('detect'), params: JOB_KINDS.detect.params.prefault({}) }),
    z.strictObject({ kind: z.literal('retention'), params: JOB_KINDS.retention.params.prefault({}) }),
    z.strictObject({ kind: z.literal('backup'), params: JOB_KINDS.backup.params.prefault({}) }),
  ])
  .meta({
    examples: [
      { kind: 'train', params: { stored: { from: '2025-03-01T00:00:00Z' }, false_alarms: '1/device-day' } },
    ],
  })

const Params = z.object({ id: Id })

export const jobRoutes: Routes = (app, { jobs }) => {
  app.get(
    '/jobs',
    {
      config: { access: { role: 'viewer', scope: 'jobs:read' } },
      schema: {
        tags: ['jobs'],
        summary: 'Jobs, newest first',
        querystring: z.object({
          ...Page,
          kind: z.string().max(40).optional(),
          state: z.enum(STATES).optional(),
        }),
        response: { 200: pageOf(JobOut) },
      },
    },
    async ({ query: { cursor, limit, kind, state } }) => {
      const before = cursor === undefined ? undefined : Number(cursor)
      if (before !== undefined && !Number.isSafeInteger(before)) {
        throw wrongField('query.cursor', 'is none that was given out')
      }
      const found = await jobs.list({ kind, state, before }, limit + 1)
      const items = found.slice(0, limit)
      return { items: items.map(jobOut), next: found.length > limit ? String(items.at(-1)!.id) : null }
    },
  )

  app.post(
    '/jobs',
    {
      config: { access: { role: 'operator', scope: 'jobs:write' }, problems: [] },
      schema: {
        tags: ['jobs'],
        summary: 'Begin a job on stored data',
        body: JobIn,
        response: { 202: JobOut },
      },
    },
    async ({ body, caller }, reply) => {
      const job = await jobs.add(body.kind, body.params, caller.name)
      return reply.code(202).header('location', `/api/v1/jobs/${job.id}`).send(jobOut(job))
    },
  )

  app.get(
    '/jobs/:id',
    {
      config: { access: { role: 'viewer', scope: 'jobs:read' } },
      schema: { tags: ['jobs'], summary: 'One job', params: Params, response: { 200: JobOut } },
    },
    async ({ params: { id } }) => jobOut((await jobs.get(id)) ?? unknown(id)),
  )

  app.post(
    '/jobs/:id/cancel',
    {
      config: { access: { role: 'operator', scope: 'jobs:write' } },
      schema: {
        tags: ['jobs'],
        summary: 'Cancel a job; one that is finished stays as it is',
        params: Params,
        response: { 202: JobOut },
      },
    },
    async ({ params: { id } }, reply) => reply.code(202).send(jobOut((await jobs.cancel(id)) ?? unknown(id))),
  )
}

function unknown(id: number): never {
  throw notFound(`there is no job ${id}`)
}
