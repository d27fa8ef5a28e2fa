import type { Batch } from '../../schema/reading-batch.ts'
import type { Adapter, ReadOptions } from '../adapter.ts'
import { InputError, type ReadReport } from '../read-report.ts'
import { foldName } from '../table/dialect.ts'
import { asUtf8, headAsUtf8 } from '../table/encoding.ts'
import { nothingUsed } from '../table/reject-cell.ts'
import { RowWriter } from '../table/row-writer.ts'
import { TIME_SYNONYMS } from '../table/synonyms.ts'
import { type Window, windows } from '../table/windows.ts'
import { flatten, isObject, type JsonObject } from './flatten.ts'
import { isNfdumpRecord, withAddresses } from './nfdump-record.ts'
import { MAX_RECORD, RecordSplitter, wrappedList } from './record-splitter.ts'
import { flowEvent, isEveEvent } from './suricata-event.ts'

/** Bytes looked at to tell a wrapper from a record; the same however the source is cut into chunks. */
const SAMPLE_SIZE = 1 << 18
const NEWLINE = 10
/** How pandas and others write tables other than as records: by column, by row number, as lists of values. */
const NO_RECORDS = [
  /^\s*\{\s*"[^"]*"\s*:\s*\{\s*"0"\s*:[^{]*?,\s*"1"\s*:/,
  /^\s*\{\s*"0"\s*:\s*\{[^{}]*\}\s*,\s*"1"\s*:\s*\{/,
  /^\s*\{\s*"[^"]*"\s*:\s*\[(\s*("[^"]*"|[-+.\deE]+|null|true|false)\s*,){17}/,
  /^\s*\{\s*"(columns|index)"\s*:\s*\[/,
  /^\s*\{\s*"schema"\s*:\s*\{\s*"fields"/,
]

export const jsonAdapter: Adapter = {
  name: 'json',
  description: 'JSON or NDJSON: readings or flows, nested or flat; Suricata EVE; Zeek JSON logs',
  accepts(head) {
    const text = new TextDecoder().decode(headAsUtf8(head).subarray(0, 1024)).trimStart()
    return /^(\[\s*(\{|$)|\{\s*("|\}|$))/.test(text)
  },
  async *read(source, options, report) {
    report.unit = 'records'
    const reader = new JsonReader(source.name, options, report)
    let started = false
    for await (const window of windows(asUtf8(source.bytes()))) {
      if (!started) {
        if (window.bytes.length < SAMPLE_SIZE && !window.final) continue
        started = true
        reader.start(window)
      }
      yield* reader.batches(window)
    }
    yield* reader.rest()
  },
}

class JsonReader {
  readonly #name: string
  readonly #report: ReadReport
  readonly #splitter = new RecordSplitter()
  readonly #writer: RowWriter
  /** Records are whole lines: a broken one costs only itself. */
  #byLine = false
  #line = 1
  /** Past the line end of a line that is too long. */
  #skipping = false

  constructor(name: string, options: ReadOptions, report: ReadReport) {
    this.#name = name
    this.#report = report
    this.#writer = new RowWriter(name, options, report)
  }

  /** Tells one object a line, a wrapper around a list, and everything else apart. */
  start(window: Window): void {
    const sample = window.bytes.subarray(0, SAMPLE_SIZE)
    if (!/\S/.test(decode(sample.subarray(0, 4096))))
      throw new InputError(`${this.#name} is empty; expects JSON objects`)
    const start = decode(sample.subarray(0, 2048))
    if (NO_RECORDS.some((pattern) => pattern.test(start)))
      throw new InputError(
        `${this.#name} expects a list of records or one a line, got a table by columns or row numbers; ` +
          'write it with orient="records" (pandas)',
      )
    const whole = window.final && window.bytes.length < SAMPLE_SIZE
    this.#byLine = isByLine(sample, whole)
    const inner = this.#byLine && lineCount(sample) > 1 ? -1 : wrappedList(sample)
    if (inner < 0 || !isWrapper(sample, inner, whole)) return
    this.#byLine = false
    this.#line += lineCount(sample.subarray(0, inner)) - 1
    window.start = inner
    this.#splitter.inList = true
    this.#report.note('records taken from the list inside the object')
  }

  *batches(window: Window): Generator<Batch> {
    const { bytes } = window
    let at = window.start
    while (at < bytes.length) {
      const next = this.#byLine
        ? this.#nextLine(bytes, at, window.final)
        : this.#nextPiece(bytes, at, window.final)
      if (next < 0) break
      at = next
      yield* this.#writer.full()
    }
    window.start = at
  }

  #nextLine(bytes: Uint8Array, start: number, final: boolean): number {
    let end = bytes.indexOf(NEWLINE, start)
    if (end < 0) {
      if (!final) {
        if (bytes.length - start <= MAX_RECORD) return -1
        if (!this.#skipping)
          this.#reject('record too long', this.#line, `a record of at most ${MAX_RECORD} bytes`)
        this.#skipping = true
        return bytes.length
      }
      end = bytes.length
    }
    if (this.#skipping) this.#skipping = false
    else if (end - start > MAX_RECORD)
      this.#reject('record too long', this.#line, `a record of at most ${MAX_RECORD} bytes`)
    else this.#lineOf(bytes, start, end)
    this.#line++
    return Math.min(end + 1, bytes.length)
  }

  /** A line is one object; one that does not parse may hold several, one after another. */
  #lineOf(bytes: Uint8Array, start: number, end: number): void {
    const text = decode(bytes.subarray(start, end)).trim()
    if (text === '') return
    const record = parsed(text)
    if (record !== undefined) {
      this.#record(record, this.#line)
      return
    }
    const line = bytes.subarray(start, end)
    const splitter = new RecordSplitter()
    const pieces: unknown[] = []
    for (let at = 0; at < line.length; ) {
      at = splitter.next(line, at, true)
      if (splitter.piece.end === 0) continue
      pieces.push(
        splitter.piece.object
          ? parsed(decode(line.subarray(splitter.piece.start, splitter.piece.end)))
          : undefined,
      )
    }
    if (pieces.length > 1 && pieces.every(isObject))
      for (const piece of pieces) this.#record(piece, this.#line)
    else this.#reject('broken JSON', this.#line, 'a JSON object', shortened(text))
  }

  #nextPiece(bytes: Uint8Array, start: number, final: boolean): number {
    const { piece } = this.#splitter
    const next = this.#splitter.next(bytes, start, final)
    if (next < 0) return -1
    if (piece.end > 0) {
      const line = this.#line + newlines(bytes, start, piece.start)
      const text = () => decode(bytes.subarray(piece.start, piece.end))
      if (!piece.object) {
        this.#reject(piece.reason, line, 'a JSON object', shortened(text()))
      } else {
        const record = parsed(text())
        if (record === undefined) this.#reject('broken JSON', line, 'a JSON object', shortened(text()))
        else this.#record(record, line)
      }
    }
    this.#line += newlines(bytes, start, next)
    return next
  }

  #record(value: unknown, line: number): void {
    if (!isObject(value)) {
      this.#reject('not an object', line, 'a JSON object', shortened(JSON.stringify(value)))
      return
    }
    let record: JsonObject | undefined = value
    if (isEveEvent(value)) {
      record = flowEvent(value)
      if (!record) {
        this.#report.reject(`Suricata event ${String(value.event_type).slice(0, 40)} is no flow`)
        return
      }
    }
    if (isNfdumpRecord(record)) record = withAddresses(record)
    const flat = flatten(record)
    if (!flat) this.#reject('nested too deep', line, 'a record of at most 32 levels and 4096 values')
    else this.#writer.add(flat, line)
  }

  #reject(reason: string, line: number, expected: string, found?: string): void {
    this.#report.reject(reason, {
      place: `${this.#name}:${line}`,
      message: `expects ${expected}, got ${found ?? reason}; correct or remove it`,
    })
  }

  *rest(): Generator<Batch> {
    yield* this.#writer.rest()
    const events = [...this.#report.reasons.keys()].some((reason) => reason.startsWith('Suricata event'))
    if (this.#report.used === 0 && events)
      throw new InputError(
        `${this.#name} is a Suricata EVE log without flow events; enable "flow" in eve-log, or give the capture`,
      )
    nothingUsed(this.#report)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const decoder = new TextDecoder()
function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

function shortened(text: string): string {
  const line = text.slice(0, 60).replaceAll(/\s+/g, ' ')
  return text.length > 60 ? `${line}…` : line
}

function newlines(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = bytes.indexOf(NEWLINE, start); i >= 0 && i < end; i = bytes.indexOf(NEWLINE, i + 1)) count++
  return count
}

function lineCount(bytes: Uint8Array): number {
  return newlines(bytes, 0, bytes.length) + 1
}

/** Whether most of the first lines are an object each. */
function isByLine(sample: Uint8Array, whole: boolean): boolean {
  const lines = decode(sample).split('\n')
  if (!whole && lines.length > 1) lines.pop()
  const filled = lines.filter((line) => line.trim() !== '').slice(0, 20)
  const objects = filled.filter((line) => isObject(parsed(line))).length
  return objects * 2 > filled.length
}

/** A list of objects that is not a part of a record: its owner has no time, and nothing follows the owner. */
function isWrapper(sample: Uint8Array, inner: number, whole: boolean): boolean {
  const keys = [...decode(sample.subarray(0, inner)).matchAll(/"((?:[^"\\]|\\.)*)"\s*:/g)].map((m) =>
    foldName(m[1]!),
  )
  if (keys.some((key) => TIME_SYNONYMS.includes(key) || key === 'event_type')) return false
  if (!whole) return true
  const splitter = new RecordSplitter()
  const end = splitter.next(sample, 0, true)
  return !splitter.piece.object || !/\S/.test(decode(sample.subarray(end)))
}
