import { InputError } from '../read-report.ts'
import { canonicalAddress } from './address.ts'
import { type Dialect, type DialectColumn, foldName } from './dialect.ts'
import { dialects } from './dialects/index.ts'
import { type CellRules, FLOW_FIELDS, type FlowBinding, type FlowField, FlowWriter } from './flow-writer.ts'
import { parseNumber } from './parse-number.ts'
import { type ReadingBinding, type ReadingField, ReadingWriter, stateValue } from './reading-writer.ts'
import {
  DETAIL_SYNONYMS,
  DEVICE_SYNONYMS,
  DURATION_SYNONYMS,
  END_SYNONYMS,
  FLOW_SYNONYMS,
  LABEL_SYNONYMS,
  ROW_NUMBERS,
  TIME_SYNONYMS,
  TRUTH_MARKS,
} from './synonyms.ts'
import { looksLikeEpoch, parseClock, recogniseClock, recogniseTime, type TimeFormat } from './time-format.ts'
import { UNSET_WORDS } from './unset.ts'
import { serviceWord } from './words.ts'

/** A table before it is read: its column names and some of its rows as text. */
export interface TableSample {
  readonly names: readonly string[]
  /** Rows of cells, at most a few thousand; a missing cell is ''. */
  readonly rows: readonly (readonly string[])[]
}

/** What becomes of a table: the kind of record and what each column is. */
export interface TablePlan {
  readonly kind: 'flows' | 'readings'
  readonly dialect: string
  /** Which column each binding reads. */
  readonly columns: readonly number[]
  readonly bindings: readonly FlowBinding[] | readonly ReadingBinding[]
  readonly rules: CellRules
  readonly notes: readonly string[]
  readonly unmapped: readonly string[]
  readonly endsAt?: string
  /** Makes the writer for these bindings; `source` is the device of readings without one. */
  writer(source: string, batchSize?: number): FlowWriter | ReadingWriter
}

/**
 * Decides what a table is: a known dialect, flows by the names of its columns, or readings.
 *
 * @param map standard field -> column, from the user; goes before everything else
 * @throws InputError when `map` names a column that is not there, or no column can be used
 */
export function planTable(
  sample: TableSample,
  source: string,
  map: Readonly<Record<string, string>> = {},
): TablePlan {
  const table = new Table(sample, source, map)
  const flowKeys = Object.keys(map).filter((key) => FLOW_ONLY.has(key))
  const readingKeys = Object.keys(map).filter((key) => key === 'device')
  if (flowKeys.length > 0 && readingKeys.length > 0)
    throw new InputError(
      `the map names both ${flowKeys[0]} (of flows) and device (of readings); a table is one or the other`,
    )
  if (readingKeys.length > 0) return table.readings()
  const dialect = dialects.find((d) => isDialect(d, table.folded))
  if (dialect) return table.flows(dialect)
  if (flowKeys.length > 0 || table.looksLikeFlows()) return table.flows()
  return table.readings()
}

const SHARED_KEYS = new Set(['ts', 'time_of_day', 'label', 'detailed_label'])
const FLOW_ONLY: ReadonlySet<string> = new Set(FLOW_FIELDS.filter((field) => !SHARED_KEYS.has(field)))

export function isDialect(dialect: Dialect, folded: readonly string[]): boolean {
  return dialect.recognise.every((name) =>
    typeof name === 'string' ? folded.includes(name) : name.some((n) => folded.includes(n)),
  )
}

class Table {
  readonly folded: readonly string[]
  readonly #names: readonly string[]
  readonly #rows: TableSample['rows']
  readonly #source: string
  /** Column -> field or metric the user asked for. */
  readonly #mapped = new Map<number, string>()
  readonly #notes: string[] = []

