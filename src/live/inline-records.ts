import { isObject, type JsonObject } from '../adapters/json/flatten.ts'
import { FlowBatchBuilder } from '../schema/flow-batch.ts'
import { type Batch, type ReadingBatch, ReadingBatchBuilder } from '../schema/reading-batch.ts'
import { ReadingRows } from '../store/reading-rows.ts'
import { flowOf } from './intake/flow-parser.ts'
import { LineTemplate } from './intake/line-template.ts'
import { RecordError, readingParts } from './intake/reading-record.ts'
import { endOfValue, pastBlanks, valueAt } from './json-bytes.ts'

/** A record that cannot be judged: which, where in it, and why. */
export interface WrongRecord {
  readonly record: number
  readonly path: string
  readonly message: string
}

/** A list of records in the bytes of a question. */
export interface SentRecords {
  /** Where the list ends. */
  readonly end: number
  readonly batch: Batch
  /** The first that are wrong; a question is answered as a whole or not at all. */
  readonly wrong: readonly WrongRecord[]
  /** The records as intake takes them. */
  records(): Uint8Array<ArrayBuffer>
}

/** Records in one question; more go to `/data` or `/detect/file`. */
export const MOST_RECORDS = 1000
/** Wrong records told at most. */
const MOST_TOLD = 20
/** What records look like: remembered in all, and learned from one question. */
const MOST_TEMPLATES = 16
const MOST_LEARNED = 4
/** Devices and shapes after which what is used again is made anew. */
const MOST_DEVICES = 10_000
const MOST_SHAPES = 100

/**
 * Takes lists of readings in the form that intake takes. What they look like is remembered from one question to the
 * next, so that no objects are made of those that look alike.
 */
export class ReadingLists {
  readonly #templates: LineTemplate[] = []
  #rows = new ReadingRows()
  #learned = 0

  /** The list that begins at `at`; undefined when it is none of 1 to {@link MOST_RECORDS} objects. */
  read(bytes: Uint8Array, at: number): SentRecords | undefined {
    if (bytes[at] !== 91) return undefined
    const rows = this.#emptyRows()
    const wrong: WrongRecord[] = []
    const commas: number[] = []
    this.#learned = 0
    const first = pastBlanks(bytes, at + 1)
    let last = first
    for (let next = first; ; next = pastBlanks(bytes, next + 1)) {
      const record = commas.length
      last = this.#byTemplate(bytes, next, rows, record)
      if (last < 0) last = this.#byName(bytes, next, rows, record, wrong)
      if (last < 0) return undefined
      next = pastBlanks(bytes, last)
      if (bytes[next] !== 44) {
        if (bytes[next] !== 93) return undefined
        const end = next + 1
        const records = () => asLines(bytes.slice(first, last), commas, first) ?? bytes.slice(at, end)
        return { end, batch: batchOf(rows), wrong, records }
      }
      if (commas.push(next) === MOST_RECORDS) return undefined
    }
  }

  #byTemplate(bytes: Uint8Array, at: number, rows: ReadingRows, record: number): number {
    const templates = this.#templates
    for (let t = 0; t < templates.length; t++) {
      const template = templates[t]!
      const end = template.readFrom(bytes, at, bytes.length, rows, record)
      if (end < 0) continue
      // The next one looks like this one, most likely.
      if (t > 0) {
        templates.splice(t, 1)
        templates.unshift(template)
      }
      if (template.full) templates.shift()
      return end
    }
    return -1
  }

  #byName(bytes: Uint8Array, at: number, rows: ReadingRows, record: number, wrong: WrongRecord[]): number {
    const end = bytes[at] === 123 ? endOfValue(bytes, at) : -1
    const value = end < 0 ? undefined : valueAt(bytes, at, end)
    if (!isObject(value)) return -1
    told(wrong, record, () => {
      const parts = readingParts(value)
      rows.add(parts.device, parts.ts, parts.metrics, parts.values, record)
      if (this.#learned++ >= MOST_LEARNED) return
      const template = LineTemplate.of(bytes.subarray(at, end), parts)
      if (!template) return
      this.#templates.unshift(template)
      if (this.#templates.length > MOST_TEMPLATES) this.#templates.pop()
    })
    return end
  }

  #emptyRows(): ReadingRows {
    const { devices, shapes } = this.#rows
    if (devices.length > MOST_DEVICES || shapes.length > MOST_SHAPES) this.#rows = new ReadingRows()
    this.#rows.length = 0
    return this.#rows
  }
}

/** The list of flows, by Zeek's names, that begins at `at`; undefined when it is none of 1 to {@link MOST_RECORDS} objects. */
export function flowList(bytes: Uint8Array, at: number): SentRecords | undefined {
  const end = bytes[at] === 91 ? endOfValue(bytes, at) : -1
  const list = end < 0 ? undefined : valueAt(bytes, at, end)
  if (!isListOfObjects(list)) return undefined
  const builder = new FlowBatchBuilder(list.length)
  const wrong: WrongRecord[] = []
  list.forEach((record, i) => {
    told(wrong, i, () => builder.add(flowOf(record)))
  })
  return { end, batch: builder.finish(), wrong, records: () => bytes.slice(at, end) }
}

function isListOfObjects(list: unknown): list is JsonObject[] {
  return Array.isArray(list) && list.length > 0 && list.length <= MOST_RECORDS && list.every(isObject)
}

/** Adds a record, or what is wrong with it. */
function told(wrong: WrongRecord[], record: number, add: () => void): void {
  if (wrong.length === MOST_TOLD) return
  try {
    add()
  } catch (error) {
    if (!(error instanceof RecordError)) throw error
    wrong.push({ record, path: error.path, message: error.message })
  }
}

/** Objects with line feeds for the commas between them, as intake reads fastest; undefined where they have some inside. */
function asLines<B extends ArrayBuffer>(
  objects: Uint8Array<B>,
  commas: readonly number[],
  start: number,
): Uint8Array<B> | undefined {
  if (objects.includes(10)) return undefined
  for (const comma of commas) objects[comma - start] = 10
  return objects
}

function batchOf(rows: ReadingRows): ReadingBatch {
  const n = rows.length
  const builder = new ReadingBatchBuilder(n)
  builder.ts.set(rows.ts.subarray(0, n))
  const columnsOf: Float64Array[][] = []
  for (let i = 0; i < n; i++) {
    builder.device.push(rows.devices[rows.device[i]!]!)
    const shape = rows.shape[i]!
    columnsOf[shape] ??= rows.shapes[shape]!.map((name) => builder.column(name))
    const columns = columnsOf[shape]
    const start = rows.start[i]!
    for (let j = 0; j < columns.length; j++) columns[j]![i] = rows.values[start + j]!
  }
  builder.length = n
  return builder.finish()
}
