import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Before this time, seconds since the epoch, there may be hours in place of readings. */
export const HOURS_BEFORE = 'hours before'

/** Small facts about the database itself: JSON by name. */
export class Meta {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async get<T>(key: string): Promise<T | undefined> {
    const row = await this.#db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst()
    return row && (JSON.parse(row.value) as T)
  }

  async set(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value)
    await this.#db
      .insertInto('meta')
      .values({ key, value: text })
      .onConflict((c) => c.column('key').doUpdateSet({ value: text }))
      .execute()
  }
}
