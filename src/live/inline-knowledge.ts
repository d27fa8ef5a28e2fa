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
  #knowledge: InlineKnowledge | undefined
  #signature = ''
  #savedAt = ''
  #looked = 0
  #stateAt = 0
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

  /** The newest; undefined before the first {@link look}, and while there are no models. */
  get now(): InlineKnowledge | undefined {
    return this.#knowledge && this.#knowledge.models.length > 0 ? this.#knowledge : undefined
  }

  /** Looks for what is new where that was not done lately; to be awaited only by those that cannot do without. */
  look(): Promise<void> | undefined {
    if (this.#looking) return this.#looking
    if (this.now && Date.now() - this.#looked < LOOK) return undefined
    this.#looking = this.#refresh()
      .catch((error: Error) => this.#log.warn({ error: error.message }, 'questions are judged as before'))
      .finally(() => {
        this.#looked = Date.now()
        this.#looking = undefined
      })
    return this.#looking
  }

  /** Looks now. */
  async lookNow(): Promise<void> {
    await this.#looking
    this.#looked = 0
    await this.look()
  }

  async #refresh(): Promise<void> {
    const signature = await this.#store.models.signature()
    const changed = signature !== this.#signature || !this.#knowledge
    const savedAt = changed || Date.now() >= this.#stateAt ? await this.#stateNow() : this.#savedAt
    if (!changed && savedAt === this.#savedAt) return
    const began = Date.now()
    const models = await this.#models.files()
    const knowledge = { models, state: await this.#state() }
    this.#taken(knowledge)
    this.#knowledge = knowledge
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
