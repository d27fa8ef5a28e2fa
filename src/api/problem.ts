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
}

export function notFound(what: string): Problem {
  return new Problem(404, 'Not found', what)
}
