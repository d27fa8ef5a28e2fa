import { isObject, type JsonObject } from '../../adapters/json/flatten.ts'
import { RecordError, shown } from './reading-record.ts'
import type { Tally } from './result.ts'

const NEWLINE = 10

/**
 * Calls `each` with every record of a body: one object, a list of objects, or an object a line. What is none is
 * counted as rejected, as is a record for which `each` throws a RecordError.
 *
 * @param line reads a line `[start, end)` without JSON.parse; false when it cannot
 */
export function eachRecord(
  bytes: Uint8Array,
  tally: Tally,
  each: (record: JsonObject, line: Uint8Array | undefined) => void,
  line: (start: number, end: number) => boolean = () => false,
): void {
  const { stackTraceLimit } = Error
  // A body may be millions of wrong records, and where an error was made is not told.
  Error.stackTraceLimit = 0
  try {
    records(bytes, tally, each, line)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function records(
  bytes: Uint8Array,
  tally: Tally,
  each: (record: JsonObject, line: Uint8Array | undefined) => void,
  line: (start: number, end: number) => boolean,
): void {
  const first = bytes.find((c) => c > 32)
  const whole = first === 91 ? parsed(bytes) : undefined
  if (Array.isArray(whole)) {
    for (const value of whole) one(value, undefined, tally, each)
    return
  }
  for (let start = 0; start < bytes.length; ) {
    let end = bytes.indexOf(NEWLINE, start)
    const next = end < 0 ? bytes.length : end + 1
    if (end < 0) end = bytes.length
    while (end > start && bytes[end - 1]! <= 32) end--
    if (end > start) {
      if (line(start, end)) tally.read++
      else {
        const piece = bytes.subarray(start, end)
        const value = parsed(piece)
        if (value === undefined && tally.read === 0 && first === 123) {
          // One object over several lines.
          const record = parsed(bytes)
          if (isObject(record)) {
            one(record, undefined, tally, each)
            return
          }
        }
        if (value === undefined) refuse(piece, tally)
        else one(value, piece, tally, each)
      }
    }
    start = next
  }
}

function one(
  value: unknown,
  line: Uint8Array | undefined,
  tally: Tally,
  each: (record: JsonObject, line: Uint8Array | undefined) => void,
): void {
  const number = tally.read++
  if (!isObject(value)) {
    tally.reject(number, '', `expects an object, got ${shown(value)}`)
    return
  }
  try {
    each(value, line)
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    tally.reject(number, error.path, error.message)
  }
}

function refuse(line: Uint8Array, tally: Tally): void {
  const text = decoder.decode(line.subarray(0, 60))
  tally.reject(
    tally.read++,
    '',
    `expects a JSON object a line, got ${JSON.stringify(text)}; correct or remove it`,
  )
}

const decoder = new TextDecoder()

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes)) as unknown
  } catch {
    return undefined
  }
}
