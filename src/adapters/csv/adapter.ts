import type { Batch } from '../../schema/reading-batch.ts'
import type { Adapter, ReadOptions } from '../adapter.ts'
import { InputError, type ReadReport } from '../read-report.ts'
import { asUtf8, headAsUtf8 } from '../table/encoding.ts'
import { planTable, type TablePlan } from '../table/plan-table.ts'
import { recordPlan } from '../table/record-plan.ts'
import { nothingUsed, rejectCell, rejectWidth, shown } from '../table/reject-cell.ts'
import { type Window, windows } from '../table/windows.ts'
import { DecimalComma } from './decimal-comma.ts'
import { MAX_ROW, RowSplitter } from './row-splitter.ts'
import { type Layout, sniff } from './sniff.ts'

/** Bytes from which delimiter, columns and formats are told; the same however the source is cut into chunks. */
const SAMPLE_SIZE = 1 << 18

export const csvAdapter: Adapter = {
  name: 'csv',
  description: 'delimited text (comma, semicolon, tab, bar or space), with or without header',
  accepts(head) {
    const text = headAsUtf8(head)
    if (/^\s*(<(!doctype|html|\?xml|!--)|\[\s*\[)/i.test(new TextDecoder().decode(text.subarray(0, 256))))
      return false
    // A first row longer than the head is judged by as much of it as there is.
    return sniff(text, text.length < 32_768 || !text.includes(10)) !== undefined
  },
  async *read(source, options, report) {
    report.unit = 'rows'
    let reader: CsvReader | undefined
    for await (const window of windows(asUtf8(source.bytes()))) {
      if (!reader) {
        if (window.bytes.length < SAMPLE_SIZE && !window.final) continue
        reader = new CsvReader(window, source.name, options, report)
      }
      yield* reader.batches(window)
    }
    yield* reader!.rest()
  },
}

class CsvReader {
  readonly #report: ReadReport
  readonly #name: string
  readonly #layout: Layout
  readonly #plan: TablePlan
  readonly #writer: ReturnType<TablePlan['writer']>
  readonly #splitter: RowSplitter
  readonly #width: number
  readonly #comma: DecimalComma | undefined
  #line = 1
  #headerPassed: boolean
  #ended = false

  constructor(window: Window, name: string, options: ReadOptions, report: ReadReport) {
    this.#report = report
    this.#name = name
    const sample = window.bytes.subarray(0, SAMPLE_SIZE)
    const layout = sniff(sample, window.final && window.bytes.length < SAMPLE_SIZE)
    if (!layout)
      throw new InputError(
        window.bytes.length === 0
          ? `${name} is empty; expects rows`
          : `${name} is not delimited text: no comma, semicolon, tab, bar or space gives rows of one width; ` +
              'check the file, or name another adapter',
      )
    if (layout.rows.length === 0)
      throw new InputError(`${name} has a header but no rows; expects at least one`)
    this.#layout = layout
    this.#plan = planTable(layout, name, options.map)
    this.#writer = this.#plan.writer(name, options.batchSize)
    this.#splitter = new RowSplitter(layout.delimiter)
    this.#width = layout.names.length
    this.#comma = layout.decimalComma ? new DecimalComma() : undefined
    this.#headerPassed = !layout.header
    recordPlan(report, this.#plan)
    for (const note of layout.notes) report.note(note)
  }

  *batches(window: Window): Generator<Batch> {
    const { bytes } = window
    const splitter = this.#splitter
    let at = window.start
    while (at < bytes.length) {
      const next = splitter.next(bytes, at, window.final)
      if (next < 0) break
      if (!this.#ended) this.#row(bytes)
      this.#line += splitter.lines
      at = next
      if (this.#writer.full) yield this.#writer.finish()
    }
    window.start = at
  }

  #row(bytes: Uint8Array): void {
    const { starts, ends, count, broken } = this.#splitter
    const report = this.#report
    if (broken) {
      report.reject('row does not end', {
        place: `${this.#name}:${this.#line}`,
        message: `expects a row of at most ${MAX_ROW} bytes with its quotes closed; correct or remove it`,
      })
      return
    }
    if (count === 0 || (count === 1 && starts[0] === ends[0])) return // an empty line is no row
    if (!this.#headerPassed) {
      this.#headerPassed = true
      return
    }
    const { endsAt } = this.#plan
    if (endsAt && count < this.#width && shown(bytes, starts[0]!, ends[0]!) === `"${endsAt}"`) {
      this.#ended = true
      report.note(`the table ends at line ${this.#line} with "${endsAt}"`)
      return
    }
    const width = this.#width
    // A delimiter at the end of a row, or an empty last column left out.
    const trailing = count === width + 1 && starts[width] === ends[width]
    if (count !== width && !trailing) {
      rejectWidth(report, this.#line, width, count)
      return
    }
    const { columns } = this.#plan
    const writer = this.#writer
    for (let j = 0; j < columns.length; j++) {
      const from = starts[columns[j]!]!
      const to = ends[columns[j]!]!
      const length = this.#comma ? this.#comma.convert(bytes, from, to) : -1
      const fits = length < 0 ? writer.set(j, bytes, from, to) : writer.set(j, this.#comma!.bytes, 0, length)
      if (!fits) {
        const column = this.#layout.names[columns[j]!]!.trim()
        rejectCell(report, this.#line, column, writer.expectation(j), shown(bytes, from, to))
        return
      }
    }
    writer.next()
    report.used++
  }

  *rest(): Generator<Batch> {
    if (this.#writer.length > 0) yield this.#writer.finish()
    nothingUsed(this.#report)
  }
}
