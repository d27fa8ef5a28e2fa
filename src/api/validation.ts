import type {
  FastifyBodyParser,
  FastifyInstance,
  FastifySchemaCompiler,
  FastifySerializerCompiler,
  FastifyTypeProvider,
} from 'fastify'
import { z } from 'zod'
import type { WrongField } from './problem.ts'

/** Types of a route's handler from the zod schemas of its parts. */
export interface ZodTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown
}

/** What a schema found wrong in a part of a request. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest'
  readonly issues: readonly z.core.$ZodIssue[]
  /** Filled by Fastify: `body`, `querystring`, `params`, `headers`. */
  validationContext = ''

  constructor(issues: readonly z.core.$ZodIssue[]) {
    super('the request is not as documented')
    this.issues = issues
  }
}

/** Validates parts of requests with zod schemas; all wrong fields are found at once. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const flat = httpPart === 'querystring' || httpPart === 'params'
  return (data) => {
    const issues = flat ? withNul(data) : []
    if (issues.length > 0) return { error: new InvalidRequest(issues) }
    const { data: value, error } = schema.safeParse(data)
    return error ? { error: new InvalidRequest(error.issues) } : { value }
  }
}

/** PostgreSQL has no text with U+0000 in it, so no text here may have it. */
function withNul(value: unknown, path: (string | number)[] = []): z.core.$ZodIssue[] {
  if (typeof value === 'string') {
    const message = 'expected text without the character U+0000'
    return value.includes('\0') ? [{ code: 'custom', path, message, input: undefined }] : []
  }
  // What lies deeper than anything documented is not stored as text.
  if (value === null || typeof value !== 'object' || path.length > 50) return []
  if (Array.isArray(value)) return value.flatMap((item, i) => withNul(item, [...path, i]))
  return Object.entries(value).flatMap(([name, item]) => [
    ...withNul(name, path),
    ...withNul(item, [...path, name]),
  ])
}

/** JSON is parsed as Fastify does; text with U+0000 is looked for where its bytes are, so that others do not pay for it. */
export function jsonParser(app: FastifyInstance): FastifyBodyParser<string> {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, body, done) => {
    if (!body.includes('\\u0000')) return parse(request, body, done)
    return parse(request, body, (error, value: unknown) => {
      const issues = error ? [] : withNul(value)
      if (issues.length === 0) return done(error, value)
      done(Object.assign(new InvalidRequest(issues), { validationContext: 'body' }))
    })
  }
}

/** Writes answers: what the schema does not name is left out, and what does not fit it is an error of ours. */
export const serializerCompiler: FastifySerializerCompiler<z.ZodType> =
  ({ schema, method, url }) =>
  (data) => {
    const { data: value, error } = schema.safeParse(data)
    if (!error) return JSON.stringify(value)
    throw new Error(`the answer of ${method} ${url} is not as documented: ${z.prettifyError(error)}`)
  }

/** The words of RFC 9457's readers for Fastify's. */
const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' }

/** Wrong fields with their place in the request: `body.readings[2].temperature`. */
export function wrongFields({ issues, validationContext }: InvalidRequest): WrongField[] {
  return issues.flatMap((issue) => fieldsOf(issue, PARTS[validationContext] ?? validationContext))
}

function fieldsOf(issue: z.core.$ZodIssue, parent: string): WrongField[] {
  const path = issue.path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    parent,
  )
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: `${path}.${key}`, message: 'is not known here' }))
  }
  // Of several forms that a value may have, tell about the one it came closest to.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const closest = issue.errors.reduce((best, next) => (distance(next) < distance(best) ? next : best))
    if (closest.some((inner) => inner.path.length > 0))
      return closest.flatMap((inner) => fieldsOf(inner, path))
    const expected = issue.errors.flatMap((issues) => issues.map((i) => i.message))
    return [{ path, message: [...new Set(expected)].join(', or ') }]
  }
  return [{ path, message: issue.message }]
}

/** How far a value is from a form of a union: another type, else fields that are missing, else wrong ones. */
function distance(issues: readonly z.core.$ZodIssue[]): number {
  const missing = issues.filter((issue) => issue.message.endsWith('received undefined')).length
  return (issues.some((issue) => issue.path.length === 0) ? 1e6 : 0) + missing * 1000 + issues.length
}
