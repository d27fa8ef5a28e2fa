import type { Logger } from 'pino'
import { WorkerPool } from '../kernels/worker-pool.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { scoreTogether } from '../models/together.ts'
import { Engine, type EngineOptions, type Processed } from '../pipeline/engine.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import type { Store } from '../store/store.ts'

/** Milliseconds between two looks at whether models or what is known of devices have changed. */
const LOOK = 1000
/** What is known of devices is taken over so seldom that it takes at most this share of the time. */
const SHARE = 50
/** The state that live detection saves. */
const LIVE = 'live'

/** There is no active model at all. */
export class NoModel extends Error {
  override readonly name = 'NoModel'

  constructor() {
    super('there is no active model; train one with POST /api/v1/jobs, or activate one that there is')
  }
}

/**
 * Judges records that are sent along with a question, on this thread: the active models stay loaded, and what live
 * detection knows of each device, a few seconds ago, is what the records are compared with. Nothing is remembered.
 */
export class InlineDetector {
  readonly #store: Store
  readonly #local: readonly string[] | undefined
  readonly #log: Pick<Logger, 'warn'>
  readonly #pool = new WorkerPool()
  readonly #score = scoreTogether(this.#pool)
  #bundles: readonly ModelBundle[] = []
  #models = ''
  #state = ''
  #engine: Engine | undefined
  #looked = 0
  #stateAt = 0
  #looking: Promise<void> | undefined

  constructor(store: Store, local: readonly string[] | undefined, log: Pick<Logger, 'warn'>) {
    this.#store = store
    this.#local = local
    this.#log = log
  }

  /**
   * @throws NoModel; InputError when there is no model for such records, or they have no metric that it learned;
   *   OptionError when it lacks the models asked for
   */
  async detect(batch: Batch, asked: Pick<EngineOptions, 'threshold' | 'model'>): Promise<Processed> {
    const look = this.#look()
    // The first question waits for the models; later ones are answered with what is at hand.
    if (!this.#engine) await look
    if (!this.#engine) throw new NoModel()
    return this.#engine.peek(batch, 'api', asked)
  }

  /** Takes over new models and newer states, in the background. */
  #look(): Promise<void> | undefined {
    if (this.#looking) return this.#looking
    if (this.#engine && Date.now() - this.#looked < LOOK) return undefined
    this.#looking = this.#refresh()
      .catch((error: Error) => this.#log.warn({ error: error.message }, 'inline detection keeps what it has'))
      .finally(() => {
        this.#looked = Date.now()
        this.#looking = undefined
      })
    return this.#looking
  }

  async #refresh(): Promise<void> {
    const models = await this.#store.models.signature()
    const changed = models !== this.#models
    const state = changed || Date.now() >= this.#stateAt ? await this.#savedAt() : this.#state
    if (!changed && state === this.#state) return
    const began = Date.now()
    if (changed) this.#bundles = await this.#store.models.bundles()
    this.#engine = this.#bundles.length > 0 ? await this.#engineNow() : undefined
    this.#models = models
    this.#state = state
    this.#stateAt = Date.now() + SHARE * (Date.now() - began)
  }

  async #engineNow(): Promise<Engine> {
    const engine = new Engine(this.#bundles, {
      pool: this.#pool,
      score: this.#score,
      ...(this.#local && { local: this.#local }),
    })
    const saved = await this.#store.engines.load(LIVE)
    if (!saved) return engine
    try {
      engine.restore(Uint8Array.from(saved.state).buffer)
    } catch (error) {
      // Of another version: live detection begins anew too, and its next state can be read.
      if (!(error instanceof ModelFormatError)) throw error
    }
    return engine
  }

  /** Names the saved state. */
  async #savedAt(): Promise<string> {
    const row = await this.#store.db
      .selectFrom('engine_states')
      .select(['seq', 'updated'])
      .where('name', '=', LIVE)
      .executeTakeFirst()
    return row ? `${row.seq}@${row.updated}` : ''
  }

  /** Ends the threads for large questions. */
  async close(): Promise<void> {
    await this.#looking
    await this.#pool.close()
  }
}
