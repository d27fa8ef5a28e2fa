import { z } from 'zod'
import { feedbackOn } from '../../feedback/entry.ts'
import type { Feedback, Judgement } from '../../schema/feedback.ts'
import type { Incident } from '../../schema/incident.ts'
import type { Routes } from '../app.ts'
import { notFound, Problem } from '../problem.ts'
import { anomalyOf } from '../resources/anomaly.ts'
import { Id, Time, timeOf } from '../schemas.ts'

const KINDS = ['flows', 'readings'] as const

export const Entry = z
  .object({
    id: z.string(),
    kind: z.enum(KINDS).describe('which model keeps it'),
    verdict: z.enum(['expected', 'confirmed', 'hold', 'follow']),
    at: Time,
    by: z.string().nullable(),
    note: z.string().nullable(),
    devices: z.array(z.string()),
    types: z.array(z.string()).describe('of anomalies; empty for what is about slow change'),
  })
  .meta({
    id: 'Feedback',
    examples: [
      {
        id: '3f9a01bc',
        kind: 'readings',
        verdict: 'expected',
        at: '2025-03-07T08:12:00.000Z',
        by: 'ada',
        note: 'the window was open',
        devices: ['thermostat-1'],
        types: ['spike'],
      },
    ],
  })

export const Verdict = z
  .strictObject({
    verdict: z
      .enum(['expected', 'confirmed'])
      .describe('expected: do not alarm the like of it again; confirmed: alarm the like of it sooner'),
    note: z.string().trim().min(1).max(500).optional(),
  })
  .meta({ examples: [{ verdict: 'expected', note: 'the window was open' }] })

const Params = z.object({ id: Id })
const WRITE = { access: { role: 'operator', scope: 'anomalies:write' }, problems: [409] } as const
const ABOUT =
  'It changes what is alarmed next: of everything like it, on its device. It is kept with the active model and can be taken back.'

/** What people say about anomalies, kept with the models. */
export const feedbackRoutes: Routes = (app, { store, models: shared }) => {
  const { models, anomalies, incidents } = store

  app.get(
    '/feedback',
    {
      config: { access: { role: 'viewer', scope: 'anomalies:read' } },
      schema: {
        tags: ['feedback'],
        summary: 'What people said, that the active models keep',
        response: { 200: z.object({ items: z.array(Entry) }) },
      },
    },
    async () => {
      const { bundles } = await shared.active()
      const kept = bundles.flatMap(({ feedback }) => feedback ?? [])
      return { items: kept.map(entryOut) }
    },
  )

  app.delete(
    '/feedback/:id',
    {
      config: { access: { role: 'operator', scope: 'anomalies:write' } },
      schema: {
        tags: ['feedback'],
        summary: 'Take back what was said',
        params: z.object({
          id: z
            .string()
            .regex(/^[0-9a-f]{8}$/)
            .meta({ examples: ['3f9a01bc'] }),
        }),
        response: { 204: z.void().describe('taken back') },
      },
    },
    async ({ params: { id } }, reply) => {
      for (const kind of KINDS) {
        let found = false
        // Only a model that keeps it is written again.
        const { bundles } = await shared.active()
        const kept = bundles.find((bundle) => bundle.kind === kind)?.feedback ?? []
        if (!kept.some((entry) => entry.id === id)) continue
        await models.changeFeedback(kind, (entries) => {
          found = entries.some((entry) => entry.id === id)
          return entries.filter((entry) => entry.id !== id)
        })
        if (found) return reply.code(204).send()
      }
      throw notFound(`nothing was said under ${id}`)
    },
  )

  app.put(
    '/anomalies/:id/feedback',
    {
      config: WRITE,
      schema: {
        tags: ['feedback'],
        summary: 'Say that an anomaly was expected, or a real problem',
        description: ABOUT,
        params: Params,
        body: Verdict,
        response: { 200: Entry },
      },
    },
    async ({ params: { id }, body: { verdict, note }, caller }) => {
      const row = await anomalies.get(id)
      if (!row) throw notFound(`there is no anomaly ${id}`)
      const entry = feedbackOn(anomalyOf(row), verdict, { by: caller.name, ...(note && { note }) })
      await keep(entry)
      await anomalies.setFeedback(id, verdict)
      return entryOut(entry)
    },
  )

  app.put(
    '/incidents/:id/feedback',
    {
      config: WRITE,
      schema: {
        tags: ['feedback'],
        summary: 'Say that an incident was expected, or a real problem',
        description: ABOUT,
        params: Params,
        body: Verdict,
        response: { 200: Entry },
      },
    },
    async ({ params: { id }, body: { verdict, note }, caller }) => {
      const row = await incidents.get(id)
      if (!row) throw notFound(`there is no incident ${id}`)
      const { first, last, detail_json } = row
      const incident = {
        ...(JSON.parse(detail_json) as Incident),
        first: first ?? Number.NaN,
        last: last ?? Number.NaN,
      }
      const entry = feedbackOn(incident, verdict, { by: caller.name, ...(note && { note }) })
      await keep(entry)
      await store.db
        .updateTable('anomalies')
        .set({ feedback: verdict })
        .where('incident_id', '=', id)
        .execute()
      return entryOut(entry)
    },
  )

  async function keep(entry: Judgement): Promise<void> {
    const kept = await models.changeFeedback(entry.kind, (entries) => [...entries, entry])
    if (!kept) throw new Problem(409, 'Conflict', `there is no active model for ${entry.kind} to keep it`)
  }
}

function entryOut(entry: Feedback): z.input<typeof Entry> {
  const { id, kind, verdict, at, by = null, note = null } = entry
  const scope = 'scope' in entry ? entry.scope : { devices: [entry.device], types: [] }
  return {
    id,
    kind,
    verdict,
    at: timeOf(at),
    by,
    note,
    devices: [...scope.devices],
    types: [...scope.types],
  }
}
