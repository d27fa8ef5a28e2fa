import type { Batch } from '../../schema/reading-batch.ts'
import type { ReadOptions } from '../adapter.ts'
import type { ReadReport } from '../read-report.ts'
import type { FlowWriter } from './flow-writer.ts'
import { planTable, type TablePlan } from './plan-table.ts'
import type { ReadingWriter } from './reading-writer.ts'
import { recordPlan } from './record-plan.ts'
import { rejectCell } from './reject-cell.ts'

/** Records seen before it is decided what they are. */
const SAMPLED = 1000
/** Metrics a source may have; more is data in the names. */
const MAX_METRICS = 2048

/** A record by column name. */
export interface Row {
  keys(): Iterable<string>
  get(name: string): unknown
}

/**
 * Writes records of named values (JSON, Parquet) into batches. The first records decide what the columns
 * are; a metric that comes later is added.
 */
export class RowWriter {
  readonly #name: string
  readonly #options: ReadOptions
  readonly #report: ReadReport
  #sample: { row: Row; line: number }[] | undefined = []
  #plan: TablePlan | undefined
  #writer: FlowWriter | ReadingWriter | undefined
  /** Column name of each binding. */
  #keys: string[] = []
  readonly #known = new Set<string>()
  #ready: Batch[] = []
  #scratch = Buffer.alloc(4096)

  constructor(name: string, options: ReadOptions, report: ReadReport) {
    this.#name = name
    this.#options = options
    this.#report = report
  }

  /** Takes in a record; `line` is its place for messages. */
  add(row: Row, line: number): void {
    if (this.#sample) {
      this.#sample.push({ row, line })
      if (this.#sample.length >= SAMPLED) this.#decide()
    } else this.#write(row, line)
  }

  /** The batches that are full. */
  *full(): Generator<Batch> {
    if (this.#ready.length === 0) return
    const ready = this.#ready
    this.#ready = []
    yield* ready
  }

  /** Everything not yet yielded. */
  *rest(): Generator<Batch> {
    if (this.#sample && this.#sample.length > 0) this.#decide()
    yield* this.full()
    if (this.#writer && this.#writer.length > 0) yield this.#writer.finish()
  }

  #decide(): void {
    const sample = this.#sample!
    this.#sample = undefined
    const names = [...new Set(sample.flatMap(({ row }) => [...row.keys()]))]
    const rows = sample.map(({ row }) => names.map((name) => textOf(row.get(name))))
    this.#plan = planTable({ names, rows }, this.#name, this.#options.map)
    this.#writer = this.#plan.writer(this.#name, this.#options.batchSize)
    this.#keys = this.#plan.columns.map((column) => names[column]!)
    for (const name of names) this.#known.add(name)
    recordPlan(this.#report, this.#plan)
    for (const { row, line } of sample) this.#write(row, line)
  }

  #write(row: Row, line: number): void {
    const writer = this.#writer!
    if (this.#plan!.kind === 'readings') this.#addMetrics(row)
    for (let j = 0; j < this.#keys.length; j++) {
      const value = row.get(this.#keys[j]!)
      if (typeof value === 'number' && writer.setNumber(j, value)) continue
      const text = textOf(value)
      const end = this.#encode(text)
      if (!writer.set(j, this.#scratch, 0, end)) {
        const found = text.length > 60 ? `"${text.slice(0, 60)}…"` : `"${text}"`
        rejectCell(this.#report, line, this.#keys[j]!, writer.expectation(j), found)
        return
      }
    }
    writer.next()
    this.#report.used++
    if (writer.full) this.#ready.push(writer.finish())
  }

  #encode(text: string): number {
    if (text.length * 3 > this.#scratch.length) this.#scratch = Buffer.alloc(text.length * 4)
    return this.#scratch.write(text, 0)
  }

  /** Metrics not among the first records. */
  #addMetrics(row: Row): void {
    for (const name of row.keys()) {
      if (this.#known.has(name)) continue
      const value = row.get(name)
      this.#known.add(name)
      if (typeof value !== 'number' || this.#keys.length >= MAX_METRICS) {
        this.#report.unmapped.push(name)
        if (this.#keys.length >= MAX_METRICS)
          this.#report.note(`more than ${MAX_METRICS} metrics, the rest left out`)
        continue
      }
      ;(this.#writer as ReadingWriter).addMetric(name)
      this.#keys.push(name)
      this.#report.mapping.set(name, name)
    }
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (value instanceof Date) return value.toISOString()
  return String(value)
}
