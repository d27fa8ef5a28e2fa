import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import SQLite from 'better-sqlite3'
import pg from 'pg'
import { isPostgres, makePrivate, migrate, openDatabase, openSqlite, shown, sqliteFile } from './database.ts'
import { StoreError } from './errors.ts'
import { TABLE_NAMES, type TableName } from './tables.ts'

/** Rows copied at a time. */
const PORTION = 2000

/**
 * Writes a database as it is at this moment to one file, also while it is worked on. The file is an SQLite database,
 * whichever the source is: it can be restored to either, or opened as it is. It blocks the thread while SQLite copies.
 *
 * @param file replaced only when the backup is complete
 * @throws StoreError when it cannot be written
 */
export async function backup(url: string, file: string): Promise<void> {
  const target = resolve(file)
  if (!isPostgres(url) && target === sqliteFile(url)) {
    throw new StoreError(`${file} is the database itself; name another file for the backup`)
  }
  const part = `${target}.${process.pid}.part`
  remove(part)
  try {
    makePrivate(part)
    if (isPostgres(url)) await fromPostgres(url, part)
    else {
      if (!existsSync(sqliteFile(url))) throw new StoreError(`${url} does not exist; check the path`)
      const db = openSqlite(sqliteFile(url), { readonly: true })
      try {
        db.prepare('vacuum into ?').run(part)
      } finally {
        db.close()
      }
    }
    sync(part)
    renameSync(part, target)
  } catch (error) {
    remove(part)
    if (error instanceof StoreError) throw error
    throw new StoreError(
      `${file} cannot be written: ${(error as Error).message}; check the folder and free space`,
    )
  }
}

/**
 * Makes a database what a backup says.
 *
 * @param replace whether a database that has something in it may be lost
 * @throws StoreError when `file` is no backup, is damaged or newer, or the database is in use or not empty
 */
export async function restore(file: string, url: string, replace = false): Promise<void> {
  const part = isPostgres(url)
    ? `${resolve(file)}.${process.pid}.part`
    : `${sqliteFile(url)}.${process.pid}.part`
  const source = resolve(file)
  if (!existsSync(source)) throw new StoreError(`${file} does not exist; check the path`)
  try {
    // A copy, which is brought up to date: the backup stays as it is.
    copyFileSync(source, part)
    await check(part, file)
    if (isPostgres(url)) await toPostgres(part, url, replace)
    else {
      await makeWay(sqliteFile(url), replace)
      sync(part)
      renameSync(part, sqliteFile(url))
    }
  } finally {
    remove(part)
  }
}

async function check(part: string, file: string): Promise<void> {
  const db = new SQLite(part)
  try {
    if (db.pragma('integrity_check', { simple: true }) !== 'ok') throw new Error('its pages are damaged')
    if (!db.prepare("select 1 from sqlite_master where name = 'kysely_migration'").get()) {
      throw new Error('it has none of the tables')
    }
  } catch (error) {
    throw new StoreError(`${file} expects a backup of Motewatch: ${(error as Error).message}; use another`)
  } finally {
    db.close()
  }
  const database = openDatabase(part)
  try {
    await migrate(database)
  } finally {
    await database.close()
  }
}

/** Removes the database at `file`, if nobody uses it and it may go. */
async function makeWay(file: string, replace: boolean): Promise<void> {
  if (!existsSync(file)) return
  const db = openSqlite(file)
  try {
    const hasTables = db.prepare("select 1 from sqlite_master where name = 'devices'").get()
    if (!replace && hasTables && db.prepare('select 1 from devices union all select 1 from models').get()) {
      throw new StoreError(`${file} is not empty; restore to another file, or --replace it`)
    }
    // Leaving the log mode needs the file for oneself: it fails while a service has it open.
    db.pragma('busy_timeout = 500')
    db.pragma('journal_mode = DELETE')
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(`${file} is in use (${(error as Error).message}); stop the service first`)
  } finally {
    db.close()
  }
  remove(file)
}

