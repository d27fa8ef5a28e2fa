import type { FlowBatch } from '../../schema/flow-batch.ts'
import type { ReadOptions } from '../adapter.ts'
import { InputError, type ReadReport } from '../read-report.ts'
import type { Source } from '../source.ts'
import { FastLine, MAX_LINE } from '../table/fast-line.ts'
import { FlowWriter } from '../table/flow-writer.ts'
import { nothingUsed, rejectCell, rejectWidth, shown } from '../table/reject-cell.ts'
import type { Window } from '../table/windows.ts'
import { DEFAULT_FIELDS, TAIL_SEPARATOR, ZeekHeader } from './header.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13
const HASH = 35

/** State of reading one source: the header in force, where each wanted field is, the rows so far. */
export class ZeekReader {
  readonly #header = new ZeekHeader()
  readonly #options: ReadOptions
  readonly #report: ReadReport
  readonly #name: string
  #writer: FlowWriter | undefined
  /** Column of each binding. */
  #columns = new Int32Array(0)
  #width = 0
  /** Reads plain lines; absent where fields are joined by more than the separator. */
  #fast: FastLine | undefined
  #starts = new Int32Array(0)
  #ends = new Int32Array(0)
  #line = 0
  /** Inside a line that is too long, waiting for its end. */
  #skipping = false

  constructor(source: Source, options: ReadOptions, report: ReadReport) {
    this.#options = options
    this.#report = report
    this.#name = source.name
  }

  /** Reads the complete lines of `window`, yielding every full batch. */
  *batches(window: Window): Generator<FlowBatch> {
    const { bytes } = window
    // Where the last whole line ends.
    const whole = bytes.lastIndexOf(NEWLINE) + 1
    let start = 0
    while (start < bytes.length) {
      if (this.#fast && !this.#skipping) {
        start = this.#fast.readLines(bytes, start, whole)
        this.#line += this.#fast.lines
        this.#report.used += this.#fast.lines
        if (this.#writer!.full) {
          yield this.#writer!.finish()
          continue
        }
        if (start === bytes.length) break
      }
      let end = bytes.indexOf(NEWLINE, start)
      if (end < 0) {
        if (!window.final) {
          if (bytes.length - start > MAX_LINE) {
            this.#skipping = true
            start = bytes.length
          }
          break
        }
        end = bytes.length
      }
      const done = this.#carefully(bytes, start, end)
      if (done) yield done
      start = end + 1
    }
    window.start = Math.min(start, bytes.length)
  }

