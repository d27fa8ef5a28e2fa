import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isObject, type JsonObject } from '../../adapters/json/flatten.ts'
import { given } from '../../jobs/given.ts'
import { type Judged, NoModel } from '../../live/inline.ts'
import type { WrongRecords } from '../../live/inline-question.ts'
import { MOST_RECORDS } from '../../live/inline-records.ts'
import { foundAnomaly } from '../../output/anomaly-json.ts'
import { MODEL_CHOICES } from '../../pipeline/options.ts'
import type { Anomaly } from '../../schema/anomaly.ts'
import type { Service } from '../../service/service.ts'
import { anomalyEvent } from '../../store/news.ts'
import type { Routes } from '../app.ts'
import { Problem, wrongField } from '../problem.ts'
import { DetectAnswer, StoredDetection } from '../resources/detection.ts'
import { theDevice } from '../resources/device.ts'
import { TimeIn, timeOf } from '../schemas.ts'
import { InvalidRequest, jsonParser } from '../validation.ts'

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
const OfDevice = z.strictObject({
  device_id: z.union([z.int().min(1), z.string().min(1).max(256)]).describe('number or name'),
  from: TimeIn.optional().describe('from this time on; a day before the device was last seen when left out'),
  to: TimeIn.optional().describe('before this time'),
  ...JUDGING,
  store: z.boolean().default(true).describe('whether anomalies that are not known yet are kept'),
})
export const DetectIn = z.union([OfDevice, Readings, Flows]).meta({
  id: 'Question',
  examples: [
    { device_id: 1, threshold: 0.7, model: 'both' },
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

/** Questions go as bytes to where they are judged: here nothing is parsed but what is wrong, or about a device. */
export const detectRoutes: Routes = (app, service) => {
  const parse = jsonParser(app)
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
    scope.post(
      '/detect',
      {
        bodyLimit: MOST_BYTES,
        config: { access: { role: 'operator', scope: 'detect', audit: false }, problems: [404, 409] },
        schema: {
          tags: ['detect'],
          summary: 'Is this unusual, and why?',
          description:
            'With `device_id`: judges what is stored of a device. With `readings` or `flows`: judges records that are ' +
            'sent along, against what is known of their devices; the answer has every record’s confidence.',
          bodyContent: { 'application/json': { schema: DetectIn } },
          response: { 200: z.unknown().describe('what was found') },
          answerContent: { 'application/json': { schema: z.union([DetectAnswer, StoredDetection]) } },
        },
      },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        reply.type('application/json; charset=utf-8')
        const outcome = await judged(service, body)
        if (outcome) return reply.send(await written(outcome))
        const asked = await validated(request, body)
        if ('device_id' in asked) return reply.send(StoredDetection.parse(await ofDevice(service, asked)))
        // The same in the plainest form: names without escapes, each once.
        const plain = await judged(service, Buffer.from(JSON.stringify(asked)))
        if (!plain)
          throw new Error(`a question that is valid cannot be read: ${body.toString('utf8', 0, 200)}`)
        return reply.send(await written(plain))
      },
    )
  })

  /** The answer to a question about records that were sent along; where they are to be stored, they are by then. */
  async function written({ kind, answer, toStore }: Judged): Promise<string> {
    const stored = toStore ? await service.intake.write(kind, toStore, 'api') : null
    // As text: a short one leaves in one piece with its headers, and takes a tenth less.
    return `${Buffer.from(answer.buffer).toString()},"stored":${JSON.stringify(stored)}}`
  }

  /** The question by the schema. @throws InvalidRequest */
  async function validated(request: FastifyRequest, body: Buffer): Promise<z.output<typeof DetectIn>> {
    const value = await new Promise<unknown>((resolve, reject) => {
      parse(request, body.toString(), (error, parsed) => (error ? reject(error) : resolve(parsed)))
    })
    const { data, error } = DetectIn.safeParse(value)
    if (data) return data
    throw Object.assign(new InvalidRequest(error.issues), { validationContext: 'body' })
  }
}

/** Undefined for what is no sound question about records that are sent along. @throws Problem for wrong records */
async function judged(service: Service, question: Buffer): Promise<Judged | undefined> {
  const outcome = await service.questions.ask(question).catch(async (error) => {
    throw error instanceof NoModel ? await noModel(service, error) : error
  })
  if (outcome && 'wrong' in outcome) throw wrongRecords(outcome)
  return outcome
}

const DAY = 86_400

async function ofDevice(
  service: Service,
  asked: z.output<typeof OfDevice>,
): Promise<z.input<typeof StoredDetection>> {
  const {
    store: { devices, models, db, anomalies, events },
    questions,
  } = service
  const { id, name, first_seen, last_seen } = await theDevice(devices, asked.device_id)
  if (!(await models.list()).some(({ active }) => active === 1)) throw await noModel(service, new NoModel())
  if (first_seen === null || last_seen === null)
    throw new Problem(409, 'Conflict', `nothing is stored of ${name}`)
  // The last record is part of it.
  const to = asked.to ?? last_seen + 1
  const from = asked.from ?? to - DAY
  if (from >= to) throw wrongField('body.to', 'expects a time after `from`')
  const { threshold, model } = asked
  const question = { device: [id, name] as const, from, to, ...given({ threshold, model }) }
  const { scored, thresholds, found, anomalies: told } = await questions.askStored(question)
  const own = told.filter((anomaly) => anomaly.device === name)
  const kept = asked.store ? await keep(own) : 0
  return {
    device_id: id,
    device: name,
    from: timeOf(from),
    to: timeOf(to),
    scored,
    thresholds,
    found,
    anomalies: told.map((anomaly) => foundAnomaly(anomaly)),
    kept,
  }

  /** Keeps those of which nothing is known at their time yet. */
  async function keep(own: readonly Anomaly[]): Promise<number> {
    const known = await db
      .selectFrom('anomalies')
      .select('ts')
      .where('device_id', '=', id)
      .where('ts', '>=', from)
      .where('ts', '<', to)
      .execute()
    const times = new Set(known.map(({ ts }) => ts))
    const fresh = own.filter(({ timestamp }) => !times.has(timestamp))
    const rows = fresh.map((anomaly) => ({
      uid: `asked:${id}:${anomaly.timestamp}:${anomaly.fields.orig_p ?? ''}`,
      deviceId: id,
      incidentId: null,
      origin: 'asked',
      anomaly,
    }))
    const added = await anomalies.insert(rows)
    const byUid = new Map(rows.map((row) => [row.uid, row.anomaly]))
    await events.append(added.map((row) => anomalyEvent(row.id, id, null, byUid.get(row.uid)!)))
    return added.length
  }
}

/** On the first start models are on their way; later somebody has to train one. */
async function noModel(service: Service, { message }: NoModel): Promise<Problem> {
  const { models } = await service.waiting()
  return models === undefined
    ? new Problem(409, 'Conflict', message)
    : new Problem(503, 'Starting', `models are not there yet: ${models}`, { retryAfter: 5 })
}

function wrongRecords({ kind, wrong }: WrongRecords): Problem {
  const errors = wrong.map(({ record, path, message }) => ({
    path: `body.${kind}[${record}]${path === '' ? '' : `.${path}`}`,
    message,
  }))
  const { path, message } = errors[0]!
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Problem(400, 'Invalid request', `${path} ${message}${more}`, { errors })
}
