import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { InvalidRequest, wrongFields } from './validation.ts'

/** A wrong field: where it is (`body.readings[2].temperature`), what was expected and what was got. */
export interface WrongField {
  readonly path: string
  readonly message: string
}

/**
 * An error with an answer for the caller, as RFC 9457 problem details. `title` says what kind of problem it is,
 * `detail` what happened here and what to do.
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly title: string
  readonly errors: readonly WrongField[] | undefined
  /** Seconds after which trying again makes sense (429, 503). */
  readonly retryAfter: number | undefined

  constructor(
    status: number,
    title: string,
    detail: string,
    more: { errors?: readonly WrongField[]; retryAfter?: number } = {},
  ) {
    super(detail)
    this.status = status
    this.title = title
    this.errors = more.errors
    this.retryAfter = more.retryAfter
  }

  /** As the answer's body. */
  toJSON(): z.infer<typeof ProblemDetails> {
    const { status, title, message: detail, errors } = this
    const type = `urn:motewatch:problem:${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`
    return { type, title, status, detail, ...(errors ? { errors: [...errors] } : {}) }
  }
}

export function notFound(what: string): Problem {
  return new Problem(404, 'Not found', what)
}

/** One field is wrong in a way that a schema cannot say. */
export function wrongField(path: string, message: string): Problem {
  return new Problem(400, 'Invalid request', `${path} ${message}`, { errors: [{ path, message }] })
}

export const ProblemDetails = z
  .object({
    type: z.string().describe('what kind of problem, for programs'),
    title: z.string().describe('what kind of problem, for people'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('what happened here and what to do'),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('every wrong field'),
  })
  .meta({
    id: 'Problem',
    description: 'Problem details (RFC 9457)',
    examples: [
      {
        type: 'urn:motewatch:problem:invalid-request',
        title: 'Invalid request',
        status: 400,
        detail: 'query.limit: Too big: expected number to be <=1000',
        errors: [{ path: 'query.limit', message: 'Too big: expected number to be <=1000' }],
      },
    ],
  })

/** Errors of Fastify and its plugins whose own words do not tell what to do. */
const REMEDIES: Readonly<Record<string, (message: string) => string>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: () => 'the body is empty; send JSON or leave out the content-type header',
  FST_ERR_CTP_INVALID_JSON_BODY: () => 'the body is not valid JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (message) => `${message}; the documentation names those that are read here`,
}

/** Errors of the databases that pass: locked, full of connections, starting. */
const PASSING = /^(SQLITE_BUSY|SQLITE_LOCKED|ECONNREFUSED|ECONNRESET|57P0[123]|53300|08...)/
const FULL = /^(SQLITE_FULL|ENOSPC|53100)/

/** Whatever was thrown, as a problem; undefined for an error of ours. */
export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof InvalidRequest) {
    const errors = wrongFields(error)
    const { path, message } = errors[0]!
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    return new Problem(400, 'Invalid request', `${path}: ${message}${more}`, { errors })
  }
  const {
    code = '',
    statusCode = 500,
    message = '',
    retryAfter,
  } = error as {
    code?: string
    statusCode?: number
    message?: string
    retryAfter?: number
  }
  if (PASSING.test(code)) {
    return new Problem(503, 'Busy', 'the database is busy; nothing was changed, try again', { retryAfter: 1 })
  }
  if (FULL.test(code)) {
    return new Problem(507, 'Disk full', 'the disk of the database is full; nothing was changed', {
      retryAfter: 60,
    })
  }
  if (statusCode < 400 || statusCode >= 500) return undefined
  const title = STATUS_CODES[statusCode] ?? 'Bad Request'
  return new Problem(
    statusCode,
    title,
    REMEDIES[code]?.(message) ?? message,
    retryAfter ? { retryAfter } : {},
  )
}
