import type { ProblemDetails } from './types.ts'

export interface ClientOptions {
  /** Where the service is; http://localhost:5000 when left out. */
  readonly url?: string
  /** An API token. */
  readonly token?: string
  /** Times that a request is sent again after 429 and 503, as late as the service says; 3 when left out. */
  readonly retries?: number
  /** In place of the global `fetch`. */
  readonly fetch?: typeof fetch
}

export type Query = Readonly<
  Record<string, string | number | boolean | readonly (string | number)[] | undefined>
>

/** An answer that is a problem. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly problem: ProblemDetails

  constructor(problem: ProblemDetails) {
    super(problem.detail)
    this.problem = problem
  }

  get status(): number {
    return this.problem.status
  }
}

/** Sends requests and reads answers. */
export class Http {
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #retries: number
  readonly #fetch: typeof fetch

  constructor({ url = 'http://localhost:5000', token, retries = 3, fetch: own = fetch }: ClientOptions) {
    this.#url = url.replace(/\/+$/, '')
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    this.#retries = retries
    this.#fetch = own
  }

  /** @throws ApiError */
  async json<T>(method: string, path: string, query: Query = {}, body?: unknown): Promise<T> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    // Sent again after a lost answer, a write is done once.
    if (method === 'POST') headers['idempotency-key'] = crypto.randomUUID()
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const answer = await this.send(path, query, init)
    return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T)
  }

  /** @throws ApiError */
  async send(path: string, query: Query, init: RequestInit): Promise<Response> {
    const url = new URL(`${this.#url}/api/v1${path}`)
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, String(one))
    }
    const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) }
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#fetch(url, { ...init, headers })
      if (answer.ok) return answer
      const wait = Number(answer.headers.get('retry-after') ?? Number.NaN)
      const again = (answer.status === 429 || answer.status === 503) && attempt < this.#retries
      if (!again || Number.isNaN(wait)) throw new ApiError(await problemOf(answer))
      await answer.arrayBuffer()
      await new Promise((resolve) => setTimeout(resolve, wait * 1000))
    }
  }
}

/** Also of an answer that something between here and the service gave. */
async function problemOf(answer: Response): Promise<ProblemDetails> {
  const text = await answer.text()
  if (/json/.test(answer.headers.get('content-type') ?? '')) return JSON.parse(text) as ProblemDetails
  const { status, statusText } = answer
  return { type: 'about:blank', title: statusText, status, detail: text.slice(0, 500) || statusText }
}
