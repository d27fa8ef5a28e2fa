import type { Kysely } from 'kysely'
import type { Batch } from '../schema/reading-batch.ts'
import { decodeBatch, encodeBatch } from './batch-codec.ts'
import type { Database } from './database.ts'
import { inOrder } from './in-order.ts'
import type { Tables } from './tables.ts'

/** Records that were accepted together, in the order they came. */
export interface JournalEntry {
  readonly seq: number
  readonly source: string
  readonly batch: Batch
}

/** Accepted records that the engine's saved state does not cover yet. */
export class Journal {
  readonly #db: Kysely<Tables>
  readonly #dialect: Database['dialect']

  constructor(db: Kysely<Tables>, dialect: Database['dialect']) {
    this.#db = db
    this.#dialect = dialect
  }

  /** Adds a batch; in the transaction that stores its records. */
  async append(source: string, batch: Batch): Promise<void> {
    const row = {
      kind: batch.kind,
      source,
      n: batch.length,
      batch: encodeBatch(batch),
      created: Date.now() / 1000,
    }
    await inOrder(this.#db, this.#dialect, 'journal', async (db) => {
      await db.insertInto('journal').values(row).execute()
    })
  }

  /** Entries behind `seq` in order, at most `limit`. */
  async after(seq: number, limit = 100): Promise<JournalEntry[]> {
    const rows = await this.#db
      .selectFrom('journal')
      .select(['seq', 'source', 'batch'])
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(limit)
      .execute()
    return rows.map(({ seq, source, batch }) => ({ seq, source, batch: decodeBatch(batch) }))
  }

  /** Deletes entries up to `seq`, which the engine's saved state covers; in the transaction that saves it. */
  async trim(seq: number): Promise<void> {
    await this.#db.deleteFrom('journal').where('seq', '<=', seq).execute()
  }

  /** Entries and records behind `seq`, and when the oldest was accepted (seconds since the epoch). */
  async backlog(seq: number): Promise<{ entries: number; records: number; oldest: number | null }> {
    const row = await this.#db
      .selectFrom('journal')
      .select((eb) => [
        eb.fn.countAll<number>().as('entries'),
        eb.fn.sum<number | null>('n').as('records'),
        eb.fn.min('created').as('oldest'),
      ])
      .where('seq', '>', seq)
      .executeTakeFirstOrThrow()
    return {
      entries: Number(row.entries),
      records: Number(row.records ?? 0),
      oldest: row.oldest as number | null,
    }
  }
}
