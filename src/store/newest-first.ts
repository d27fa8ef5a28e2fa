import { type RawBuilder, sql } from 'kysely'
import { type Page, pageOf, placeOf } from './cursor.ts'

/**
 * One page of a list sorted by a time that may be missing: newest first, then those without a time. SQLite and
 * PostgreSQL sort missing values to different ends, so the two parts are asked for one after the other; each is a
 * range of the index on (time, id).
 *
 * @param column the time's
 * @param part gives up to `limit` rows that satisfy `where`, in order of (time, id), greatest first
 * @param time a row's
 */
export async function newestFirst<Row extends { id: number }>(
  column: string,
  part: (where: RawBuilder<boolean>, limit: number) => Promise<Row[]>,
  time: (row: Row) => number | null,
  limit: number,
  cursor: string | undefined,
): Promise<Page<Row>> {
  const place = cursor === undefined ? undefined : (placeOf(cursor, 2) as [number | null, number])
  const [ts, id] = place ?? [Number.NaN, 0]
  const at = sql.ref(column)
  const rows: Row[] = []
  if (ts !== null) {
    const where = place
      ? sql<boolean>`${at} <= ${ts} and (${at} < ${ts} or id < ${id})`
      : sql<boolean>`${at} is not null`
    rows.push(...(await part(where, limit + 1)))
  }
  if (rows.length <= limit) {
    const where = ts === null ? sql<boolean>`${at} is null and id < ${id}` : sql<boolean>`${at} is null`
    rows.push(...(await part(where, limit + 1 - rows.length)))
  }
  return pageOf(rows, limit, (row) => [time(row), row.id])
}
