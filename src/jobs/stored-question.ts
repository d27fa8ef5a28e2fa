import { Worker } from 'node:worker_threads'
import { InputError } from '../adapters/read-report.ts'
import { type ModelChoice, OptionError } from '../pipeline/options.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Batch } from '../schema/reading-batch.ts'

/** What is asked about stored records. */
export interface Question {
  /** A device's number and name. */
  readonly device: readonly [id: number, name: string]
  /** Seconds since the epoch; `from` included, `to` excluded. */
  readonly from: number
  readonly to: number
  readonly threshold?: number
  readonly model?: ModelChoice
}

export interface StoredAnswer {
  readonly scored: number
  readonly thresholds: Readonly<Partial<Record<Batch['kind'], number>>>
  readonly found: number
  /** The first {@link MOST_TOLD} of them. */
  readonly anomalies: readonly Anomaly[]
}

/** What the thread is told and what it answers. */
export interface QuestionMessage {
  readonly id: number
  readonly question: Question
}
export interface AnswerMessage {
  readonly id: number
  readonly answer?: StoredAnswer
  readonly error?: { readonly name: string; readonly message: string }
}

/** Anomalies in an answer, and records that a question may be about; beyond, it is a job. */
export const MOST_TOLD = 1000
export const MOST_RECORDS = 100_000
/** Questions waiting. */
const MOST_WAITING = 20
/** Milliseconds that an idle thread is kept, with its models. */
const IDLE = 60_000

/** So many questions wait already. */
export class TooManyQuestions extends Error {
  override readonly name = 'TooManyQuestions'
  readonly statusCode = 429
  readonly retryAfter = 2
}

interface Waiting {
  readonly resolve: (answer: StoredAnswer) => void
  readonly reject: (error: Error) => void
}

/**
 * Judges what is stored of a device while somebody waits for the answer, in a thread that stays for the next question:
 * a minute of records is too long for the thread that answers everybody, and too short for a job.
 */
export class StoredQuestions {
  readonly #url: string
  readonly #local: readonly string[] | undefined
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #next = 0

  constructor(url: string, local: readonly string[] | undefined) {
    this.#url = url
    this.#local = local
  }

  /**
   * @throws InputError when there is nothing to judge, no model for it, or too much of it; OptionError when a model is
   *   asked for that there is not
   */
  ask(question: Question): Promise<StoredAnswer> {
    if (this.#waiting.size >= MOST_WAITING) {
      return Promise.reject(new TooManyQuestions(`${MOST_WAITING} such questions wait already; try again`))
    }
    clearTimeout(this.#idle)
    this.#worker ??= this.#thread()
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker!.postMessage({ id, question } satisfies QuestionMessage)
    })
  }

  #thread(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './stored-question-task.ts' : './stored-question-task.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: { url: this.#url, local: this.#local },
      execArgv: [],
    })
    worker.on('message', ({ id, answer, error }: AnswerMessage) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (answer) waiting?.resolve(answer)
      else waiting?.reject(errorOf(error!))
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => void this.close(), IDLE).unref()
    })
    let cause: Error | undefined
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      for (const { reject } of this.#waiting.values()) reject(cause ?? new Error('the thread ended early'))
      this.#waiting.clear()
    })
    return worker
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    await this.#worker?.terminate()
  }
}

function errorOf({ name, message }: NonNullable<AnswerMessage['error']>): Error {
  if (name === 'InputError') return new InputError(message)
  if (name === 'OptionError') return new OptionError(message)
  return new Error(message)
}
