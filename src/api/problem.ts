import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { InputError } from '../adapters/read-report.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { OptionError } from '../pipeline/options.ts'
import { Busy, CursorError, StoreError, StoreFull, storeError } from '../store/errors.ts'
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

/** What the parser of forms says of what is none, or ends too early. */
const UNREADABLE_FORM = /multipart|^Unsupported Content-Type/i

/** What Fastify, its plugins and errors of our own may tell beside a message. */
interface Thrown {
  readonly code?: string
  readonly statusCode?: number
  readonly message?: string
  readonly retryAfter?: number
}

/** Whatever was thrown, as a problem; undefined for an error of ours. */
export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof InvalidRequest) {
    const errors = wrongFields(error)
    const { path, message } = errors[0]!
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
    return new Problem(400, 'Invalid request', `${path}: ${message}${more}`, { errors })
  }
  const known = storeError(error)
  if (known instanceof Busy) return new Problem(503, 'Busy', known.message, { retryAfter: known.retryAfter })
  if (known instanceof StoreFull) return new Problem(507, 'Disk full', known.message, { retryAfter: 60 })
  if (known instanceof StoreError) return new Problem(409, 'Conflict', known.message)
  if (known instanceof CursorError) return wrongField('query.cursor', known.message.replace(/^cursor /, ''))
  if (known instanceof ModelFormatError || known instanceof InputError || known instanceof OptionError) {
    return new Problem(400, 'Invalid request', known.message)
  }
  const { code = '', statusCode = 500, message = '', retryAfter } = error as Thrown
  if (code === '' && UNREADABLE_FORM.test(message)) {
    return new Problem(
      400,
      'Invalid request',
      `the form cannot be read: ${message}; curl -F file=@NAME sends one`,
    )
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
