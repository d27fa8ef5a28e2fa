import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** What an engine knew after the journal's entry `seq`. */
export interface EngineState {
  readonly seq: number
  /** Names the models it was made with: with others it means nothing. */
  readonly models: string
  readonly state: Uint8Array
}

export class Engines {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  load(name: string): Promise<EngineState | undefined> {
    return this.#db
      .selectFrom('engine_states')
      .select(['seq', 'models', 'state'])
      .where('name', '=', name)
      .executeTakeFirst()
  }

  async save(name: string, { seq, models, state }: EngineState): Promise<void> {
    const row = { seq, models, state: Buffer.from(state), updated: Date.now() / 1000 }
    await this.#db
      .insertInto('engine_states')
      .values({ name, ...row })
      .onConflict((c) => c.column('name').doUpdateSet(row))
      .execute()
  }
}