  constructor({ names, rows }: TableSample, source: string, map: Readonly<Record<string, string>>) {
    const seen = new Map<string, number>()
    this.#names = names.map((name) => {
      const again = seen.get(name) ?? 0
      seen.set(name, again + 1)
      return again === 0 ? name : `${name}.${again}`
    })
    this.folded = this.#names.map(foldName)
    this.#rows = rows
    this.#source = source
    for (const [field, name] of Object.entries(map)) {
      const exact = this.#names.indexOf(name)
      const column = exact >= 0 ? exact : this.folded.indexOf(foldName(name))
      if (column < 0)
        throw new InputError(
          `${source} has no column "${name}" (mapped to ${field}); it has ${this.#names.join(', ')}`,
        )
      this.#mapped.set(column, field)
    }
  }

  /** Cells of a column that hold something. */
  #cells(column: number, unset: readonly string[] = UNSET_WORDS): string[] {
    const cells: string[] = []
    for (const row of this.#rows) {
      const cell = row[column]?.trim() ?? ''
      if (cell !== '' && !unset.includes(cell)) cells.push(cell)
    }
    return cells
  }

  #find(names: readonly string[]): number {
    for (const name of names) {
      const column = this.folded.indexOf(name)
      if (column >= 0 && !this.#mapped.has(column)) return column
    }
    return -1
  }

  /** Both ends, or what only flows have: a port or protocol together with an amount. */
  looksLikeFlows(): boolean {
    const has = (field: FlowField) => this.#find(FLOW_SYNONYMS[field] ?? []) >= 0
    if (has('orig_h') && has('resp_h')) return this.#namesHosts()
    const ends = (['orig_p', 'resp_p', 'proto', 'service', 'conn_state'] as const).filter(has)
    const amounts = (['orig_bytes', 'resp_bytes', 'orig_pkts', 'resp_pkts', 'total_bytes'] as const).filter(
      has,
    )
    return ends.length + amounts.length >= 3 && amounts.length > 0 && (has('resp_p') || has('proto'))
  }

  /** `source` and `destination` of addresses or names, not of numbers. */
  #namesHosts(): boolean {
    const cells = this.#cells(this.#find(FLOW_SYNONYMS.orig_h!))
    return cells.length === 0 || cells.some((cell) => Number.isNaN(Number(cell)))
  }

  flows(dialect?: Dialect): TablePlan {
    const bindings = new Map<number, FlowBinding>()
    const taken = new Set<FlowField>()
    const bind = (column: number, spec: DialectColumn) => {
      if (column < 0 || bindings.has(column) || taken.has(spec.field)) return
      const binding = this.#flowBinding(column, spec)
      if (!binding) return
      taken.add(spec.field)
      bindings.set(column, binding)
    }
    for (const [column, name] of this.#mapped) {
      const field = FLOW_FIELDS.find((f) => f === name)
      if (field)
        bind(column, { field, ...(HOSTS.has(field) ? { anyAddress: this.#namesDevices(column) } : {}) })
      else {
        this.#needNumbers(column, name, FLOW_FIELDS)
        bindings.set(column, { source: name })
      }
    }
    if (dialect) {
      // In the dialect's order: where two columns are the same field, the one it names first is taken.
      for (const [name, spec] of Object.entries(dialect.columns))
        bind(this.folded.indexOf(name), typeof spec === 'string' ? { field: spec } : spec)
    } else this.#bindBySynonyms(bind)
    const skip = new Set(dialect?.skip ?? [])
    const unset = [...UNSET_WORDS, ...(dialect?.unset ?? [])]
    this.folded.forEach((name, column) => {
      if (bindings.has(column) || skip.has(name) || ROW_NUMBERS.test(name) || TRUTH_MARKS.includes(name))
        return
      if (LABEL_SYNONYMS.includes(name) || DETAIL_SYNONYMS.includes(name)) return
      if (this.#isFurtherTime(column)) return
      if (this.#isNumeric(column, unset)) bindings.set(column, { source: this.#names[column]!.trim() })
      else if (!dialect) this.#noteMixture(column)
    })
    if (dialect?.note) this.#notes.push(dialect.note)
    this.#noteTotals(taken)
    return this.#plan('flows', dialect?.name ?? '', bindings, { unset, ...rulesOf(dialect) }, dialect?.endsAt)
  }

  /** Tells of totals that nothing divides between the two ends. */
  #noteTotals(taken: ReadonlySet<FlowField>): void {
    const undivided = TOTALS.filter(
      ([total, orig, resp]) => taken.has(total) && !taken.has(orig) && !taken.has(resp),
    ).map(([, orig]) => orig)
    if (undivided.length > 0)
      this.#notes.push(`${undivided.join(' and ')} count both directions: the input has only their sum`)
  }

  #flowBinding(
    column: number,
    { field, factor, word, anyAddress, correct }: DialectColumn,
  ): FlowBinding | undefined {
    const source = this.#names[column]!.trim()
    const cells = this.#cells(column)
    if (field === 'time_of_day') return { source, field, time: parseClock }
    if (field === 'ts' || field === 'end') {
      const format = recogniseTime(cells) ?? recogniseClock(cells)
      if (!format) {
        if (cells.length > 0) this.#notes.push(`column ${source} holds no times, left out: "${cells[0]}"`)
        return undefined
      }
      this.#notes.push(...format.notes)
      return { source, field, time: correct ? this.#corrected(format, cells, correct) : format.parse }
    }
    const times = typeof factor === 'function' ? factor(cells) : factor
    return {
      source,
      field,
      ...(times !== undefined && times !== 1 ? { factor: times } : {}),
      ...(word ? { word } : {}),
      ...(anyAddress ? { anyAddress } : {}),
    }
  }

  #corrected(
    { parse }: TimeFormat,
    cells: readonly string[],
    { time, note }: NonNullable<DialectColumn['correct']>,
  ): TimeFormat['parse'] {
    const wrong = cells.some((cell) => {
      const bytes = Buffer.from(cell)
      const seconds = parse(bytes, 0, bytes.length)
      return !Number.isNaN(seconds) && time(seconds) !== seconds
    })
    if (wrong) this.#notes.push(note)
    return (bytes, start, end) => time(parse(bytes, start, end))
  }

  #bindBySynonyms(bind: (column: number, spec: DialectColumn) => void): void {
    const time = this.#timeColumn(this.#named(TIME_SYNONYMS)) ?? this.#find(TIME_SYNONYMS)
    bind(time, { field: 'ts' })
    bind(this.#clockBeside(time), { field: 'time_of_day' })
    bind(this.#find(END_SYNONYMS), { field: 'end' })
    for (const [name, factor] of Object.entries(DURATION_SYNONYMS))
      bind(this.#find([name]), { field: 'duration', factor })
    for (const [field, names] of Object.entries(FLOW_SYNONYMS) as [FlowField, readonly string[]][]) {
      const column = this.#find(names)
      if (HOSTS.has(field)) bind(column, { field, anyAddress: this.#namesDevices(column) })
      else if (field === 'service') bind(column, { field, word: serviceWord })
      else bind(column, { field })
    }
    const label = this.#find(LABEL_SYNONYMS)
    bind(label, { field: 'label' })
    const detail = this.#find(DETAIL_SYNONYMS.filter((name) => this.folded.indexOf(name) !== label))
    if (label >= 0 && detail >= 0 && !this.#isNumeric(detail)) bind(detail, { field: 'detailed_label' })
    else if (label < 0) bind(this.#find(STRICT_DETAILS), { field: 'label' })
  }

  /** Whether a column of hosts has names rather than addresses. */
  #namesDevices(column: number): boolean {
    const cells = column < 0 ? [] : this.#cells(column)
    const addresses = cells.filter((cell) => canonicalAddress(cell) !== undefined).length
    return addresses * 2 < cells.length
  }

  #isNumeric(column: number, unset: readonly string[] = UNSET_WORDS): boolean {
    const cells = this.#cells(column, unset)
    const numbers = cells.filter((cell) => {
      const bytes = Buffer.from(cell)
      return !Number.isNaN(parseNumber(bytes, 0, bytes.length))
    }).length
    if (cells.length === 0) return this.#rows.some((row) => NOT_FINITE.test(row[column] ?? ''))
    return numbers > 0 && numbers >= cells.length * 0.9
  }

  /** What is to be predicted, as tables for learning name it: 0 and 1, not a coordinate beside x. */
  #isTarget(name: string): boolean {
    const column = this.folded.indexOf(name)
    const values = new Set(this.#cells(column).map(Number))
    return values.size === 2 && values.has(0) && values.has(1) && !this.folded.includes('x')
  }

  /** Two words of a state such as on/off. */
  #isState(column: number): boolean {
    const cells = new Set(this.#cells(column))
    return cells.size > 0 && cells.size <= 4 && [...cells].every((cell) => !Number.isNaN(stateValue(cell)))
  }

  readings(): TablePlan {
    const bindings = new Map<number, ReadingBinding>()
    const bind = (column: number, field: ReadingField, time?: ReadingBinding['time']) => {
      if (column >= 0 && !bindings.has(column) && ![...bindings.values()].some((b) => b.field === field))
        bindings.set(column, { source: this.#names[column]!.trim(), field, ...(time ? { time } : {}) })
    }
    for (const [column, name] of this.#mapped) {
      if (name === 'ts') this.#bindTime(column, bind)
      else if (name === 'device' || name === 'label' || name === 'detailed_label') bind(column, name)
      else {
        this.#needNumbers(column, name, ['ts', 'device', 'label', 'detailed_label', ...FLOW_FIELDS])
        bindings.set(column, { source: this.#names[column]!.trim(), metric: name })
      }
    }
    if (![...bindings.values()].some((b) => b.field === 'ts')) {
      const dated = this.folded.flatMap((_, column) => (this.#isNumeric(column) ? [] : [column]))
      const time = this.#timeColumn([...this.#named(TIME_SYNONYMS), ...dated])
      if (time !== undefined) this.#bindTime(time, bind)
    }
    for (const name of DEVICE_SYNONYMS) {
      const column = this.#find([name])
      if (column >= 0 && this.#repeats(column)) bind(column, 'device')
    }
    const named = this.#find(LABEL_SYNONYMS)
    const label = named >= 0 ? named : this.#find(TARGETS.filter((name) => this.#isTarget(name)))
    bind(label, 'label')
    const detail = this.#find(DETAIL_SYNONYMS)
    if (label >= 0 && detail >= 0 && !this.#isNumeric(detail)) bind(detail, 'detailed_label')
    else if (label < 0) bind(this.#find(STRICT_DETAILS), 'label')
    this.folded.forEach((name, column) => {
      if (bindings.has(column) || ROW_NUMBERS.test(name) || TRUTH_MARKS.includes(name)) return
      if (LABEL_SYNONYMS.includes(name) || STRICT_DETAILS.includes(name)) return
      const source = this.#names[column]!.trim()
      if (name === 'id' && this.#isNumeric(column)) return
      if (this.#isFurtherTime(column)) return
      if (this.#isNumeric(column)) bindings.set(column, { source, metric: source })
      else if (this.#isState(column)) bindings.set(column, { source, metric: source, state: true })
      else this.#noteMixture(column)
    })
    if (![...bindings.values()].some((b) => b.metric !== undefined))
      throw new InputError(
        `${this.#source} has no numeric column to score; its columns are ${shortList(this.#names)}. ${this.#notes.map((note) => `${note}. `).join('')}` +
          'Give a table with numbers, or say which column is what with --map',
      )
    return this.#plan('readings', '', bindings, { unset: UNSET_WORDS })
  }

  /** A column the user gave a name of his own is a number; a misspelt field is not. */
  #needNumbers(column: number, name: string, fields: readonly string[]): void {
    if (this.#isNumeric(column)) return
    throw new InputError(
      `${this.#source} column ${this.#names[column]} is mapped to "${name}", which is none of the fields ` +
        `${[...new Set(fields)].join(', ')}, and holds no numbers: "${this.#cells(column)[0] ?? ''}"; correct the map`,
    )
  }

  /** The columns of these names, in the order of the names. */
  #named(names: readonly string[]): number[] {
    return names.flatMap((name) => {
      const column = this.#find([name])
      return column >= 0 ? [column] : []
    })
  }

  /** The first of `columns` that holds times: full ones, else times of day. */
  #timeColumn(columns: readonly number[]): number | undefined {
    return (
      columns.find((column) => recogniseTime(this.#cells(column))) ??
      columns.find((column) => recogniseClock(this.#cells(column)))
    )
  }

  /** The column of times of day beside one of dates without; -1 when there is none. */
  #clockBeside(date: number): number {
    if (this.folded[date] !== 'date' || this.#cells(date).some((cell) => cell.includes(':'))) return -1
    return this.folded.indexOf('time')
  }

  /** Binds `column` as the time, and a column of times of day beside a date. */
  #bindTime(
    column: number,
    bind: (column: number, field: ReadingField, time: ReadingBinding['time']) => void,
  ): void {
    const cells = this.#cells(column)
    const format = recogniseTime(cells) ?? recogniseClock(cells)
    if (!format)
      throw new InputError(
        `${this.#source} column ${this.#names[column]} is mapped to ts but holds no times: "${cells[0] ?? ''}"`,
      )
    this.#notes.push(...format.notes)
    bind(column, 'ts', format.parse)
    bind(this.#clockBeside(column), 'time_of_day', parseClock)
  }

  /** Times besides the one of the record: they only grow, so every later one would seem unusual. */
  #isFurtherTime(column: number): boolean {
    return TIME_NAME.test(this.folded[column]!) && looksLikeEpoch(this.#cells(column).map(Number))
  }

  /** Tells of a column of words and numbers, which is left out. */
  #noteMixture(column: number): void {
    const cells = this.#cells(column)
    const words = cells.filter((cell) => Number.isNaN(Number(cell)))
    if (words.length >= cells.length * 0.9 || words.length <= cells.length * 0.1) return
    this.#notes.push(
      `column ${this.#names[column]!.trim()} is left out: ${words.length} of ${cells.length} sampled cells are no ` +
        `numbers, such as "${words[0]!.slice(0, 40)}"`,
    )
  }

  /** Whether values come more than once, as a device's name does and a row number does not. */
  #repeats(column: number): boolean {
    const cells = this.#cells(column)
    if (cells.length < 20) return this.folded[column] !== 'name' || cells.length > 0
    return new Set(cells).size <= cells.length / 2
  }

  #plan(
    kind: 'flows' | 'readings',
    dialect: string,
    found: ReadonlyMap<number, FlowBinding | ReadingBinding>,
    rules: CellRules,
    endsAt?: string,
  ): TablePlan {
    const columns = [...found.keys()].sort((a, b) => a - b)
    const bindings = columns.map((column) => found.get(column)!)
    return {
      kind,
      dialect,
      columns,
      bindings: bindings as TablePlan['bindings'],
      rules,
      notes: [...new Set(this.#notes)],
      unmapped: this.#names.filter((_, column) => !found.has(column)).map((name) => name.trim()),
      ...(endsAt ? { endsAt } : {}),
      writer: (source, batchSize = 8192) => {
        const rows = Math.min(batchSize, Math.max(64, Math.floor(BATCH_CELLS / columns.length)))
        return kind === 'flows'
          ? new FlowWriter(bindings as readonly FlowBinding[], rules, rows)
          : new ReadingWriter(bindings as readonly ReadingBinding[], rules, source, rows)
      },
    }
  }
}

/** Names of times. */
const TIME_NAME = /(^|_)(time|times|date|datetime|timestamp|ts|epoch|seen|stime|ltime|utc)(_|$)|_at$/

/** What only a column of numbers holds. */
const NOT_FINITE = /^\s*[+-]?(nan|inf|infinity)\s*$/i

/** Cells a batch holds at most, so that very wide tables stay small in memory. */
const BATCH_CELLS = 1 << 22

/** Names of the ground truth only where a column holds nothing but 0 and 1. */
const TARGETS: readonly string[] = ['y', 'target', 'outcome']

const TOTALS = [
  ['total_pkts', 'orig_pkts', 'resp_pkts'],
  ['total_bytes', 'orig_bytes', 'resp_bytes'],
  ['total_ip_bytes', 'orig_ip_bytes', 'resp_ip_bytes'],
] as const

const HOSTS: ReadonlySet<FlowField> = new Set(['orig_h', 'resp_h'])
const STRICT_DETAILS = DETAIL_SYNONYMS.filter((name) => name.includes('attack') || name.includes('label'))

function rulesOf({ labels, noFlow }: Partial<Dialect> = {}): Omit<CellRules, 'unset'> {
  return { ...(labels ? { labels } : {}), ...(noFlow ? { noFlow } : {}) }
}

/** Names for a message, cut where they get long. */
function shortList(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  return names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length})` : names.join(', ')
}
