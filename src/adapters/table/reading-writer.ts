import type { ReadingBatch } from '../../schema/reading-batch.ts'
import { ByteMap, DictionaryColumn } from './byte-map.ts'
import type { CellRules } from './flow-writer.ts'
import { coarseLabel, fineLabel } from './labels.ts'
import { parseNumber } from './parse-number.ts'
import { UnsetWords } from './unset.ts'

export type ReadingField = 'ts' | 'time_of_day' | 'device' | 'label' | 'detailed_label'

/** One column of a table of readings and what it is; without a field it is a metric. */
export interface ReadingBinding {
  /** The source's name of the column, for messages. */
  readonly source: string
  readonly field?: ReadingField
  /** Name of the metric. */
  readonly metric?: string
  /** The metric is a two-valued word ('on'/'off'), read as 1/0. */
  readonly state?: boolean
  readonly time?: (bytes: Uint8Array, start: number, end: number) => number
}

const STATES = new Map<string, number>(
  [
    ['false', 'off', 'no', 'closed', 'low', 'f', 'inactive', 'normal', 'ok'],
    ['true', 'on', 'yes', 'open', 'high', 't', 'active', 'abnormal', 'fault'],
  ].flatMap((words, value) => words.map((word) => [word, value] as const)),
)

/** 1 or 0 for a word of a two-valued state, NaN for any other word. */
export function stateValue(text: string): number {
  const number = Number(text)
  if (text !== '' && (number === 0 || number === 1)) return number
  return STATES.get(text.trim().toLowerCase()) ?? Number.NaN
}

interface Cell {
  readonly binding: ReadingBinding
  floats: Float64Array
  readonly column?: DictionaryColumn
  readonly detail?: DictionaryColumn
  readonly states?: ByteMap<number>
}

/** Writes cells into the columns of reading batches; used like FlowWriter. */
export class ReadingWriter {
  readonly capacity: number
  length = 0
  readonly #cells: Cell[] = []
  readonly #unset: UnsetWords
  readonly #rules: CellRules
  readonly #source: string

  constructor(bindings: readonly ReadingBinding[], rules: CellRules, source: string, capacity = 8192) {
    this.capacity = capacity
    this.#unset = new UnsetWords(rules.unset)
    this.#rules = rules
    this.#source = source
    const hasDetail = bindings.some((b) => b.field === 'detailed_label')
    for (const binding of bindings) this.#cells.push(this.#cell(binding, hasDetail))
  }

  get full(): boolean {
    return this.length === this.capacity
  }

  #cell(binding: ReadingBinding, hasDetail: boolean): Cell {
    const floats = new Float64Array(0)
    const labels = { harmful: 'anomaly', ...this.#rules.labels }
    const dictionary = (convert: (text: string) => string) =>
      new DictionaryColumn(this.capacity, (text) =>
        text === '' || this.#rules.unset.includes(text) ? '' : convert(text),
      )
    switch (binding.field) {
      case 'device':
        return { binding, floats, column: dictionary((text) => text.trim()) }
      case 'label': {
        const column = dictionary((text) => coarseLabel(text, labels))
        return hasDetail
          ? { binding, floats, column }
          : { binding, floats, column, detail: dictionary((text) => fineLabel(text, labels)) }
      }
      case 'detailed_label':
        return { binding, floats, column: dictionary((text) => fineLabel(text, labels)) }
      default:
        return {
          binding,
          floats: this.#emptyFloats(),
          ...(binding.state ? { states: new ByteMap(stateValue) } : {}),
        }
    }
  }

  /** NaN until written: a row may lack a metric. */
  #emptyFloats(): Float64Array {
    return new Float64Array(this.capacity).fill(Number.NaN)
  }

  /** Adds a metric first seen late, NaN in the rows so far; returns the number of its binding. */
  addMetric(name: string): number {
    return this.#cells.push(this.#cell({ source: name, metric: name }, false)) - 1
  }

  /** Writes the cell of binding `j` in the current row; false when it is not what the field expects. */
  set(j: number, bytes: Uint8Array, start: number, end: number): boolean {
    const cell = this.#cells[j]!
    const row = this.length
    if (cell.column) {
      cell.detail?.set(row, bytes, start, end)
      return cell.column.set(row, bytes, start, end)
    }
    let value: number
    if (cell.binding.time) value = cell.binding.time(bytes, start, end)
    else if (cell.states) value = cell.states.values[cell.states.entry(bytes, start, end)]!
    else value = parseNumber(bytes, start, end)
    cell.floats[row] = value
    if (Number.isFinite(value)) return true
    return Number.isNaN(value) && this.#unset.has(bytes, start, end)
  }

  /** Writes a number as {@link set} writes its digits; false when the field is none of numbers or refuses it. */
  setNumber(j: number, value: number): boolean {
    const cell = this.#cells[j]!
    if (cell.column || cell.states || cell.binding.time || !Number.isFinite(value)) return false
    cell.floats[this.length] = value
    return true
  }

  /** What binding `j` expects, for messages. */
  expectation(j: number): string {
    const { binding } = this.#cells[j]!
    if (binding.time || binding.field === 'ts') return 'a time'
    return binding.state ? 'one of its two states' : 'a number'
  }

  next(): void {
    this.length++
  }

  /** The rows so far as a batch; the writer goes on with an empty one. */
  finish(): ReadingBatch {
    const n = this.length
    const of = (field: ReadingField) => this.#cells.find((c) => c.binding.field === field)
    const label = of('label')
    const detailed = of('detailed_label')?.column ?? label?.detail
    const timeOfDay = of('time_of_day')?.floats
    const ts = of('ts')?.floats ?? new Float64Array(n).fill(Number.NaN)
    if (timeOfDay) for (let i = 0; i < n; i++) ts[i]! += timeOfDay[i]!
    const batch: ReadingBatch = {
      kind: 'readings',
      length: n,
      ts: ts.subarray(0, n),
      device: of('device')?.column?.finish(n) ?? { codes: new Uint32Array(n), values: [this.#source] },
      metrics: new Map(
        this.#cells
          .filter((c) => c.binding.metric !== undefined)
          .map((c) => [c.binding.metric!, c.floats.subarray(0, n)]),
      ),
      ...(label ? { label: label.column!.finish(n) } : {}),
      ...(detailed ? { detailed_label: detailed.finish(n) } : {}),
    }
    for (const cell of this.#cells) if (!cell.column) cell.floats = this.#emptyFloats()
    this.length = 0
    return batch
  }
}
