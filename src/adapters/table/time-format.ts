import { ascii, parseNumber } from './parse-number.ts'

/** How a column writes times, found from a sample of it. */
export interface TimeFormat {
  /** For `inspect`: 'epoch milliseconds', 'day/month/year'. */
  readonly description: string
  /** What had to be assumed, for the report. */
  readonly notes: readonly string[]
  /** Seconds since 1970-01-01 UTC; NaN when the bytes are no such time. */
  parse(bytes: Uint8Array, start: number, end: number): number
}

type Order = 'ymd' | 'dmy' | 'mdy'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const EPOCH_UNITS = [
  { below: 1e11, factor: 1, name: 'seconds' },
  { below: 1e14, factor: 1e-3, name: 'milliseconds' },
  { below: 1e17, factor: 1e-6, name: 'microseconds' },
  { below: Number.POSITIVE_INFINITY, factor: 1e-9, name: 'nanoseconds' },
]
const ORDER_NAMES = { ymd: 'year-month-day', dmy: 'day/month/year', mdy: 'month/day/year' }

/**
 * The format of a column of times from sampled cells; undefined when they are no times.
 *
 * Numbers are time since the epoch, the unit told by their size. Dates are `2018/12/18 14:00:00.07`,
 * `2021-06-06T15:59:46.45+0200`, `5/7/2017 8:55 PM`, `31-Mar-19`, `Dec 18, 2021 11:44:10`. Whether the day
 * or the month comes first is decided by the whole sample: by a number above 12, else by the reading
 * under which the sample spans less time, else day first.
 */
export function recogniseTime(sample: readonly string[]): TimeFormat | undefined {
  const cells = sample.map((text) => text.trim()).filter((text) => text !== '')
  if (cells.length === 0) return undefined
  const bytes = cells.map((text) => Buffer.from(text))
  const numbers = bytes.map((b) => parseNumber(b, 0, b.length)).filter((n) => !Number.isNaN(n))
  if (numbers.length >= enough(cells.length)) return epochFormat(numbers)
  const orders = (['ymd', 'dmy', 'mdy'] as const).flatMap((order) => {
    const times = bytes.map((b) => parseDate(b, 0, b.length, order)).filter((t) => !Number.isNaN(t))
    return times.length >= enough(cells.length) ? [{ order, times }] : []
  })
  const best = orders.sort((a, b) => b.times.length - a.times.length || span(a.times) - span(b.times))[0]
  if (!best) return undefined
  const notes: string[] = []
  if (best.order !== 'ymd' && orders.filter((o) => o.times.length === best.times.length).length > 1)
    notes.push(`times such as "${cells[0]}" do not tell day from month; taken as ${ORDER_NAMES[best.order]}`)
  if (!cells.some(hasZone)) notes.push('times have no zone, taken as UTC')
  if (cells.filter((c) => DATE.test(c)).length < enough(cells.length) / 2)
    notes.push('times have no day, taken as 1 January of the year')
  return {
    description: ORDER_NAMES[best.order],
    notes,
    parse: (b, start, end) => parseDate(b, start, end, best.order),
  }
}

/**
 * The format of a column of times of day alone (`19:17:57.264552`), undefined when they are none: a
 * last resort, as the day is missing.
 */
export function recogniseClock(sample: readonly string[]): TimeFormat | undefined {
  const cells = sample.map((text) => text.trim()).filter((text) => text !== '')
  const times = cells.filter((text) => {
    const bytes = Buffer.from(text)
    return !Number.isNaN(parseClock(bytes, 0, bytes.length))
  })
  if (cells.length === 0 || times.length < enough(cells.length)) return undefined
  return {
    description: 'time of day',
    notes: ['times have no date, taken as of 1 January 1970'],
    parse: parseClock,
  }
}

/** `hh:mm[:ss[.f]]` as seconds of the day; NaN when it is none. */
export function parseClock(bytes: Uint8Array, start: number, end: number): number {
  const parts = CLOCK.exec(ascii(bytes, start, Math.min(end, start + 40)))
  if (!parts) return Number.NaN
  return Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3] ?? 0)
}

