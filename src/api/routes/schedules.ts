import { z } from 'zod'
import { nextRun } from '../../jobs/schedules.ts'
import type { Schedule } from '../../store/schedules.ts'
import type { Routes } from '../app.ts'
import { notFound, Problem, wrongField } from '../problem.ts'
import { Id, Time, timeOf } from '../schemas.ts'
import { JobIn, JobOut, jobOut } from './jobs.ts'

const Fields = {
  name: z.string().min(1).max(100),
  cron: z
    .string()
    .max(100)
    .describe('minute, hour, day, month, day of the week, in UTC; 0 3 * * 1 = Mondays at three'),
  enabled: z.boolean(),
  job: JobIn.describe('what to begin'),
}

const ScheduleIn = z.strictObject({ ...Fields, enabled: Fields.enabled.default(true) }).meta({
  examples: [
    {
      name: 'learn every week',
      cron: '0 3 * * 1',
      job: { kind: 'train', params: { stored: { last: '28d' }, false_alarms: '1/device-week' } },
    },
  ],
})

const ScheduleOut = z
  .object({
    id: z.int(),
    name: z.string(),
    cron: z.string(),
    enabled: z.boolean(),
    job: z.object({ kind: z.string(), params: z.record(z.string(), z.unknown()) }),
    created_by: z.string(),
    created: Time,
    last_run: Time.nullable(),
    next_run: Time.nullable().describe('null where it never comes'),
    last_job_id: z.int().nullable(),
  })
  .meta({ id: 'Schedule' })

const READ = { access: { role: 'viewer', scope: 'schedules:read' } } as const
const WRITE = { access: { role: 'operator', scope: 'schedules:write' } } as const
const Params = z.object({ id: Id })

export const scheduleRoutes: Routes = (app, { schedules }) => {
  app.get(
    '/schedules',
    {
      config: READ,
      schema: {
        tags: ['schedules'],
        summary: 'Jobs that are begun again and again',
        response: { 200: z.object({ items: z.array(ScheduleOut) }) },
      },
    },
    async () => ({ items: (await schedules.list()).map(scheduleOut) }),
  )

  app.post(
    '/schedules',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['schedules'],
        summary: 'A new schedule',
        body: ScheduleIn,
        response: { 201: ScheduleOut },
      },
    },
    async ({ body: { job, ...rest }, caller }, reply) => {
      checkCron(rest.cron)
      const made = await schedules.add({ ...rest, ...job }, caller.name)
      if (!made) throw taken(rest.name)
      return reply.code(201).send(scheduleOut(made))
    },
  )

  app.get(
    '/schedules/:id',
    {
      config: READ,
      schema: {
        tags: ['schedules'],
        summary: 'One schedule',
        params: Params,
        response: { 200: ScheduleOut },
      },
    },
    async ({ params: { id } }) => scheduleOut((await schedules.get(id)) ?? unknown(id)),
  )

  app.patch(
    '/schedules/:id',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['schedules'],
        summary: 'Change a schedule',
        params: Params,
        body: z
          .strictObject(Fields)
          .partial()
          .meta({ examples: [{ enabled: false }] }),
        response: { 200: ScheduleOut },
      },
    },
    async ({ params: { id }, body: { job, ...rest } }) => {
      if (rest.cron !== undefined) checkCron(rest.cron)
      const same = (await schedules.list()).find(({ name, id: other }) => name === rest.name && other !== id)
      if (same) throw taken(same.name)
      return scheduleOut((await schedules.change(id, { ...rest, ...job })) ?? unknown(id))
    },
  )

  app.delete(
    '/schedules/:id',
    {
      config: WRITE,
      schema: {
        tags: ['schedules'],
        summary: 'Remove a schedule; its jobs stay',
        params: Params,
        response: { 204: z.void() },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!(await schedules.remove(id))) unknown(id)
      return reply.code(204).send()
    },
  )

  app.post(
    '/schedules/:id/run',
    {
      config: WRITE,
      schema: {
        tags: ['schedules'],
        summary: 'Begin its job now, out of turn',
        params: Params,
        response: { 202: JobOut },
      },
    },
    async ({ params: { id }, caller }, reply) => {
      const schedule = (await schedules.get(id)) ?? unknown(id)
      return reply.code(202).send(jobOut(await schedules.runNow(schedule, caller.name)))
    },
  )
}

function scheduleOut({ kind, params, ...row }: Schedule): z.input<typeof ScheduleOut> {
  return {
    ...row,
    job: { kind, params: params as Record<string, unknown> },
    created: timeOf(row.created),
    last_run: timeOf(row.last_run),
    next_run: timeOf(row.next_run),
  }
}

function checkCron(cron: string): void {
  try {
    if (nextRun(cron, Date.now() / 1000) !== null) return
  } catch (error) {
    throw wrongField('body.cron', `expects five fields as 0 3 * * 1: ${(error as Error).message}`)
  }
  throw wrongField('body.cron', 'names a time that never comes')
}

function taken(name: string): Problem {
  return new Problem(409, 'Conflict', `there is a schedule named ${JSON.stringify(name)} already`)
}

function unknown(id: number): never {
  throw notFound(`there is no schedule ${id}`)
}
