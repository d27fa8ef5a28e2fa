import { Worker } from 'node:worker_threads'
import { InputError } from '../adapters/read-report.ts'
import { NoModel, type Outcome } from '../live/inline.ts'
import type { InlineKnowledge } from '../live/inline-knowledge.ts'
import { OptionError } from '../pipeline/options.ts'
import { Busy } from '../store/errors.ts'
import type { StoredAnswer, StoredQuestion } from './stored-question.ts'

export interface QuestionSettings {
  readonly url: string
  /** Local networks in CIDR form; the private ranges when left out. */
  readonly local: readonly string[] | undefined
}

/** What is asked: records sent along, as the bytes of the question, or what is stored. */
export type Asked = { readonly bytes: Uint8Array } | { readonly stored: StoredQuestion }

/** What the thread is told and what it answers. */
export type QuestionMessage = { readonly knowledge: InlineKnowledge } | ({ readonly id: number } & Asked)
export type QuestionReply = { readonly id: number } & (
  | { readonly outcome: Outcome }
  | { readonly stored: StoredAnswer }
  | { readonly error: { readonly name: string; readonly message: string } }
)

/** A question, and who waits for the answer. */
export interface Waiting {
  readonly asked: Asked
  resolve(answer: Outcome | StoredAnswer): void
  reject(error: Error): void
}

/** Megabytes of its heap: without a limit the collector lets garbage pile up. */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 512 }
/** Questions that it has at a time: one at work, and one so that it need not wait for the next. */
const DEPTH = 2

/** A thread that answers questions. */
export class QuestionThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 0
  #learned = false

  /**
   * A thread that takes questions once it has learned.
   *
   * @param free called when it has answered
   * @param ended called when it is no more; who waited was told to ask again
   */
  constructor(settings: QuestionSettings, free: () => void, ended: (answered: boolean) => void) {
    const file = import.meta.url.endsWith('.ts') ? './question-task.ts' : './question-task.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: settings,
      execArgv: [],
      resourceLimits: HEAP,
    })
    // What keeps the process alive is who waits for an answer.
    this.#worker.unref()
    let answered = false
    this.#worker.on('message', (reply: QuestionReply) => {
      answered = true
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      if ('error' in reply) waiting?.reject(errorOf(reply.error))
      else waiting?.resolve('outcome' in reply ? reply.outcome : reply.stored)
      free()
    })
    let cause = ''
    this.#worker.on('error', (error) => {
      cause = ` (${error.message})`
    })
    this.#worker.on('exit', () => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Busy(`judging was interrupted${cause}; ask again`, 1))
      }
      this.#waiting.clear()
      ended(answered)
    })
  }

  learn(knowledge: InlineKnowledge): void {
    this.#learned = true
    this.#worker.postMessage({ knowledge } satisfies QuestionMessage)
  }

  get learned(): boolean {
    return this.#learned
  }

  get idle(): boolean {
    return this.#waiting.size === 0
  }

  /** Whether it takes a question now: nothing waits behind one about what is stored, which may take seconds. */
  takes(asked: Asked): boolean {
    if (!this.#learned) return false
    if (this.idle) return true
    return (
      this.#waiting.size < DEPTH &&
      'bytes' in asked &&
      [...this.#waiting.values()].every((waiting) => 'bytes' in waiting.asked)
    )
  }

  ask(waiting: Waiting): void {
    const id = this.#next++
    this.#waiting.set(id, waiting)
    // Copied: 20 KB are through in microseconds, and who asked may still need them.
    this.#worker.postMessage({ id, ...waiting.asked } satisfies QuestionMessage)
  }

  /** Ends it at once; who waits is told to ask again. */
  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

function errorOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  if (name === 'InputError') return new InputError(message)
  if (name === 'OptionError') return new OptionError(message)
  if (name === 'NoModel') return new NoModel()
  return new Error(message)
}
