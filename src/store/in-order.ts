import { type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

const LOCKS = { events: 7_226_001, journal: 7_226_002 } as const

/** The key of PostgreSQL's advisory lock for the writers of a table. */
export function lockKey(table: keyof typeof LOCKS): number {
  return LOCKS[table]
}

/**
 * Runs `write` so that rows become visible in the order of their numbers: who follows a table by its last number
 * would otherwise pass over a row of a transaction that took its number early and committed late. SQLite has one
 * writer at a time; on PostgreSQL a lock is held from here to the commit.
 */
export async function inOrder<T>(
  db: Kysely<Tables>,
  dialect: Database['dialect'],
  table: keyof typeof LOCKS,
  write: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  if (dialect === 'postgres' && !db.isTransaction) {
    return db.transaction().execute((tx) => inOrder(tx, dialect, table, write))
  }
  if (dialect === 'postgres') await sql`select pg_advisory_xact_lock(${lockKey(table)})`.execute(db)
  return write(db)
}
