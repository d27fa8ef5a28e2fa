import { flatten, type JsonObject } from '../../adapters/json/flatten.ts'
import { foldName } from '../../adapters/table/dialect.ts'
import { DEVICE_SYNONYMS, TIME_SYNONYMS } from '../../adapters/table/synonyms.ts'
import { parseTime } from './time.ts'

/** Longest name of a device or metric, characters. */
const LONGEST_NAME = 256
/** Most metrics of a reading. */
const MOST_METRICS = 256

/** What is wrong with a record, and where in it. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  /** Keys joined with a dot; '' for the record itself. */
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/** A reading taken apart: what each value of the record is. */
export interface ReadingParts {
  /** Every scalar of the record, in its order. */
  readonly flat: ReadonlyMap<string, unknown>
  readonly deviceKey: string
  readonly device: string
  readonly timeKey: string
  readonly ts: number
  /** Names of the metrics, sorted, and their values; NaN for null. */
  readonly metrics: readonly string[]
  readonly values: readonly number[]
}

/** Words for a device, the most telling first: `{"id":17,"device_id":"pump"}` is a reading of pump. */
const DEVICES = [...DEVICE_SYNONYMS.filter((word) => word !== 'id'), 'id']

/**
 * Takes a reading apart. Numbers and truth values are metrics, null is a metric without a value; text that is no
 * number tells about the device and is passed over.
 *
 * @throws RecordError when it has no device, no time, no number, or a number written as text
 */
export function readingParts(record: JsonObject): ReadingParts {
  const flat = flatten(record)
  if (!flat) throw new RecordError('', 'expects at most 32 levels and 4096 values; send a smaller record')
  const folded = new Map([...flat.keys()].map((key) => [wordOf(key), key]))
  const keyOf = (words: readonly string[]) => {
    const word = words.find((w) => folded.has(w) && flat.get(folded.get(w)!) !== null)
    return word === undefined ? undefined : folded.get(word)!
  }
  const deviceKey = keyOf(DEVICES)
  if (deviceKey === undefined)
    throw new RecordError('id', 'expects the name of the device, got none; add "id"')
  const device = deviceName(deviceKey, flat.get(deviceKey))
  const timeKey = keyOf(TIME_SYNONYMS)
  if (timeKey === undefined) {
    throw new RecordError('timestamp', 'expects the time of the reading, got none; add "timestamp"')
  }
  const ts = parseTime(flat.get(timeKey))
  if (Number.isNaN(ts)) {
    throw new RecordError(
      timeKey,
      `expects a time from 1970 to 2100 such as "2023-03-01T08:00:00Z" or seconds since 1970, got ${shown(flat.get(timeKey))}`,
    )
  }
  const pairs: [string, number][] = []
  for (const [key, value] of flat) {
    if (key === deviceKey || key === timeKey || DEVICES.includes(wordOf(key))) continue
    const number = metricValue(key, value)
    if (number !== undefined) pairs.push([key, number])
  }
  if (!pairs.some(([, value]) => !Number.isNaN(value))) {
    throw new RecordError(
      '',
      'expects at least one number, got none; add a metric such as "temperature": 21.5',
    )
  }
  if (pairs.length > MOST_METRICS) {
    throw new RecordError(
      '',
      `expects at most ${MOST_METRICS} numbers, got ${pairs.length}; split the record`,
    )
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  const metrics = pairs.map(([key]) => key)
  return { flat, deviceKey, device, timeKey, ts, metrics, values: pairs.map(([, value]) => value) }
}

/** Names met so far, as synonyms spell them: the same few come again and again. */
const WORDS = new Map<string, string>()

function wordOf(key: string): string {
  let word = WORDS.get(key)
  if (word === undefined) {
    word = foldName(key)
    if (WORDS.size > 10_000) WORDS.clear()
    WORDS.set(key, word)
  }
  return word
}

function deviceName(key: string, value: unknown): string {
  const name = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  if (name === '' || name.length > LONGEST_NAME || !isStorable(name)) {
    throw new RecordError(key, `expects a name of 1 to ${LONGEST_NAME} characters, got ${shown(value)}`)
  }
  return name
}

/** A metric's value; undefined for text that is none. */
function metricValue(key: string, value: unknown): number | undefined {
  if (value === null) return Number.NaN
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new RecordError(key, 'expects a number below 1.8e308, got a larger one')
    if (key.length > LONGEST_NAME || !isStorable(key)) {
      throw new RecordError('', `expects names of at most ${LONGEST_NAME} characters, got ${key.length}`)
    }
    return value
  }
  if (typeof value === 'string' && looksLikeNumber(value)) {
    throw new RecordError(key, `expects a number, got the text ${shown(value)}; leave the quotes out`)
  }
  return undefined
}

function looksLikeNumber(text: string): boolean {
  return text.length < 40 && /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text)
}

/** Whether a database gives text back as it was: it has no U+0000 and no half of a character. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
