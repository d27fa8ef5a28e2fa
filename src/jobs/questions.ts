import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import { InlineDetector, NoModel, type Outcome } from '../live/inline.ts'
import { KnowledgeWatch } from '../live/inline-knowledge.ts'
import { Busy } from '../store/errors.ts'
import type { SharedModels } from '../store/shared-models.ts'
import type { Store } from '../store/store.ts'
import { type Asked, QuestionThread, type Waiting } from './question-thread.ts'
import type { StoredAnswer, StoredQuestion } from './stored-question.ts'

export interface QuestionsOptions {
  readonly store: Store
  readonly models: SharedModels
  readonly local: readonly string[] | undefined
  readonly log: Pick<Logger, 'warn'>
  /** Threads beside this one; one for each other core, and four at most, when left out. */
  readonly threads?: number
}

/** Bytes of a question, about twenty readings, that is quicker answered than handed over. */
const SMALL = 4 << 10
/** Bytes of a question that this thread takes where the others have enough to do: a few milliseconds. */
const MOST_HERE = 64 << 10
/** Questions waiting: in all, those about what is stored, and bytes. */
const MOST_WAITING = 500
const MOST_STORED = 20
const MOST_BYTES = 64 << 20
/** Milliseconds that an idle thread is kept. */
const IDLE = 60_000

/** So many questions wait already. */
export class TooManyQuestions extends Error {
  override readonly name = 'TooManyQuestions'
  readonly statusCode = 429
  readonly retryAfter = 2
}

/**
 * Answers while somebody waits: is this unusual? What is sent along is judged on this thread where it is little, and
 * together with what else is asked at that moment. What is more goes to threads that stay for the next question; when
 * they have enough to do this thread works too, one question whenever it has answered all requests. All judge with the
 * same knowledge, and to the same bytes.
 */
export class Questions {
  readonly #options: QuestionsOptions
  readonly #here: InlineDetector
  readonly #watch: KnowledgeWatch
  readonly #most: number
  readonly #threads = new Set<QuestionThread>()
  /** In the order of asking. */
  readonly #queue: Waiting[] = []
  #unanswered = { questions: 0, stored: 0, bytes: 0 }
  #working = false
  #idle: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: QuestionsOptions) {
    const { store, models, local, log, threads = Math.min(4, availableParallelism() - 1) } = options
    this.#options = options
    this.#most = Math.max(1, threads)
    this.#here = new InlineDetector(local)
    const taken: ConstructorParameters<typeof KnowledgeWatch>[2] = (knowledge) => {
      this.#here.learn(knowledge)
      for (const thread of this.#threads) thread.learn(knowledge)
    }
    this.#watch = new KnowledgeWatch(store, models, taken, log)
  }

  /**
   * Judges records that are sent along.
   *
   * @param question the bytes of its JSON
   * @throws NoModel; TooManyQuestions; Busy when it was interrupted; InputError when there is no model for such records,
   *   or they have no metric that it learned; OptionError when it lacks the models asked for
   */
  async ask(question: Uint8Array): Promise<Outcome> {
    const look = this.#watch.look()
    // The first question waits for the models; later ones are answered with what is at hand.
    if (!this.#watch.knows) await look
    if (!this.#watch.knows) throw new NoModel()
    if (question.length < SMALL) return this.#here.answer(question)
    return this.#wait<Outcome>({ bytes: question })
  }

  /**
   * Judges what is stored of a device, by the models that are active now.
   *
   * @throws as {@link ask} and `answerStored`
   */
  async askStored(question: StoredQuestion): Promise<StoredAnswer> {
    await this.#watch.lookNow()
    if (!this.#watch.knows) throw new NoModel()
    return this.#wait<StoredAnswer>({ stored: question })
  }

  async #wait<A extends Outcome | StoredAnswer>(asked: Asked): Promise<A> {
    if (this.#closed) throw new Busy('the service is stopping', 5)
    const { questions, stored, bytes } = this.#unanswered
    const own = 'bytes' in asked ? { stored: 0, bytes: asked.bytes.length } : { stored: 1, bytes: 0 }
    // One question may be larger than the bound.
    if (
      questions >= MOST_WAITING ||
      (own.stored > 0 && stored >= MOST_STORED) ||
      (bytes > 0 && bytes + own.bytes > MOST_BYTES)
    ) {
      throw new TooManyQuestions(`${questions} questions wait already; try again`)
    }
    this.#unanswered = { questions: questions + 1, stored: stored + own.stored, bytes: bytes + own.bytes }
    try {
      return await new Promise<A>((resolve, reject) => {
        this.#queue.push({ asked, resolve: (answer) => resolve(answer as A), reject })
        this.#feed()
      })
    } finally {
      this.#unanswered.questions--
      this.#unanswered.stored -= own.stored
      this.#unanswered.bytes -= own.bytes
    }
  }

  /** Gives threads what they take; what they cannot is left for this one. */
  #feed(): void {
    if (this.#closed) return
    clearTimeout(this.#idle)
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      const thread = [...this.#threads].find((each) => each.takes(next.asked))
      if (!thread) break
      this.#queue.shift()
      thread.ask(next)
    }
    if (this.#queue.length > 0) {
      this.#startThread()
      this.#workHere()
    } else if ([...this.#threads].every(({ idle }) => idle)) {
      this.#idle = setTimeout(() => void this.#end(), IDLE).unref()
    }
  }

  /** One more, where there may be one and none is on its way. */
  #startThread(): void {
    const { store, local } = this.#options
    const coming = [...this.#threads].some(({ learned }) => !learned)
    if (coming || this.#threads.size >= this.#most || this.#closed) return
    const thread: QuestionThread = new QuestionThread(
      { url: store.database.url, local },
      () => this.#feed(),
      (answered) => {
        this.#threads.delete(thread)
        if (answered) this.#feed()
        else this.#refuse('questions cannot be answered now')
      },
    )
    this.#threads.add(thread)
    void this.#watch.lookNow(true).then(() => {
      if (thread.learned) return this.#feed()
      this.#refuse('the models cannot be read now')
      return thread.close()
    })
  }

  /** Tells who waits for a thread that there is none: nobody must do so for ever. */
  #refuse(why: string, retryAfter = 1): void {
    for (const { reject } of this.#queue.splice(0)) reject(new Busy(why, retryAfter))
  }

  /** One question, after all requests that have arrived by then. */
  #workHere(): void {
    if (this.#working) return
    this.#working = true
    setImmediate(async () => {
      const k = this.#queue.findIndex(({ asked }) => 'bytes' in asked && asked.bytes.length <= MOST_HERE)
      const [waiting] = k < 0 ? [] : this.#queue.splice(k, 1)
      if (waiting && 'bytes' in waiting.asked) {
        await this.#here.answer(waiting.asked.bytes).then(waiting.resolve, waiting.reject)
      }
      this.#working = false
      if (waiting) this.#feed()
    })
  }

  async #end(): Promise<void> {
    const threads = [...this.#threads]
    this.#threads.clear()
    await Promise.all(threads.map((thread) => thread.close()))
  }

  /** Ends the threads; who still waits is told to ask again. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#idle)
    this.#refuse('the service is stopping', 5)
    await this.#end()
    await this.#watch.close()
  }
}
