import { z } from 'zod'
import type { Routes } from '../app.ts'
import { notFound } from '../problem.ts'
import { AnomalyType } from '../resources/anomaly.ts'
import { IncidentDetail, IncidentOut, incidentDetail, incidentOut } from '../resources/incident.ts'
import { Id, listIn, numberIn, Page, pageOf, TimeIn } from '../schemas.ts'

const Params = z.object({ id: Id })

export const incidentRoutes: Routes = (app, { store: { incidents } }) => {
  app.get(
    '/incidents',
    {
      config: { access: { role: 'viewer', scope: 'anomalies:read' } },
      schema: {
        tags: ['incidents'],
        summary: 'Incidents, latest first',
        description:
          'Anomalies of one behaviour are one incident. Its anomalies: `/anomalies?incident_id=…`.',
        querystring: z.strictObject({
          ...Page,
          from: TimeIn.optional().describe('still going on at this time, or later'),
          to: TimeIn.optional().describe('begun before this time'),
          kind: z.enum(['flows', 'readings']).optional(),
          type: listIn(AnomalyType).optional().describe('of these types'),
          confidence: numberIn(z.number().min(0).max(1)).optional().describe('at least this confidence'),
          state: z.enum(['open', 'acknowledged']).optional(),
          origin: z.string().max(100).optional().describe('live, job:7, …'),
        }),
        response: { 200: pageOf(IncidentOut) },
      },
    },
    async ({ query: { cursor, limit, type: types, confidence: minConfidence, ...filter } }) => {
      const page = await incidents.list({ ...filter, types, minConfidence }, limit, cursor)
      return { items: page.items.map(incidentOut), next: page.next }
    },
  )

  app.get(
    '/incidents/:id',
    {
      config: { access: { role: 'viewer', scope: 'anomalies:read' } },
      schema: {
        tags: ['incidents'],
        summary: 'One incident',
        params: Params,
        response: { 200: IncidentDetail },
      },
    },
    async ({ params: { id } }) => {
      const row = await incidents.get(id)
      if (!row) throw notFound(`there is no incident ${id}`)
      return incidentDetail(row)
    },
  )

  app.patch(
    '/incidents/:id',
    {
      config: { access: { role: 'operator', scope: 'anomalies:write' } },
      schema: {
        tags: ['incidents'],
        summary: 'Acknowledge an incident with all its anomalies, or open it again',
        params: Params,
        body: z
          .strictObject({ state: z.enum(['open', 'acknowledged']) })
          .meta({ examples: [{ state: 'acknowledged' }] }),
        response: { 200: IncidentDetail },
      },
    },
    async ({ params: { id }, body }) => {
      const row = await incidents.setState(id, body.state)
      if (!row) throw notFound(`there is no incident ${id}`)
      return incidentDetail(row)
    },
  )
}
