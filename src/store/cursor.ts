import { CursorError } from './errors.ts'

/** One page of a list and the cursor of the next, null after the last. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** The place behind a row, by the columns the list is sorted by. */
export type Place = readonly (number | string | null)[]

export function cursorOf(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

/** @param length how many columns the list is sorted by. @throws CursorError when `cursor` is none of this list's */
export function placeOf(cursor: string, length: number): Place {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    // Told below.
  }
  const valid =
    Array.isArray(place) &&
    place.length === length &&
    place.every((v) => v === null || typeof v === 'string' || Number.isFinite(v))
  if (!valid) throw new CursorError('cursor expects the `next` of an earlier page; start without one')
  return place as Place
}

/** Cuts the one row too many that tells whether there is another page. */
export function pageOf<T>(rows: readonly T[], limit: number, place: (row: T) => Place): Page<T> {
  if (rows.length <= limit) return { items: rows, next: null }
  const items = rows.slice(0, limit)
  return { items, next: cursorOf(place(items[limit - 1]!)) }
}

/** Cuts `values` into lists of at most `size`: databases bound the number of parameters of a statement. */
export function chunks<T>(values: readonly T[], size = 500): T[][] {
  const all: T[][] = []
  for (let i = 0; i < values.length; i += size) all.push(values.slice(i, i + size))
  return all
}
