import { isObject, type JsonObject } from '../adapters/json/flatten.ts'
import type { ReadingParts } from './intake/reading-record.ts'
import { parseTime } from './intake/time.ts'

const DEVICE = -1
const TIME = -2
/** Text that tells about the device. */
const TEXT = -3
const LONGEST_NAME = 256

/** What each key of an object is: the number of a metric, one of the above, or an object of its own. */
interface Level {
  readonly keys: readonly string[]
  readonly roles: readonly (number | Level)[]
}

/** A reading as a shape reads it; used again for the next. */
export interface ShapedReading {
  device: string
  ts: number
  readonly values: number[]
}

/**
 * The keys of readings that look like one that was taken apart before, so that their names need not be looked up again.
 * What deviates in any way is left to `readingParts`; what is read here is read to the same.
 */
export class ReadingShape {
  readonly metrics: readonly string[]
  readonly #level: Level

  private constructor(level: Level, metrics: readonly string[]) {
    this.#level = level
    this.metrics = metrics
  }

  /** The shape of a record that was taken apart; undefined for one with lists, nulls, or values passed over. */
  static of(record: JsonObject, parts: ReadingParts): ReadingShape | undefined {
    const level = levelOf(record, '', parts)
    return level && new ReadingShape(level, parts.metrics)
  }

  /** Reads a record of this shape; false when it is of another, or something in it is not as it should be. */
  read(record: JsonObject, into: ShapedReading): boolean {
    return readLevel(this.#level, record, into)
  }
}

function levelOf(record: JsonObject, prefix: string, parts: ReadingParts): Level | undefined {
  const keys = Object.keys(record)
  const roles: (number | Level)[] = []
  for (const key of keys) {
    const path = prefix === '' ? key : `${prefix}.${key}`
    const value = record[key]
    const metric = parts.metrics.indexOf(path)
    if (isObject(value)) {
      const level = levelOf(value, path, parts)
      if (!level) return undefined
      roles.push(level)
    } else if (path === parts.deviceKey) roles.push(DEVICE)
    else if (path === parts.timeKey) roles.push(TIME)
    else if (metric >= 0 && typeof value === 'number') roles.push(metric)
    else if (typeof value === 'string') roles.push(TEXT)
    else return undefined
  }
  return { keys, roles }
}

function readLevel({ keys, roles }: Level, record: JsonObject, into: ShapedReading): boolean {
  let i = 0
  for (const key in record) {
    if (key !== keys[i]) return false
    const role = roles[i++]!
    const value = record[key]
    if (typeof role !== 'number') {
      if (!isObject(value) || !readLevel(role, value, into)) return false
    } else if (role >= 0) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return false
      into.values[role] = value
    } else if (role === TIME) {
      into.ts = parseTime(value)
      if (Number.isNaN(into.ts)) return false
    } else if (role === DEVICE) {
      if (typeof value !== 'string' || !isPlainName(value)) return false
      into.device = value
    } else if (typeof value !== 'string' || !/^[^\d+\-.\s]/.test(value)) return false
  }
  return i === keys.length
}

function isPlainName(value: string): boolean {
  return value !== '' && value.length <= LONGEST_NAME && value === value.trim() && !value.includes('\0')
}
