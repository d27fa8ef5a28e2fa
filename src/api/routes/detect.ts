import { z } from 'zod'
import { isObject, type JsonObject } from '../../adapters/json/flatten.ts'
import { NoModel } from '../../live/inline.ts'
import { flowBatch, readingBatch } from '../../live/inline-records.ts'
import { MODEL_CHOICES } from '../../pipeline/options.ts'
import type { Service } from '../../service/service.ts'
import type { Routes } from '../app.ts'
import { Problem } from '../problem.ts'
import { DetectAnswer, detectAnswer } from '../resources/detection.ts'

/** Records in one question; more go to `/data` or `/detect/file`. */
const MOST_RECORDS = 1000
/** Bytes of a question. */
const MOST_BYTES = 8 << 20

/** Records are taken apart by what reads them for storing; here it is enough that they are objects. */
const Record = z
  .custom<JsonObject>(isObject, 'expected an object')
  .meta({ type: 'object', additionalProperties: true })
const READING = {
  id: 'device1',
  timestamp: '2023-03-01T08:00:00',
  temperature: 65.2,
  humidity: 42.3,
  pressure: 1012.5,
  vibration: 5.2,
  network: { packetLoss: 0.5, latency: 25, throughput: 950, connectionCount: 12 },
}
const JUDGING = {
  threshold: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .meta({ description: 'confidence from which a record is an anomaly; the model’s own when left out' }),
  model: z
    .enum(MODEL_CHOICES)
    .optional()
    .describe('which models judge: `both` = forest and LOF, `all` = the three; all there are when left out'),
  store: z
    .boolean()
    .default(true)
    .describe('whether the records are stored, as by `POST /data`; false leaves nothing behind'),
}
const records = (what: string) => z.array(Record).min(1).max(MOST_RECORDS).describe(what)

const Readings = z.strictObject({
  readings: records('as `POST /data` takes them: a device, a time, any numbers'),
  ...JUDGING,
})
const Flows = z.strictObject({ flows: records('by Zeek’s names'), ...JUDGING })
const DetectIn = z.union([Readings, Flows]).meta({
  id: 'Question',
  examples: [
    { readings: [READING], threshold: 0.7, model: 'both', store: false },
    {
      flows: [
        {
          ts: 1741300166.2,
          orig_h: '192.168.1.20',
          orig_p: 50211,
          resp_h: '203.0.113.56',
          resp_p: 443,
          proto: 'tcp',
          orig_bytes: 73_000_000,
          resp_bytes: 37_400,
        },
      ],
      store: false,
    },
  ],
})

export const detectRoutes: Routes = (app, service) => {
  app.post(
    '/detect',
    {
      bodyLimit: MOST_BYTES,
      config: { access: { role: 'operator', scope: 'detect', audit: false }, problems: [409] },
      schema: {
        tags: ['detect'],
        summary: 'Are these records unusual, and why?',
        description:
          'Judges readings or flows that are sent along, against what is known of their devices. The answer has every ' +
          'record’s confidence, and the anomalies explained.',
        body: DetectIn,
        response: { 200: z.unknown().describe('what was found') },
        answerContent: { 'application/json': { schema: DetectAnswer } },
      },
    },
    async ({ body }, reply) => {
      const kind = 'readings' in body ? 'readings' : 'flows'
      const sent = 'readings' in body ? body.readings : body.flows
      const asked = kind === 'readings' ? readingBatch(sent) : flowBatch(sent)
      if ('wrong' in asked) throw wrongRecords(kind, asked.wrong)
      const { threshold, model, store } = body
      const rows = await service.inline
        .detect(asked.batch, { ...(threshold !== undefined && { threshold }), ...(model && { model }) })
        .catch(async (error) => {
          throw error instanceof NoModel ? await noModel(service, error) : error
        })
      const stored = store ? await service.intake.write(kind, sent, 'api') : undefined
      // The schema documents it; writing it this way takes a tenth of the time.
      return reply.type('application/json; charset=utf-8').send(detectAnswer(rows, stored))
    },
  )
}

/** On the first start models are on their way; later somebody has to train one. */
async function noModel(service: Service, { message }: NoModel): Promise<Problem> {
  const { models } = await service.waiting()
  return models === undefined
    ? new Problem(409, 'Conflict', message)
    : new Problem(503, 'Starting', `models are not there yet: ${models}`, { retryAfter: 5 })
}

function wrongRecords(
  kind: 'readings' | 'flows',
  wrong: readonly { record: number; path: string; message: string }[],
): Problem {
  const errors = wrong.map(({ record, path, message }) => ({
    path: `body.${kind}[${record}]${path === '' ? '' : `.${path}`}`,
    message,
  }))
  const { path, message } = errors[0]!
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Problem(400, 'Invalid request', `${path} ${message}${more}`, { errors })
}
