import type { Logger } from 'pino'
import { type ActiveModel, signatureOf } from '../store/models.ts'
import type { SharedModels } from '../store/shared-models.ts'
import type { Store } from '../store/store.ts'

/** Milliseconds between two looks at whether models or what is known of devices have changed. */
const LOOK = 1000
/** What is known of devices is taken over so seldom that it takes at most this share of the time. */
const SHARE = 50
/** The state that live detection saves. */
const LIVE = 'live'

/** What questions are judged with, on memory that threads share. */
export interface InlineKnowledge {
  /** The active ones. */
  readonly models: readonly ActiveModel[]
  /** What live detection knows of devices, a few seconds ago. */
  readonly state: Uint8Array<SharedArrayBuffer> | undefined
}

/** Follows which models are active and what live detection knows. */
export class KnowledgeWatch {
  readonly #store: Store
  readonly #models: SharedModels
  readonly #taken: (knowledge: InlineKnowledge) => void
  readonly #log: Pick<Logger, 'warn'>
  #signature: string | undefined
  #savedAt = ''
  #looked = 0
  #stateAt = 0
  #again = false
  #looking: Promise<void> | undefined

  /** @param taken hears of what is new; when it throws, what was before is kept */
  constructor(
    store: Store,
    models: SharedModels,
    taken: (knowledge: InlineKnowledge) => void,
    log: Pick<Logger, 'warn'>,
  ) {
    this.#store = store
    this.#models = models
    this.#taken = taken
    this.#log = log
  }

  /** Whether there are models, as far as was looked. */
  get knows(): boolean {
    return (this.#signature ?? '') !== ''
  }

  /** Looks for what is new where that was not done lately; to be awaited only by those that cannot do without. */
  look(): Promise<void> | undefined {
    if (this.#looking) return this.#looking
    if (this.knows && Date.now() - this.#looked < LOOK) return undefined
    this.#looking = this.#refresh()
      .catch((error: Error) => this.#log.warn({ error: error.message }, 'questions are judged as before'))
      .finally(() => {
        this.#looked = Date.now()
        this.#looking = undefined
      })
    return this.#looking
  }

  /** Looks now. @param again whether what there is is taken once more, for somebody who came later */
  async lookNow(again = false): Promise<void> {
    this.#again ||= again
    await this.#looking
    this.#looked = 0
    await this.look()
  }

  async #refresh(): Promise<void> {
    const signature = await this.#store.models.signature()
    const changed = this.#again || signature !== this.#signature
    const savedAt = changed || Date.now() >= this.#stateAt ? await this.#stateNow() : this.#savedAt
    if (!changed && savedAt === this.#savedAt) return
    const began = Date.now()
    const models = await this.#models.files()
    // Not kept here: it may be many megabytes, and is read again when somebody comes who needs it.
    this.#taken({ models, state: await this.#state() })
    this.#again = false
    this.#signature = signatureOf(models)
    this.#savedAt = savedAt
    this.#stateAt = Date.now() + SHARE * (Date.now() - began)
  }

  async #state(): Promise<InlineKnowledge['state']> {
    const saved = await this.#store.engines.load(LIVE)
    if (!saved) return undefined
    const state = new Uint8Array(new SharedArrayBuffer(saved.state.length))
    state.set(saved.state)
    return state
  }

  /** Names the saved state. */
  async #stateNow(): Promise<string> {
    const row = await this.#store.db
      .selectFrom('engine_states')
      .select(['seq', 'updated'])
      .where('name', '=', LIVE)
      .executeTakeFirst()
    return row ? `${row.seq}@${row.updated}` : ''
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#looking
  }
}
