import { statSync } from 'node:fs'
import { sql } from 'kysely'
import { type Database, shown, sqliteFile } from './database.ts'
import { TABLE_NAMES, type TableName } from './tables.ts'

/** Bytes that rows take up, space of deleted ones not counted; on PostgreSQL of readings, flows and anomalies, about. */
export async function usedBytes({ dialect, db }: Database): Promise<number> {
  if (dialect === 'sqlite') {
    const { rows } = await sql<{ bytes: number }>`
      select (page_count - freelist_count) * page_size as bytes
      from pragma_page_count, pragma_freelist_count, pragma_page_size`.execute(db)
    return rows[0]?.bytes ?? 0
  }
  let bytes = 0
  for (const table of ['readings', 'flows', 'anomalies'] as const) {
    // Rows, from a sample, with what their headers and indexes take.
    const { rows } = await sql<{ bytes: number | null }>`
      select (select count(*) from ${sql.table(table)}) * 1.4 * (avg(pg_column_size(t.*)) + 28) as bytes
      from (select * from ${sql.table(table)} limit 1000) as t`.execute(db)
    bytes += Number(rows[0]?.bytes ?? 0)
  }
  return bytes
}

/** What is in a database. */
export interface DatabaseStats {
  /** Without its password. */
  readonly database: string
  readonly dialect: Database['dialect']
  /** Name of the last migration. */
  readonly schema: string
  /** Bytes on disk. */
  readonly size: number
  /** Bytes of it that rows take up. */
  readonly used: number
  readonly rows: Readonly<Record<TableName, number>>
  /** Times of the first and last reading or flow, seconds since the epoch; null when there is none. */
  readonly from: number | null
  readonly to: number | null
}

export async function databaseStats(database: Database): Promise<DatabaseStats> {
  const { db, dialect, url } = database
  const rows = {} as Record<TableName, number>
  for (const table of TABLE_NAMES) {
    const counted = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
    rows[table] = Number(counted.rows[0]?.n ?? 0)
  }
  // Devices know when their records were seen: a look at them instead of at all records.
  const range = await sql<{ first: number | null; last: number | null }>`
    select min(first_seen) as first, max(last_seen) as last from devices`.execute(db)
  const schema = await sql<{ name: string }>`select max(name) as name from kysely_migration`.execute(db)
  return {
    database: shown(url),
    dialect,
    schema: schema.rows[0]?.name ?? '',
    size: await sizeOnDisk(database),
    used: await usedBytes(database),
    rows,
    from: range.rows[0]?.first ?? null,
    to: range.rows[0]?.last ?? null,
  }
}

async function sizeOnDisk({ dialect, db, url }: Database): Promise<number> {
  if (dialect === 'postgres') {
    const { rows } = await sql<{ n: number }>`select pg_database_size(current_database()) as n`.execute(db)
    return Number(rows[0]?.n ?? 0)
  }
  const file = sqliteFile(url)
  return ['', '-wal'].reduce(
    (sum, end) => sum + (statSync(file + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
