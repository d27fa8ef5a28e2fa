import { WorkerPool } from '../kernels/worker-pool.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { scoreTogether } from '../models/together.ts'
import { Engine } from '../pipeline/engine.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { bundleFromBuffer, type ModelBundle } from '../store/model-bundle.ts'
import type { ActiveModel } from '../store/models.ts'
import { answerBytes } from './inline-answer.ts'
import type { InlineKnowledge } from './inline-knowledge.ts'
import { learnedDevices, notesOn } from './inline-notes.ts'
import { QuestionReader, type WrongRecords } from './inline-question.ts'

/** There is no active model at all. */
export class NoModel extends Error {
  override readonly name = 'NoModel'

  constructor() {
    super('there is no active model; train one with POST /api/v1/jobs, or activate one that there is')
  }
}

/** What came of records that were sent along. */
export interface Judged {
  readonly kind: Batch['kind']
  /** See {@link answerBytes}. */
  readonly answer: Uint8Array<ArrayBuffer>
  /** The records as intake takes them, where they are to be stored. */
  readonly toStore: Uint8Array<ArrayBuffer> | undefined
}

/** Undefined is for what is no such question, or has anything else wrong with it: a schema tells what. */
export type Outcome = Judged | WrongRecords | undefined

/**
 * Judges records that are sent along with a question, on whatever thread it is: the active models stay loaded, and what
 * live detection knows of each device is what the records are compared with. Nothing is remembered.
 */
export class InlineDetector {
  readonly #local: readonly string[] | undefined
  readonly #reader = new QuestionReader()
  // One thread is one pool: where there is more than one, each has a detector of its own.
  readonly #pool = new WorkerPool(1)
  readonly #score = scoreTogether(this.#pool)
  #models: readonly ActiveModel[] = []
  #bundles: readonly ModelBundle[] = []
  #learned: ReadonlyMap<ModelBundle, ReadonlySet<string> | undefined> = new Map()
  #engine: Engine | undefined

  constructor(local: readonly string[] | undefined) {
    this.#local = local
  }

  /** The active models. */
  get bundles(): readonly ModelBundle[] {
    return this.#bundles
  }

  /**
   * From now on judges with this.
   *
   * @throws ModelFormatError for models that cannot be read; then it goes on with what it had
   */
  learn({ models, state }: InlineKnowledge): void {
    const bundles = models.map((model) => {
      const k = this.#models.findIndex(({ id, sha256 }) => id === model.id && sha256 === model.sha256)
      return k < 0 ? bundleFromBuffer(model.bytes, model.name) : this.#bundles[k]!
    })
    const engine = bundles.length > 0 ? this.#engineOf(bundles, state) : undefined
    this.#learned = new Map(bundles.map((b) => [b, this.#learned.get(b) ?? learnedDevices(b)]))
    this.#engine = engine
    this.#models = models
    this.#bundles = bundles
  }

  #engineOf(bundles: readonly ModelBundle[], state: InlineKnowledge['state']): Engine {
    const engine = new Engine(bundles, {
      pool: this.#pool,
      score: this.#score,
      ...(this.#local && { local: this.#local }),
    })
    if (!state) return engine
    try {
      engine.restore(state.buffer)
    } catch (error) {
      // Of another version: live detection begins anew too, and its next state can be read.
      if (!(error instanceof ModelFormatError)) throw error
    }
    return engine
  }

  /**
   * @param question the bytes of its JSON
   * @throws NoModel; InputError when there is no model for such records, or they have no metric that it learned;
   *   OptionError when it lacks the models asked for
   */
  async answer(question: Uint8Array): Promise<Outcome> {
    const sent = this.#reader.read(question)
    if (!sent || 'wrong' in sent) return sent
    const engine = this.#engine
    if (!engine) throw new NoModel()
    const { batch, asked, toStore } = sent
    const rows = await engine.peek(batch, 'api', asked)
    const notes = notesOn(rows, this.#learned.get(rows.bundle), engine)
    return { kind: batch.kind, answer: answerBytes(rows, notes), toStore }
  }
}
