import multipart from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { given } from '../../jobs/given.ts'
import type { Job } from '../../jobs/jobs.ts'
import type { Upload } from '../../jobs/uploads.ts'
import { MODEL_CHOICES } from '../../pipeline/options.ts'
import type { App, Routes } from '../app.ts'
import { answeredBefore } from '../idempotency.ts'
import { Problem } from '../problem.ts'
import { BooleanIn, listIn, numberIn } from '../schemas.ts'
import { JobOut, jobOut } from './jobs.ts'
import { oneFile } from './models.ts'

/** Bytes of the largest file that is taken. */
const MOST_BYTES = 64 * 2 ** 30

const READING = {
  adapter: z.string().max(40).optional().meta({ description: 'how to read it; recognised when left out' }),
  local: listIn(z.string().max(50)).optional().describe('local networks in CIDR form'),
  model: z.enum(MODEL_CHOICES).optional().describe('which models; all when left out'),
}
const FILE = { 'multipart/form-data': { schema: z.object({ file: z.file() }) } }
const ABOUT =
  'The file is anything that the command line reads: captures, flow logs, CSV, JSON, Parquet, gzip or zstd. It is ' +
  'written to disk as it comes and read by a job; follow the job with `GET /jobs/{id}` or `GET /events`.'

/** Files that are sent: written as they come, under a name of the service's own. */
export const uploadRoutes: Routes = (app, service) => {
  app.register(async (scope: App) => {
    await scope.register(multipart, {
      limits: { fileSize: MOST_BYTES, files: 1, fields: 5, fieldSize: 1000 },
    })
    const {
      jobs,
      store: { db },
    } = service

    scope.post(
      '/detect/file',
      {
        bodyLimit: MOST_BYTES,
        config: { access: { role: 'operator', scope: 'detect' } },
        schema: {
          tags: ['detect'],
          summary: 'Look for anomalies in a file, as a job',
          description: ABOUT,
          querystring: z.strictObject({
            ...READING,
            threshold: numberIn(z.number().min(0).max(1)).optional().describe('confidence of an anomaly'),
            store: BooleanIn.optional().describe('whether what is found is kept; true when left out'),
          }),
          bodyContent: FILE,
          response: { 202: JobOut },
        },
      },
      async (request, reply) => {
        const { adapter, local, threshold, model, store } = request.query
        const params = given({ adapter, local, threshold, model, store })
        return begin(request, reply, (upload) =>
          jobs.add('detect-file', { upload, ...params }, request.caller.name),
        )
      },
    )

    scope.post(
      '/train/file',
      {
        bodyLimit: MOST_BYTES,
        config: { access: { role: 'operator', scope: 'models:write' } },
        schema: {
          tags: ['models'],
          summary: 'Learn from a file what is normal, as a job',
          description: ABOUT,
          querystring: z.strictObject({
            ...READING,
            name: z.string().min(1).max(100).optional().describe('what to call the model'),
            activate: BooleanIn.optional().describe('whether it is used from then on; true when left out'),
            contamination: numberIn(z.number().min(1e-6).max(0.5)).optional(),
            false_alarms: z
              .string()
              .max(40)
              .optional()
              .meta({ description: 'false alarms accepted', examples: ['1/device-day'] }),
            benign: BooleanIn.optional().describe('only from rows labelled benign'),
          }),
          bodyContent: FILE,
          response: { 202: JobOut },
        },
      },
      async (request, reply) => {
        const params = given(request.query)
        return begin(request, reply, (upload) =>
          jobs.add('train', { upload, ...params }, request.caller.name),
        )
      },
    )

    /** Receives the file of a request and begins a job with it; where there is none to begin no file is left behind. */
    async function begin(
      request: FastifyRequest,
      reply: FastifyReply,
      add: (upload: Upload) => Promise<Job>,
    ): Promise<FastifyReply> {
      const { file, filename } = await oneFile(request)
      const { upload, size, sha256 } = await jobs.uploads.receive(file, filename)
      let begun = false
      try {
        if (file.truncated) {
          const detail = `a file may have ${MOST_BYTES / 2 ** 30} GiB; send it in parts`
          throw new Problem(413, 'Payload Too Large', detail)
        }
        if (size === 0) throw new Problem(400, 'Invalid request', `${filename || 'the file'} is empty`)
        if (await answeredBefore(db, request, reply, `${sha256} ${upload.name}`)) return reply
        const job = await add(upload)
        begun = true
        return reply.code(202).header('location', `/api/v1/jobs/${job.id}`).send(jobOut(job))
      } finally {
        if (!begun) await jobs.uploads.remove(upload)
      }
    }
  })
}