const CLOCK = /^\s*([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?\s*$/

/** Whether numbers are times since the epoch between 1998 and 2052, whatever their unit. */
export function looksLikeEpoch(numbers: readonly number[]): boolean {
  const sorted = numbers.filter(Number.isFinite).sort((a, b) => a - b)
  const typical = sorted[sorted.length >> 1] ?? 0
  const seconds = typical * EPOCH_UNITS.find((u) => typical < u.below)!.factor
  return seconds > 0.9e9 && seconds < 2.6e9
}

/** A few broken cells must not hide what the column is. */
function enough(n: number): number {
  return n - Math.floor(n / 10)
}

function span(times: readonly number[]): number {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const t of times) {
    low = Math.min(low, t)
    high = Math.max(high, t)
  }
  return high - low
}

function hasZone(text: string): boolean {
  return /(Z|UTC|GMT|[+-]\d\d:?\d\d)$/i.test(text) && /\d:\d/.test(text)
}

const DATE = /\d+[-/.]\d+[-/.]\d+|[a-z]{3}/i

function epochFormat(numbers: number[]): TimeFormat {
  const sorted = numbers.map(Math.abs).sort((a, b) => a - b)
  const typical = sorted[sorted.length >> 1]!
  const unit = EPOCH_UNITS.find((u) => typical < u.below)!
  const notes: string[] = []
  if (unit.factor !== 1) notes.push(`times are ${unit.name} since 1970`)
  else if (typical < 1e8) notes.push('times are small numbers, taken as seconds')
  const divisor = Math.round(1 / unit.factor)
  return {
    description: `epoch ${unit.name}`,
    notes,
    parse: (bytes, start, end) => parseNumber(bytes, start, end) / divisor,
  }
}

/**
 * A date and time in groups of digits (or a month's name), whatever separates them.
 *
 * @returns seconds since the epoch; the zone at the end is honoured, without one it is UTC; NaN when
 *   this is no date
 */
export function parseDate(bytes: Uint8Array, start: number, end: number, order: Order): number {
  let from = start
  let to = end
  while (from < to && bytes[from] === 32) from++
  while (to > from && bytes[to - 1] === 32) to--
  if (to - from > 48 || to - from < 6) return Number.NaN
  const first: number[] = [0, 0, 0]
  let i = from
  let groups = 0
  let named = -1
  let firstWidth = 0
  while (i < to && groups < 3) {
    const group = i
    const c = bytes[i]!
    if (c >= 48 && c <= 57) {
      let value = 0
      while (i < to && bytes[i]! >= 48 && bytes[i]! <= 57) value = value * 10 + bytes[i++]! - 48
      if (groups === 0) firstWidth = i - group
      if (i - group > 4) return Number.NaN
      if (bytes[i] === 58 /* : */) {
        // A time right after the year alone: the day is missing in the source.
        if (groups !== 1 || firstWidth !== 4) return Number.NaN
        i = group
        first[1] = 1
        first[2] = 1
        break
      }
      first[groups++] = value
    } else if ((c | 32) >= 97 && (c | 32) <= 122) {
      while (i < to && (bytes[i]! | 32) >= 97 && (bytes[i]! | 32) <= 122) i++
      const month = MONTHS.indexOf(ascii(bytes, group, Math.min(i, group + 3)).toLowerCase())
      if (month < 0 || named >= 0) return Number.NaN
      named = groups
      first[groups++] = month + 1
    } else return Number.NaN
    while (i < to && groups < 3 && isDateSeparator(bytes[i]!)) i++
  }
  if (groups === 2 || groups === 0 || (order === 'ymd') !== (firstWidth === 4)) return Number.NaN
  let [year, month, day] = inOrder(first, order, named, firstWidth)
  if (year < 100) year += year < 70 ? 2000 : 1900
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return Number.NaN
  return timeOfDay(bytes, i, to, daysFromCivil(year, month, day) * 86_400)
}

function isDateSeparator(c: number): boolean {
  return c === 45 || c === 47 || c === 46 || c === 32 || c === 44 // - / . space ,
}

function inOrder(g: number[], order: Order, named: number, width: number): [number, number, number] {
  if (width === 4) return [g[0]!, g[1]!, g[2]!]
  if (named === 0) return [g[2]!, g[0]!, g[1]!]
  if (named === 1 || order === 'dmy') return [g[2]!, g[1]!, g[0]!]
  return [g[2]!, g[0]!, g[1]!]
}

/** `hh:mm[:ss[.f]] [AM|PM] [zone]` after a date, added to the `midnight` of that day. */
function timeOfDay(bytes: Uint8Array, start: number, end: number, midnight: number): number {
  let i = start
  while (i < end && (bytes[i] === 32 || bytes[i] === 44 || (bytes[i]! | 32) === 116) /* T */) i++
  if (i === end) return midnight
  let colons = 0
  const parts = [0, 0, 0]
  for (;;) {
    const group = i
    let value = 0
    while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) value = value * 10 + bytes[i++]! - 48
    if (i === group || i - group > 2) return Number.NaN
    parts[colons] = value
    if (colons === 2 || bytes[i] !== 58) break
    colons++
    i++
  }
  if (colons === 0) return Number.NaN
  let fraction = 0
  if (i < end && (bytes[i] === 46 || bytes[i] === 44)) {
    const from = ++i
    let digits = 0
    while (i < end && bytes[i]! >= 48 && bytes[i]! <= 57) {
      if (i - from < 9) digits = digits * 10 + bytes[i]! - 48
      i++
    }
    fraction = digits / 10 ** Math.min(9, i - from)
  }
  let [hour, minute, second] = parts as [number, number, number]
  let offset = 0
  if (i < end) {
    const suffix = /^\s*([AP]M)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?\s*[A-Z]{0,4}$/i.exec(ascii(bytes, i, end))
    if (!suffix) return Number.NaN
    const half = suffix[1]?.toUpperCase()
    if (half && hour > 12) return Number.NaN
    if (half === 'PM' && hour < 12) hour += 12
    if (half === 'AM' && hour === 12) hour = 0
    const zone = suffix[2]
    if (zone && (zone[0] === '+' || zone[0] === '-')) {
      const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
      offset = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60 * (zone[0] === '-' ? -1 : 1)
    }
  }
  if (hour > 23 || minute > 59 || second > 60) return Number.NaN
  return midnight + hour * 3600 + minute * 60 + second - offset + fraction
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days from 1970-01-01 to a date of the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms"). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  )
}
