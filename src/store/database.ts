import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import SQLite from 'better-sqlite3'
import { Kysely, PostgresDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { StoreError } from './errors.ts'
import { migrations } from './migrations/all.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

/** Milliseconds to wait for a lock that another process holds. */
const PATIENCE = 10_000
/** Pages of 4 KiB in the log at which a commit also moves them into the database. */
const CHECKPOINT_PAGES = 10_000

/** A database, whichever it is. */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres'
  /** As given: a file for SQLite, `postgres://…`. */
  readonly url: string
  readonly db: Kysely<Tables>
  /** SQLite's connection for reading, for the few paths where rows come by the hundred thousand. */
  readonly sqlite: SQLite.Database | undefined
  readonly pool: pg.Pool | undefined
  close(): Promise<void>
}

export function isPostgres(url: string): boolean {
  return /^postgres(ql)?:\/\//.test(url)
}

/** The file behind `sqlite:FILE` or a plain path. */
export function sqliteFile(url: string): string {
  return resolve(url.replace(/^sqlite:(\/\/)?/, ''))
}

/**
 * Makes a file, where there is none, that nobody else may read: hashes of passwords and the secrets of alerts will be
 * in it. SQLite gives its other files the same rights.
 */
export function makePrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
}

/** A connection to an SQLite file set up as all of them are. @throws StoreError when it is no database */
export function openSqlite(file: string, options: { readonly?: boolean } = {}): SQLite.Database {
  let sqlite: SQLite.Database | undefined
  try {
    if (!options.readonly) {
      mkdirSync(dirname(file), { recursive: true })
      makePrivate(file)
    }
    sqlite = new SQLite(file, { timeout: PATIENCE, readonly: options.readonly ?? false })
    if (options.readonly) return sqlite
    // Only heeded while the file is new: space of deleted rows can be given back later.
    sqlite.pragma('auto_vacuum = INCREMENTAL')
    sqlite.pragma('journal_mode = WAL')
    // An answer 2xx says that it is on disk: the log is synced at each commit.
    sqlite.pragma('synchronous = FULL')
    // There are a dozen connections; the system keeps pages too, once for all of them.
    sqlite.pragma('cache_size = -4096')
    sqlite.pragma('foreign_keys = ON')
    sqlite.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    return sqlite
  } catch (error) {
    sqlite?.close()
    const { code, message } = error as { code?: string; message: string }
    if (code === 'SQLITE_NOTADB') {
      throw new StoreError(`${file} expects an SQLite database, got another kind of file; name another file`)
    }
    throw new StoreError(
      `${file} cannot be opened as a database: ${message}; check the path, its permissions and free space`,
    )
  }
}

/**
 * Opens a database without looking at its schema.
 *
 * @param url a file, `sqlite:FILE`, or `postgres://user:password@host/name`
 * @throws StoreError when the file is no database or cannot be opened
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
  const file = sqliteFile(url)
  const writer = openSqlite(file)
  const reader = openSqlite(file, { readonly: true })
  // The dialect waits for locks without blocking the thread.
  writer.pragma('busy_timeout = 0')
  const db = new Kysely<Tables>({ dialect: sqliteDialect({ writer, reader }, PATIENCE) })
  return { dialect: 'sqlite', url, db, sqlite: reader, pool: undefined, close: () => db.destroy() }
}

/**
 * Brings the schema up to date; returns the names of the migrations that were run.
 *
 * @throws StoreError when the database was made by a newer version
 */
export async function migrate({ db, dialect, url }: Database): Promise<string[]> {
  const provider = migrations(dialect)
  const migrator = new Migrator({ db, provider })
  const known = new Set(Object.keys(await provider.getMigrations()))
  const unknown = await unknownMigrations(db, known)
  if (unknown.length > 0) {
    throw new StoreError(
      `${shown(url)} was made by a newer Motewatch (it has the schema ${unknown.at(-1)}, this one knows up to ${[...known].at(-1)}); use that version or another database`,
    )
  }
  const { error, results } = await migrator.migrateToLatest()
  if (error) throw error
  return (results ?? []).filter((r) => r.status === 'Success').map((r) => r.migrationName)
}

async function unknownMigrations(db: Kysely<Tables>, known: ReadonlySet<string>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return []
  const rows = await (db as unknown as Kysely<{ kysely_migration: { name: string } }>)
    .selectFrom('kysely_migration')
    .select('name')
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name).filter((name) => !known.has(name))
}

/** A URL as it may be shown: without its password. */
export function shown(url: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^:@/]*):[^@]*@/, '$1:***@')
}
