import { z } from 'zod'
import { exampleOf } from './examples.ts'
import { IdempotencyKey, takesKey } from './idempotency.ts'
import { ProblemDetails } from './problem.ts'
import type { Route, RouteTable } from './route-table.ts'

type Json = Record<string, unknown>

/** What a route sends or takes in a form that is not validated by a schema: a file, a stream, NDJSON. */
export interface Content {
  readonly schema?: z.ZodType
  /** What each message of a stream holds as JSON. */
  readonly messages?: z.ZodType
  /** Shown as text. */
  readonly example?: unknown
}

declare module 'fastify' {
  interface FastifySchema {
    readonly tags?: readonly [keyof typeof TAGS]
    /** One line; required for what is documented. */
    readonly summary?: string
    /** Markdown. */
    readonly description?: string
    /** Leaves a route out of the documentation: the documentation itself. */
    readonly hide?: boolean
    /** Content by type, documented beside or instead of `body`. */
    readonly bodyContent?: Readonly<Record<string, Content>>
    /** Content by type of the successful answer, instead of JSON. */
    readonly answerContent?: Readonly<Record<string, Content>>
  }
}

/** What can go wrong anywhere, and what it means. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is malformed; `errors` lists every wrong field',
  401: 'Log in or send a token',
  403: 'The role, or the scope of the token, does not allow this',
  404: 'There is no such thing',
  409: 'It contradicts the present state',
  413: 'The body is too large',
  415: 'The content type is not read here',
  422: 'The `Idempotency-Key` was used with another body',
  429: 'Too many requests; `Retry-After` tells the seconds to wait',
  500: 'An error of Motewatch’s own',
  503: 'Busy or starting; `Retry-After` tells the seconds to wait',
  507: 'The disk is full; nothing was changed',
}

/** Parts of the documentation, in their order. */
const TAGS = {
  status: 'Is all well, and what was found?',
  data: 'Readings and flows, in and out',
  detect: 'Questions about records and files',
  anomalies: 'What is unusual, one record at a time',
  incidents: 'Anomalies of one behaviour',
  feedback: 'What people said of anomalies and incidents',
  devices: 'Who sends readings and makes connections',
  models: 'What was learned of the ordinary',
  jobs: 'Work that takes longer than a request',
  schedules: 'Jobs by the clock',
  events: 'What happens, as it happens',
  alerts: 'Who is told of incidents, and how',
  simulate: 'Demo devices',
  access: 'Users, sessions, tokens and the audit log',
  operation: 'For whoever looks after the process',
} as const

/** OpenAPI 3.1 of all routes, from the schemas that validate them. */
export function openApi({ routes }: RouteTable, version: string): Json {
  const components = new Components()
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    if (route.method === 'HEAD' || route.method === 'OPTIONS' || route.options.schema?.hide) continue
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operation(route, components)
  }
  const problem = components.schema(ProblemDetails, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Motewatch',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description:
        'Which connected device is misbehaving, and why. Times are RFC 3339 in UTC; a `device` is its number or its name. ' +
        'Lists come in pages: pass `next` of the answer as `cursor`. Errors are problem details (RFC 9457).',
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: components.all,
      responses: Object.fromEntries(
        Object.entries(PROBLEMS).map(([status, description]) => [
          `Problem${status}`,
          {
            description,
            ...(status === '429' || status === '503' ? { headers: RETRY_AFTER } : {}),
            content: { 'application/problem+json': { schema: problem } },
          },
        ]),
      ),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'an API token' },
        session: { type: 'apiKey', in: 'cookie', name: 'motewatch_session', description: 'after a login' },
      },
    },
  }
}

const KEY_HEADER = z.object({ 'Idempotency-Key': IdempotencyKey })
const RETRY_AFTER = {
  'Retry-After': { description: 'seconds to wait', schema: { type: 'integer', minimum: 0 } },
}

