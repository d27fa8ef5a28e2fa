import { z } from 'zod'
import type { Flow } from '../../store/flows.ts'
import type { Intervals } from '../../store/reading-plot.ts'
import type { Reading } from '../../store/readings.ts'
import type { Routes } from '../app.ts'
import { wrongField } from '../problem.ts'
import { theDevice } from '../resources/device.ts'
import { DeviceIn, listIn, numberIn, Page, pageOf, Time, TimeIn, timeOf } from '../schemas.ts'

const Metrics = z
  .record(z.string(), z.number().nullable())
  .meta({ examples: [{ temperature: 21.4, 'network.latency': 17.4 }] })

const ReadingOut = z
  .object({ device_id: z.int(), device: z.string(), timestamp: Time, metrics: Metrics })
  .meta({
    id: 'Reading',
    examples: [
      {
        device_id: 1,
        device: 'thermostat-1',
        timestamp: '2025-03-06T22:29:26.000Z',
        metrics: { temperature: 21.4, 'network.latency': 17.4 },
      },
    ],
  })

const Count = z.number().nullable()
const FlowOut = z
  .object({
    id: z.int(),
    device_id: z.int().nullable(),
    timestamp: Time,
    ts: z.number().describe('seconds since the epoch, as in Zeek'),
    duration: Count,
    orig_h: z.string(),
    orig_p: z.int(),
    resp_h: z.string(),
    resp_p: z.int(),
    proto: z.int().describe('IANA protocol number'),
    service: z.string(),
    conn_state: z.string(),
    orig_bytes: Count,
    resp_bytes: Count,
    orig_pkts: Count,
    resp_pkts: Count,
    orig_ip_bytes: Count,
    resp_ip_bytes: Count,
  })
  .meta({
    id: 'Flow',
    examples: [
      {
        id: 9,
        device_id: 3,
        timestamp: '2025-03-06T22:29:26.000Z',
        ts: 1741300166,
        duration: 1.2,
        orig_h: '192.168.1.20',
        orig_p: 50211,
        resp_h: '203.0.113.56',
        resp_p: 443,
        proto: 6,
        service: 'ssl',
        conn_state: 'SF',
        orig_bytes: 1204,
        resp_bytes: 8120,
        orig_pkts: 12,
        resp_pkts: 14,
        orig_ip_bytes: 1850,
        resp_ip_bytes: 8870,
      },
    ],
  })

const Numbers = z.array(z.number().nullable())
export const Series = z
  .object({
    device_id: z.int(),
    from: Time.describe('start of the first interval'),
    step: z.number().describe('length of an interval, seconds'),
    metrics: z.record(
      z.string(),
      z.object({ n: z.array(z.int()), min: Numbers, mean: Numbers, max: Numbers }),
    ),
  })
  .meta({
    id: 'Series',
    examples: [
      {
        device_id: 1,
        from: '2025-03-06T00:00:00.000Z',
        step: 43200,
        metrics: { temperature: { n: [720, 719], min: [18.1, 18.4], mean: [20.2, 20.9], max: [22.8, 41.2] } },
      },
    ],
  })

export const ReadingPage = pageOf(ReadingOut).meta({ id: 'ReadingPage' })
export const FlowPage = pageOf(FlowOut).meta({ id: 'FlowPage' })

export const dataRoutes: Routes = (app, { store: { devices, readings, flows } }) => {
  app.get(
    '/data',
    {
      config: { access: { role: 'viewer', scope: 'data:read' }, problems: [404] },
      schema: {
        tags: ['data'],
        summary: 'Stored readings or flows',
        description:
          'Readings of one device, newest first; with `points`, as that many intervals with the least, mean and ' +
          'greatest value of each. Without a device: the newest reading of each. Flows with `kind=flows`.',
        querystring: z.strictObject({
          ...Page,
          kind: z.enum(['readings', 'flows']).default('readings'),
          device_id: DeviceIn.optional(),
          from: TimeIn.optional().describe('from this time on'),
          to: TimeIn.optional().describe('before this time'),
          metric: listIn(z.string().min(1).max(200))
            .optional()
            .meta({ description: 'only these metrics of readings', examples: [['temperature']] }),
          order: z.enum(['newest', 'oldest']).default('newest'),
          points: numberIn(z.int().min(1).max(5000))
            .optional()
            .meta({ description: 'how many intervals a plot shall have', examples: [300] }),
        }),
        response: {
          200: z.union([ReadingPage, FlowPage, Series]).meta({
            examples: [
              {
                items: [
                  {
                    device_id: 1,
                    device: 'thermostat-1',
                    timestamp: '2025-03-06T22:29:26.000Z',
                    metrics: { temperature: 21.4 },
                  },
                ],
                next: null,
              },
            ],
          }),
        },
      },
    },
    async ({ query }) => {
      const { kind, device_id, from, to, metric: metrics, points, cursor, limit } = query
      if (from !== undefined && to !== undefined && from >= to) {
        throw wrongField('query.to', 'expects a time after `from`')
      }
      const page = { limit, cursor, newestFirst: query.order === 'newest' }
      const device = device_id === undefined ? undefined : await theDevice(devices, device_id)
      if (kind === 'flows') {
        if (points !== undefined) throw wrongField('query.points', 'is for readings')
        const found = await flows.query({ deviceId: device?.id, from, to }, page)
        return { items: found.items.map(flowOut), next: found.next }
      }
      if (!device) {
        if (points !== undefined) throw wrongField('query.device_id', 'is needed with `points`')
        const list = await devices.list({}, limit, cursor)
        const last = await Promise.all(
          list.items.map(async ({ id, name }) => {
            const found = await readings.query(
              { deviceId: id, from, to, metrics },
              { limit: 1, newestFirst: true },
            )
            return found.items.map((reading) => readingOut(reading, name))
          }),
        )
        return { items: last.flat(), next: list.next }
      }
      const filter = { deviceId: device.id, from, to, metrics }
      if (points !== undefined) {
        const range = { from: from ?? device.first_seen ?? 0, to: to ?? (device.last_seen ?? 0) + 1 }
        if (range.from >= range.to) throw wrongField('query.from', 'expects a time before the last reading')
        const { from: start, step, metrics } = await readings.plot({ ...filter, ...range }, points)
        const series = [...metrics].map(([name, intervals]) => [name, intervalsOut(intervals)])
        return { device_id: device.id, from: timeOf(start), step, metrics: Object.fromEntries(series) }
      }
      const found = await readings.query(filter, page)
      return { items: found.items.map((reading) => readingOut(reading, device.name)), next: found.next }
    },
  )
}

function readingOut({ deviceId, ts, metrics }: Reading, device: string): z.input<typeof ReadingOut> {
  const values = Object.entries(metrics).filter(([, value]) => !Number.isNaN(value))
  return { device_id: deviceId, device, timestamp: timeOf(ts), metrics: Object.fromEntries(values) }
}

function flowOut(flow: Flow): z.input<typeof FlowOut> {
  return { ...flow, timestamp: timeOf(flow.ts) }
}

function intervalsOut({ n, min, mean, max }: Intervals) {
  const numbers = (values: Float64Array) => Array.from(values, (v) => (Number.isNaN(v) ? null : v))
  return { n: [...n], min: numbers(min), mean: numbers(mean), max: numbers(max) }
}