  /** Reads one line of any kind; returns a batch that is full or ended by a new header. */
  #carefully(bytes: Uint8Array, start: number, end: number): FlowBatch | undefined {
    this.#line++
    let stop = end
    if (stop > start && bytes[stop - 1] === CARRIAGE_RETURN) stop--
    if (this.#skipping || stop - start > MAX_LINE) this.#tooLong()
    else if (bytes[start] === HASH)
      return this.#directive(new TextDecoder().decode(bytes.subarray(start, stop)))
    else if (stop > start) {
      this.#row(bytes, start, stop)
      if (this.#writer!.full) return this.#writer!.finish()
    }
    return undefined
  }

  #tooLong(): void {
    this.#skipping = false
    this.#report.reject('line too long', {
      place: `${this.#name}:${this.#line}`,
      message: `expects a log line, got one of more than ${MAX_LINE} bytes; check that the file is a log`,
    })
  }

  /** A new layout ends the batch under the old one. */
  #directive(line: string): FlowBatch | undefined {
    if (!this.#header.directive(line)) return undefined
    const { path } = this.#header
    if (path !== '' && path !== 'conn')
      throw new InputError(
        `${this.#name}:${this.#line} expects Zeek's conn.log, got the log of "${path}"; give conn.log instead`,
      )
    const done = this.rest()
    this.#layout()
    return done
  }

  #layout(): void {
    const bound = this.#header.bindings()
    const have = new Set(bound.map((b) => b.binding.field))
    const missing = (['ts', 'orig_h', 'resp_h'] as const).filter((f) => !have.has(f))
    if (missing.length > 0)
      throw new InputError(
        `${this.#name}:${this.#line} expects the fields of conn.log, ${missing.join(', ')} missing among ` +
          `${this.#header.fields.join(', ')}; give conn.log, or read it with --adapter csv and --map`,
      )
    this.#columns = Int32Array.from(bound, (b) => b.column)
    this.#width = this.#header.fields.length
    this.#starts = new Int32Array(this.#width)
    this.#ends = new Int32Array(this.#width)
    this.#writer = new FlowWriter(
      bound.map((b) => b.binding),
      { unset: [this.#header.unsetField, this.#header.emptyField] },
      this.#options.batchSize,
    )
    this.#fast =
      this.#header.tail === 1
        ? new FastLine(
            this.#writer,
            this.#columns,
            this.#width,
            this.#header.separator,
            this.#header.unsetField === '-',
          )
        : undefined
    const report = this.#report
    report.dialect = have.has('label') ? 'IoT-23' : 'conn.log'
    const used = new Set(bound.map((b) => b.column))
    for (const { binding } of bound) report.mapping.set(binding.field!, binding.source)
    this.#header.fields.forEach((field, column) => {
      if (!used.has(column) && !report.unmapped.includes(field)) report.unmapped.push(field)
    })
  }

  /** No header: the default fields, as many as the first line has. */
  #assumeLayout(bytes: Uint8Array, start: number, end: number): void {
    const cells = new TextDecoder().decode(bytes.subarray(start, end)).split('\t')
    const tail = cells.at(-1)!.split(TAIL_SEPARATOR).length
    const width = cells.length - 1 + tail
    const names = DEFAULT_FIELDS.slice(0, width)
    this.#header.setFields(
      tail > 1 ? [...names.slice(0, width - tail), names.slice(width - tail).join(TAIL_SEPARATOR)] : names,
    )
    this.#report.note("no #fields header, taken as Zeek's default conn.log fields")
    this.#layout()
  }

  #row(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#writer) this.#assumeLayout(bytes, start, end)
    const writer = this.#writer!
    const found = this.#split(bytes, start, end)
    if (found !== this.#width) {
      rejectWidth(this.#report, this.#line, this.#width, found)
      return
    }
    const columns = this.#columns
    for (let j = 0; j < columns.length; j++) {
      const from = this.#starts[columns[j]!]!
      const to = this.#ends[columns[j]!]!
      if (!writer.set(j, bytes, from, to)) {
        const field = this.#header.fields[columns[j]!]!
        rejectCell(this.#report, this.#line, field, writer.expectation(j), shown(bytes, from, to))
        return
      }
    }
    writer.next()
    this.#report.used++
  }

  /** Finds the cells of a line; returns how many there are (only as many as the header has are kept). */
  #split(bytes: Uint8Array, start: number, end: number): number {
    const { separator, tail } = this.#header
    const starts = this.#starts
    const ends = this.#ends
    const last = this.#width - 1
    let n = 0
    let from = start
    for (let i = start; i < end; i++) {
      if (bytes[i] !== separator) continue
      if (n < last) {
        starts[n] = from
        ends[n] = i
      }
      n++
      from = i + 1
    }
    for (let left = tail - 1; left > 0; left--) {
      let i = from
      while (i + 2 < end && !(bytes[i] === 32 && bytes[i + 1] === 32 && bytes[i + 2] === 32)) i++
      if (i + 2 >= end) break
      if (n < last) {
        starts[n] = from
        ends[n] = i
      }
      n++
      from = i + 3
    }
    if (n <= last) {
      starts[n] = from
      ends[n] = end
    }
    return n + 1
  }

  /** The rows not yet yielded. */
  rest(): FlowBatch | undefined {
    return this.#writer && this.#writer.length > 0 ? this.#writer.finish() : undefined
  }

  /** Throws when nothing could be used. */
  check(): void {
    const report = this.#report
    if (this.#skipping) {
      this.#line++
      this.#tooLong()
    }
    if (report.used > 0) return
    if (report.rejected === 0)
      throw new InputError(`${this.#name} has a header but no rows; expects at least one connection`)
    nothingUsed(report)
  }
}