function operation({ method, url, options }: Route, components: Components): Json {
  const schema = options.schema ?? {}
  const access = options.config?.access
  const isPublic = access?.role === 'public'
  const body = contents(schema.body, schema.bodyContent, 'input', components)
  const parameters = [
    ...parametersOf('path', schema.params, components),
    ...parametersOf('query', schema.querystring, components),
    ...parametersOf('header', schema.headers, components),
    ...(takesKey(method, options.config ?? {}) ? parametersOf('header', KEY_HEADER, components) : []),
  ]
  const declared = (schema.response ?? {}) as Record<string, z.ZodType>
  const successes = Object.entries(declared).map(([status, answer]) => [
    status,
    {
      description: answer.description ?? schema.summary,
      ...(answer instanceof z.ZodVoid
        ? {}
        : { content: contents(answer, schema.answerContent, 'output', components) }),
    },
  ])
  const statuses = [
    ...problemsOf(method, isPublic, schema.params !== undefined, parameters.length > 0),
    ...(takesKey(method, options.config ?? {}) ? [409, 422] : []),
    ...(options.config?.problems ?? []),
  ]
  const errors = [...new Set(statuses)].sort((x, y) => x - y)
  return {
    tags: schema.tags,
    summary: schema.summary,
    ...(schema.description ? { description: schema.description } : {}),
    operationId: operationId(method, url),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: { required: options.config?.bodyOptional !== true, content: body } } : {}),
    responses: Object.fromEntries([
      ...successes,
      ...errors.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
    ]),
    security: isPublic ? [] : [{ token: [] }, { session: [] }],
    'x-role': access?.role,
    ...(access?.scope ? { 'x-scope': access.scope } : {}),
  }
}

/** What can go wrong with any request of this kind; whatever a request that writes sends along is read. */
function problemsOf(method: string, isPublic: boolean, named: boolean, asked: boolean): number[] {
  const reads = method !== 'GET'
  return [
    ...(asked || reads ? [400] : []),
    ...(isPublic ? [] : [401, 403]),
    ...(named ? [404] : []),
    ...(reads ? [413, 415, 507] : []),
    429,
    500,
    503,
  ]
}

/** `GET /api/v1/devices/:device/readings` is `getDevicesDeviceReadings`. */
function operationId(method: string, url: string): string {
  const words = url.replace('/api/v1', '').match(/[A-Za-z0-9]+/g) ?? ['root']
  return method.toLowerCase() + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('')
}

function contents(
  json: unknown,
  others: Readonly<Record<string, Content>> | undefined,
  io: 'input' | 'output',
  components: Components,
): Json | undefined {
  if (json === undefined && others === undefined) return undefined
  const all: Record<string, Content> = { ...others }
  if (json instanceof z.ZodType && !(io === 'output' && others)) all['application/json'] = { schema: json }
  return Object.fromEntries(
    Object.entries(all).map(([type, { schema, messages, example }]) => {
      const held = messages && {
        contentMediaType: 'application/json',
        contentSchema: components.schema(messages, io),
      }
      const shown = example ?? (schema && exampleOf(schema))
      return [
        type,
        {
          schema: { ...(schema && components.schema(schema, io)), ...held },
          ...(shown === undefined ? {} : { example: shown }),
        },
      ]
    }),
  )
}

function parametersOf(place: 'path' | 'query' | 'header', schema: unknown, components: Components): Json[] {
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
    const { description, ...json } = components.schema(field, 'input')
    const [example] = (field.meta()?.examples as readonly unknown[] | undefined) ?? []
    return {
      name,
      in: place,
      required: place === 'path' || !field.safeParse(undefined).success,
      ...(description ? { description } : {}),
      schema: json,
      ...(example === undefined ? {} : { example }),
    }
  })
}

/** A file is what OpenAPI 3.1 calls a binary string. */
function binary({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: Json }): void {
  if (zodSchema instanceof z.ZodFile) Object.assign(jsonSchema, { type: 'string', format: 'binary' })
}

/** Schemas with an `id` become components, the same one wherever they are used. */
class Components {
  readonly all: Record<string, unknown> = {}

  schema(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema, $defs = {}, id, ...json } = this.#convert(schema, io)
    for (const [name, definition] of Object.entries($defs as Record<string, Json>)) {
      const { id: _, ...rest } = definition
      this.#keep(name, rest, io)
    }
    return typeof id === 'string' ? this.#keep(id, json, io) : json
  }

  #convert(schema: z.ZodType, io: 'input' | 'output'): Json {
    const suffix = io === 'input' ? 'Input' : ''
    const json = z.toJSONSchema(schema, { io, unrepresentable: 'any', cycles: 'ref', override: binary })
    const text = JSON.stringify(json)
    const refs = text.replaceAll(/"#\/\$defs\/([^"]+)"/g, `"#/components/schemas/$1${suffix}"`)
    return JSON.parse(refs) as Json
  }

  #keep(name: string, json: Json, io: 'input' | 'output'): Json {
    const key = io === 'input' ? `${name}Input` : name
    this.all[key] = json
    return { $ref: `#/components/schemas/${key}` }
  }
}
