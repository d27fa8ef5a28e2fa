import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { choose } from '../../live/own-models.ts'
import type { StoredModel } from '../../store/models.ts'
import type { Routes } from '../app.ts'
import { answeredBefore, sha256Of } from '../idempotency.ts'
import { notFound, Problem } from '../problem.ts'
import { Id, Time, timeOf } from '../schemas.ts'

/** Bytes of the largest model file that is taken. */
const MOST_BYTES = 256 << 20

const Kind = z.enum(['flows', 'readings'])
const Params = z.object({ id: Id })
const WRITE = { access: { role: 'operator', scope: 'models:write' } } as const
const READ = { access: { role: 'viewer', scope: 'models:read' } } as const

const SHORT = {
  id: z.int(),
  kind: Kind,
  name: z.string(),
  created: Time,
  active: z.boolean(),
  previous_id: z.int().nullable().describe('the model that was active before, for roll back'),
  sha256: z.string(),
  size: z.int().describe('bytes'),
  origin: z.string().describe('sample, own (learned by the service itself), job:7, upload, folder:…'),
}
const EXAMPLE = {
  id: 2,
  kind: 'readings',
  name: 'readings 2',
  created: '2025-03-07T08:00:00.000Z',
  active: true,
  previous_id: 1,
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  size: 9849856,
  origin: 'job:7',
} as const

export const ModelOut = z.object(SHORT).meta({ id: 'Model', examples: [EXAMPLE] })

export const ModelCard = z
  .object({
    ...SHORT,
    card: z.record(z.string(), z.unknown()).describe('what it was made from, and what was measured'),
  })
  .meta({
    id: 'ModelCard',
    examples: [
      {
        ...EXAMPLE,
        card: {
          sources: ['stored readings'],
          rows: { seen: 33688, fitted: 22459, calibrated: 22459 },
          contamination: 0.01,
          warnings: [],
        },
      },
    ],
  })

export const modelRoutes: Routes = (app, { store }) => {
  const { models, events } = store
  const the = async (id: number) => {
    const found = await models.get(id)
    if (!found) throw notFound(`there is no model ${id}`)
    return found
  }
  const tell = (model: StoredModel, what: string) =>
    events.append([{ type: 'model', data: { id: model.id, kind: model.kind, name: model.name, what } }])

  app.get(
    '/models',
    {
      config: READ,
      schema: {
        tags: ['models'],
        summary: 'Models, newest first',
        description: 'Training is a job: `POST /api/v1/jobs` with the kind `train`.',
        querystring: z.strictObject({ kind: Kind.optional() }),
        response: { 200: z.object({ items: z.array(ModelOut) }) },
      },
    },
    async ({ query: { kind } }) => ({ items: (await models.list(kind)).map(modelOut) }),
  )

  app.get(
    '/models/:id',
    {
      config: READ,
      schema: {
        tags: ['models'],
        summary: 'One model with its card',
        params: Params,
        response: { 200: ModelCard },
      },
    },
    async ({ params: { id } }) => {
      const model = await the(id)
      return { ...modelOut(model), card: { ...model.card } }
    },
  )

  app.get(
    '/models/:id/file',
    {
      config: READ,
      schema: {
        tags: ['models'],
        summary: 'Download a model',
        params: Params,
        response: { 200: z.unknown().describe('the model file, as `motewatch train` writes it') },
        answerContent: { 'application/octet-stream': {} },
      },
    },
    async ({ params: { id } }, reply) => {
      const model = await the(id)
      const bytes = await models.bytes(id)
      return reply
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename="${model.kind}-${id}.model"`)
        .send(Buffer.from(bytes!))
    },
  )

  app.post(
    '/models/:id/activate',
    {
      config: WRITE,
      schema: {
        tags: ['models'],
        summary: 'Use this model from now on',
        description:
          'The service leaves a model that a person chose, and learns nothing by itself in its place.',
        params: Params,
        response: { 200: ModelOut },
      },
    },
    async ({ params: { id } }) => {
      const model = await store.transaction(async (tx) => {
        const activated = await tx.models.activate(id)
        if (activated) await choose(tx, activated)
        return activated
      })
      if (!model) throw notFound(`there is no model ${id}`)
      await tell(model, 'activated')
      return modelOut(model)
    },
  )

  app.post(
    '/models/active/roll-back',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['models'],
        summary: 'Use the model again that was active before',
        body: z.strictObject({ kind: Kind }).meta({ examples: [{ kind: 'readings' }] }),
        response: { 200: ModelOut },
      },
    },
    async ({ body: { kind } }) => {
      const model = await store.transaction(async (tx) => {
        const before = await tx.models.rollBack(kind)
        await choose(tx, before)
        return before
      })
      await tell(model, 'rolled back')
      return modelOut(model)
    },
  )

  app.delete(
    '/models/:id',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['models'],
        summary: 'Delete a model that is not active',
        params: Params,
        response: { 204: z.void().describe('deleted') },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!(await models.remove(id))) throw notFound(`there is no model ${id}`)
      return reply.code(204).send()
    },
  )

  // A plugin of its own: only here is multipart read.
  app.register(async (scope) => {
    await scope.register(multipart, {
      limits: { fileSize: MOST_BYTES, files: 1, fields: 5, fieldSize: 1000 },
    })
    scope.post(
      '/models',
      {
        bodyLimit: MOST_BYTES,
        config: WRITE,
        schema: {
          tags: ['models'],
          summary: 'Upload a model',
          description: 'A model file as `motewatch train` writes it. It is data only: nothing in it is run.',
          bodyContent: { 'multipart/form-data': { schema: z.object({ file: z.file() }) } },
          response: { 201: ModelOut },
        },
      },
      async (request, reply) => {
        const bytes = await (await oneFile(request)).toBuffer()
        if (await answeredBefore(store.db, request, reply, sha256Of(bytes))) return reply
        return reply.code(201).send(modelOut(await models.add(bytes, 'upload')))
      },
    )
  })
}

/** The file of a multipart request. @throws Problem when there is none */
export async function oneFile(request: FastifyRequest): Promise<MultipartFile> {
  if (!request.isMultipart()) {
    throw new Problem(
      415,
      'Unsupported Media Type',
      'send the file as multipart/form-data: curl -F file=@NAME',
    )
  }
  const file = await request.file()
  if (!file) throw new Problem(400, 'Invalid request', 'the form has no file; send one as `file`')
  return file
}

function modelOut({ card: _, ...model }: StoredModel): z.input<typeof ModelOut> {
  return { ...model, created: timeOf(model.created), active: model.active === 1 }
}