async function fromPostgres(url: string, part: string): Promise<void> {
  const database = openDatabase(part)
  await migrate(database)
  await database.close()
  const target = new SQLite(part)
  // Nothing reads it before it is whole and synced.
  target.pragma('synchronous = OFF')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // One moment for all tables.
    await client.query('begin isolation level repeatable read read only')
    for (const table of TABLE_NAMES) {
      const columns = columnsOf(target, table)
      const insert = target.prepare(
        `insert into ${table} (${names(columns)}) values (${columns.map(() => '?').join(', ')})`,
      )
      const copy = target.transaction((rows: unknown[][]) => {
        for (const row of rows) insert.run(row)
      })
      await client.query(`declare rows cursor for select ${names(columns)} from ${table}`)
      for (;;) {
        const { rows } = await client.query<unknown[]>({
          text: `fetch ${PORTION} from rows`,
          rowMode: 'array',
          types,
        })
        if (rows.length === 0) break
        copy(rows)
      }
      await client.query('close rows')
    }
    target.pragma('wal_checkpoint(TRUNCATE)')
    target.pragma('journal_mode = DELETE')
  } finally {
    target.close()
    await client.end()
  }
}

async function toPostgres(part: string, url: string, replace: boolean): Promise<void> {
  const database = openDatabase(url)
  try {
    await migrate(database)
  } finally {
    await database.close()
  }
  const source = new SQLite(part, { readonly: true })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query('select 1 from devices union all select 1 from models limit 1')
    if (rows.length > 0 && !replace) {
      throw new StoreError(`${shown(url)} is not empty; restore to another database, or --replace it`)
    }
    await client.query(`truncate ${TABLE_NAMES.join(', ')} restart identity cascade`)
    for (const table of TABLE_NAMES) await copyToPostgres(source, client, table)
    await client.query('commit')
  } finally {
    source.close()
    await client.end()
  }
}

async function copyToPostgres(source: SQLite.Database, client: pg.Client, table: TableName): Promise<void> {
  // PostgreSQL keeps no readings on their way.
  const recent = table === 'recent_readings'
  const into = recent ? 'readings' : table
  const columns = columnsOf(source, table).filter((name) => !(recent && name === 'id'))
  const { rows: types } = await client.query<{ name: string; type: string }>(
    'select column_name as name, data_type as type from information_schema.columns where table_name = $1 and table_schema = current_schema()',
    [into],
  )
  const typeOf = new Map(types.map(({ name, type }) => [name, type]))
  const arrays = columns.map((name, i) => `$${i + 1}::${typeOf.get(name)}[]`).join(', ')
  const insert = `insert into ${into} (${names(columns)}) select * from unnest(${arrays}) on conflict do nothing`
  let portion: unknown[][] = []
  const flush = async () => {
    if (portion.length > 0)
      await client.query(
        insert,
        columns.map((_, i) => portion.map((row) => row[i])),
      )
    portion = []
  }
  for (const row of source
    .prepare(`select ${names(columns)} from ${table}`)
    .raw()
    .iterate() as Iterable<unknown[]>) {
    portion.push(row)
    if (portion.length === PORTION) await flush()
  }
  await flush()
  const identity = columns.find((name) => name === 'id' || name === 'seq')
  if (identity && table !== 'meta') {
    await client.query(
      `select setval(pg_get_serial_sequence('${table}', '${identity}'), (select max(${identity}) from ${table}))
       where exists (select 1 from ${table})`,
    )
  }
}

/** Numbers of type bigint are ids and counts, far below 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === 20 ? Number : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}

function columnsOf(db: SQLite.Database, table: TableName): string[] {
  return db.prepare(`select name from pragma_table_info('${table}') order by cid`).pluck().all() as string[]
}

function names(columns: readonly string[]): string {
  return columns.map((name) => `"${name}"`).join(', ')
}

function sync(file: string): void {
  const fd = openSync(file, 'r+')
  fsyncSync(fd)
  closeSync(fd)
}

/** Removes an SQLite file with its log. */
function remove(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(file + end, { force: true })
}
