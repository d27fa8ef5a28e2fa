import { sql } from 'kysely'
import { z } from 'zod'
import type { Routes } from '../app.ts'
import { Time, TimeIn, timeOf } from '../schemas.ts'

const DAY = 86_400
/** Days that a statistic covers at most, and when nothing is said. */
const MOST_DAYS = 400
const USUAL_DAYS = 30
/** Devices with most anomalies that are told. */
const TOP = 20

export const Statistics = z
  .object({
    from: Time,
    to: Time,
    devices: z.int(),
    readings: z.int().describe('ever accepted'),
    flows: z.int().describe('ever accepted'),
    anomalies: z
      .object({
        total: z.int(),
        open: z.int(),
        by_type: z.record(z.string(), z.int()),
        by_device: z.array(z.object({ device_id: z.int(), device: z.string(), count: z.int() })),
        by_day: z.array(z.object({ day: z.string().meta({ format: 'date' }), count: z.int() })),
      })
      .describe('between from and to'),
    incidents: z.object({ total: z.int(), open: z.int() }).describe('still going on between from and to'),
  })
  .meta({
    id: 'Statistics',
    examples: [
      {
        from: '2025-03-01T00:00:00.000Z',
        to: '2025-03-07T00:00:00.000Z',
        devices: 14,
        readings: 34217,
        flows: 61023,
        anomalies: {
          total: 311,
          open: 305,
          by_type: { flood: 201, spike: 12 },
          by_device: [{ device_id: 3, device: 'camera-1', count: 210 }],
          by_day: [{ day: '2025-03-06', count: 311 }],
        },
        incidents: { total: 12, open: 11 },
      },
    ],
  })

export const statisticsRoutes: Routes = (app, { store: { db, devices } }) => {
  app.get(
    '/statistics',
    {
      config: { access: { role: 'viewer', scope: 'anomalies:read' } },
      schema: {
        tags: ['status'],
        summary: 'Counts: what there is, what was found, by type, device and day',
        querystring: z.strictObject({
          from: TimeIn.optional().describe(`${USUAL_DAYS} days before \`to\` when left out`),
          to: TimeIn.optional().describe('the last anomaly when left out'),
        }),
        response: { 200: Statistics },
      },
    },
    async ({ query }) => {
      const to = query.to ?? (await lastAnomaly()) + 1
      const from = Math.max(query.from ?? to - USUAL_DAYS * DAY, to - MOST_DAYS * DAY)
      const records = await db
        .selectFrom('devices')
        .select((eb) => [
          eb.fn.countAll().as('devices'),
          eb.fn.sum('readings').as('readings'),
          eb.fn.sum('flows').as('flows'),
        ])
        .executeTakeFirstOrThrow()
      const inRange = db.selectFrom('anomalies').where('ts', '>=', from).where('ts', '<', to)
      const count = sql<number>`count(*)`
      const open = sql<number>`sum(case when state = 'open' then 1 else 0 end)`
      const anomalies = await inRange.select([count.as('total'), open.as('open')]).executeTakeFirstOrThrow()
      const types = await inRange
        .select(['type', count.as('n')])
        .groupBy('type')
        .execute()
      const top = await inRange
        .select(['device_id', count.as('n')])
        .groupBy('device_id')
        .orderBy('n', 'desc')
        .orderBy('device_id')
        .limit(TOP)
        .execute()
      const day = sql<number>`floor(ts / ${sql.lit(DAY)})`
      const days = await inRange
        .select([day.as('day'), count.as('n')])
        .groupBy(day)
        .orderBy('day')
        .execute()
      const incidents = await db
        .selectFrom('incidents')
        .where('last', '>=', from)
        .where('first', '<', to)
        .select([count.as('total'), open.as('open')])
        .executeTakeFirstOrThrow()
      const names = await devices.names(top.map((row) => row.device_id))
      return {
        from: timeOf(from),
        to: timeOf(to),
        devices: Number(records.devices),
        readings: Number(records.readings ?? 0),
        flows: Number(records.flows ?? 0),
        anomalies: {
          total: Number(anomalies.total),
          open: Number(anomalies.open ?? 0),
          by_type: Object.fromEntries(types.map(({ type, n }) => [type, Number(n)])),
          by_device: top.map(({ device_id, n }) => ({
            device_id,
            device: names.get(device_id) ?? '',
            count: Number(n),
          })),
          by_day: days.map((row) => ({
            day: timeOf(Number(row.day) * DAY).slice(0, 10),
            count: Number(row.n),
          })),
        },
        incidents: { total: Number(incidents.total), open: Number(incidents.open ?? 0) },
      }
    },
  )

  async function lastAnomaly(): Promise<number> {
    const { last } = await db
      .selectFrom('anomalies')
      .select((eb) => eb.fn.max('ts').as('last'))
      .executeTakeFirstOrThrow()
    return last ?? Date.now() / 1000
  }
}
