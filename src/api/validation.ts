import type { FastifySchemaCompiler, FastifySerializerCompiler, FastifyTypeProvider } from 'fastify'
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
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const { data: value, error } = schema.safeParse(data)
    return error ? { error: new InvalidRequest(error.issues) } : { value }
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
