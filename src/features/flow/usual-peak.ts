import type { DecayTable } from '../decay-table.ts'

const HOUR = 3600
const WEEK = 7 * 24 * HOUR
/** What a device sends in an hour without anybody caring, bytes: an update check, a log. */
const LEAST = 65_536

/** Plain values that it takes in a row of a table. */
export const PEAK_VALUES = 4

/**
 * Compares an amount with the largest that was usual so far, as a multiple of it.
 *
 * Peaks are kept by the hour of event time: of the current hour, of the one before, and of all older ones, which
 * fades over a week. Only the older ones are compared with, so that an upload does not become usual while it lasts.
 * New records get rarer the longer a device is known: later false alarms are fewer than in training, never more.
 *
 * @param at first of the PEAK_VALUES plain values of the row
 * @param begins whether the row is new
 * @returns multiple of the usual peak; of {@link LEAST} where that is larger
 */
export function againstUsual(
  table: DecayTable,
  row: number,
  at: number,
  begins: boolean,
  ts: number,
  amount: number,
): number {
  const [HOUR_AT, NOW, BEFORE, OLDER] = [at, at + 1, at + 2, at + 3]
  const hour = Math.floor(ts / HOUR)
  const current = begins ? hour : table.get(row, HOUR_AT)
  if (begins) table.set(row, HOUR_AT, hour)
  if (hour > current) {
    const now = table.get(row, NOW)
    const next = hour === current + 1
    const leaving = Math.max(table.get(row, BEFORE), next ? 0 : now)
    const faded = table.get(row, OLDER) * Math.exp(((current - hour) * HOUR) / WEEK)
    table.set(row, OLDER, Math.max(faded, leaving))
    table.set(row, BEFORE, next ? now : 0)
    table.set(row, NOW, 0)
    table.set(row, HOUR_AT, hour)
  }
  if (amount > table.get(row, NOW)) table.set(row, NOW, amount)
  return amount / Math.max(table.get(row, OLDER), LEAST)
}
