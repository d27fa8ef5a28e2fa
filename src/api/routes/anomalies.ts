import { z } from 'zod'
import type { AnomalyComment } from '../../store/anomalies.ts'
import type { Routes } from '../app.ts'
import { notFound } from '../problem.ts'
import {
  AnomalyDetail,
  AnomalyOut,
  AnomalyType,
  anomalyDetail,
  anomalyOut,
  Comment,
} from '../resources/anomaly.ts'
import { deviceIds } from '../resources/device.ts'
import { DeviceIn, Id, listIn, numberIn, Page, pageOf, TimeIn, timeOf } from '../schemas.ts'

const Params = z.object({ id: Id })
const READ = { access: { role: 'viewer', scope: 'anomalies:read' } } as const
const WRITE = { access: { role: 'operator', scope: 'anomalies:write' } } as const

export const anomalyRoutes: Routes = (app, { store: { anomalies, devices } }) => {
  app.get(
    '/anomalies',
    {
      config: { ...READ, problems: [404] },
      schema: {
        tags: ['anomalies'],
        summary: 'Anomalies, newest first',
        querystring: z.strictObject({
          ...Page,
          device_id: listIn(DeviceIn).optional().describe('of these devices: numbers or names'),
          from: TimeIn.optional().describe('from this time on'),
          to: TimeIn.optional().describe('before this time'),
          type: listIn(AnomalyType).optional().describe('of these types'),
          confidence: numberIn(z.number().min(0).max(1))
            .optional()
            .meta({ description: 'at least this confidence', examples: [0.9] }),
          state: z.enum(['open', 'acknowledged']).optional(),
          feedback: z.enum(['expected', 'confirmed', 'none']).optional(),
          incident_id: Id.optional().describe('of this incident'),
          origin: z.string().max(100).optional().describe('live, job:7, …'),
        }),
        response: { 200: pageOf(AnomalyOut) },
      },
    },
    async ({ query }) => {
      const { cursor, limit, device_id, type: types, confidence, feedback, incident_id, ...rest } = query
      const filter = {
        ...rest,
        deviceIds: await deviceIds(devices, device_id),
        types,
        minConfidence: confidence,
        feedback: feedback === 'none' ? null : feedback,
        incidentId: incident_id,
      }
      const page = await anomalies.list(filter, limit, cursor)
      return { items: page.items.map(anomalyOut), next: page.next }
    },
  )

  const detail = async (id: number) => {
    const row = await anomalies.get(id)
    if (!row) throw notFound(`there is no anomaly ${id}`)
    return { ...anomalyDetail(row), comments: (await anomalies.comments(id)).map(commentOut) }
  }

  app.get(
    '/anomalies/:id',
    {
      config: READ,
      schema: {
        tags: ['anomalies'],
        summary: 'One anomaly with its full explanation',
        params: Params,
        response: { 200: AnomalyDetail },
      },
    },
    ({ params }) => detail(params.id),
  )

  app.patch(
    '/anomalies/:id',
    {
      config: WRITE,
      schema: {
        tags: ['anomalies'],
        summary: 'Acknowledge an anomaly, or open it again',
        params: Params,
        body: z
          .strictObject({ state: z.enum(['open', 'acknowledged']) })
          .meta({ examples: [{ state: 'acknowledged' }] }),
        response: { 200: AnomalyDetail },
      },
    },
    async ({ params: { id }, body }) => {
      await anomalies.setState(id, body.state)
      return detail(id)
    },
  )

  app.post(
    '/anomalies/:id/comments',
    {
      config: WRITE,
      schema: {
        tags: ['anomalies'],
        summary: 'Comment on an anomaly',
        params: Params,
        body: z
          .strictObject({ text: z.string().trim().min(1).max(4000) })
          .meta({ examples: [{ text: 'The window was open.' }] }),
        response: { 201: Comment },
      },
    },
    async ({ params: { id }, body, caller }, reply) => {
      const comment = await anomalies.comment(id, caller.name, body.text)
      if (!comment) throw notFound(`there is no anomaly ${id}`)
      return reply.code(201).send(commentOut(comment))
    },
  )
}

function commentOut({ id, author, text, created }: AnomalyComment): z.input<typeof Comment> {
  return { id, author, text, created: timeOf(created) }
}
