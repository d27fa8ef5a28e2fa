import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import SQLite from 'better-sqlite3'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { migrations } from './migrations/all.ts'
import { POSTGRES, SQLITE } from './migrations/types.ts'
import type { Tables } from './tables.ts'

/** Milliseconds to wait for a lock that another process holds. */
const BUSY = 10_000

/** A database, whichever it is. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres'
  /** As given: a file for SQLite, `postgres://…`. */
  readonly url: string
  readonly db: Kysely<Tables>
  /** The connection below, for the few paths where rows come by the hundred thousand; undefined for PostgreSQL. */
  readonly sqlite: SQLite.Database | undefined
  readonly pool: pg.Pool | undefined
  close(): Promise<void>
}

export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}

/**
 * Opens a database without looking at its schema.
 *
 * @param url a file, `sqlite:FILE`, or `postgres://user:password@host/name`
 */
export function openDatabase(url: string): Database {
  if (isPostgres(url)) {
    // Numbers of type bigint are ids and counts here, far below 2^53.
    const types = {
      getTypeParser: (oid: number, format?: 'text') =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format),
    }
    const pool = new pg.Pool({ connectionString: url, max: 10, types: types as pg.CustomTypesConfig })
    // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
    pool.on('error', () => {})
    const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    return { dialect: 'postgres', url, db, sqlite: undefined, pool, close: () => db.destroy() }
  }
  const file = resolve(url.replace(/^sqlite:(\/\/)?/, ''))
  mkdirSync(dirname(file), { recursive: true })
  const sqlite = new SQLite(file, { timeout: BUSY })
  sqlite.pragma('journal_mode = WAL')
  // An answer 2xx says that it is on disk: the log is synced at each commit.
  sqlite.pragma('synchronous = FULL')
  sqlite.pragma('foreign_keys = ON')
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) })
  return { dialect: 'sqlite', url, db, sqlite, pool: undefined, close: () => db.destroy() }
}

/** Brings the schema up to date; returns the names of the migrations that were run. */
export async function migrate({ db, dialect }: Database): Promise<string[]> {
  const provider = migrations(dialect === 'sqlite' ? SQLITE : POSTGRES)
  const { error, results } = await new Migrator({ db, provider }).migrateToLatest()
  if (error) throw error
  return (results ?? []).filter((r) => r.status === 'Success').map((r) => r.migrationName)
}
