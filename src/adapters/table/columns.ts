import { InputError } from '../read-report.ts'
import { canonicalAddress } from './address.ts'
import { foldName } from './dialect.ts'
import { parseNumber } from './parse-number.ts'
import { stateValue } from './reading-writer.ts'
import { looksLikeEpoch, recogniseClock, recogniseTime } from './time-format.ts'
import { UNSET_WORDS } from './unset.ts'

/** A table before it is read: its column names and some of its rows as text. */
export interface TableSample {
  readonly names: readonly string[]
  /** Rows of cells, at most a few thousand; a missing cell is ''. */
  readonly rows: readonly (readonly string[])[]
}

/** Names of times. */
const TIME_NAME = /(^|_)(time|times|date|datetime|timestamp|ts|epoch|seen|stime|ltime|utc)(_|$)|_at$/

/** What only a column of numbers holds. */
const NOT_FINITE = /^\s*[+-]?(nan|inf|infinity)\s*$/i

/** The columns of a table with some of their cells: what each could be. */
export class Columns {
  readonly folded: readonly string[]
  readonly names: readonly string[]
  readonly #rows: TableSample['rows']
  readonly source: string
  /** Column -> field or metric the user asked for. */
  readonly mapped = new Map<number, string>()
  /** What has to be told of them. */
  readonly notes: string[] = []

  constructor({ names, rows }: TableSample, source: string, map: Readonly<Record<string, string>>) {
    const seen = new Map<string, number>()
    this.names = names.map((name) => {
      const again = seen.get(name) ?? 0
      seen.set(name, again + 1)
      return again === 0 ? name : `${name}.${again}`
    })
    this.folded = this.names.map(foldName)
    this.#rows = rows
    this.source = source
    for (const [field, name] of Object.entries(map)) {
      const exact = this.names.indexOf(name)
      const column = exact >= 0 ? exact : this.folded.indexOf(foldName(name))
      if (column < 0)
        throw new InputError(
          `${source} has no column "${name}" (mapped to ${field}); it has ${this.names.join(', ')}`,
        )
      this.mapped.set(column, field)
    }
  }

  /** Cells of a column that hold something. */
  cells(column: number, unset: readonly string[] = UNSET_WORDS): string[] {
    const cells: string[] = []
    for (const row of this.#rows) {
      const cell = row[column]?.trim() ?? ''
      if (cell !== '' && !unset.includes(cell)) cells.push(cell)
    }
    return cells
  }

  find(names: readonly string[]): number {
    for (const name of names) {
      const column = this.folded.indexOf(name)
      if (column >= 0 && !this.mapped.has(column)) return column
    }
    return -1
  }

  /** The columns of these names, in the order of the names. */
  named(names: readonly string[]): number[] {
    return names.flatMap((name) => {
      const column = this.find([name])
      return column >= 0 ? [column] : []
    })
  }

  isNumeric(column: number, unset: readonly string[] = UNSET_WORDS): boolean {
    const cells = this.cells(column, unset)
    const numbers = cells.filter((cell) => {
      const bytes = Buffer.from(cell)
      return !Number.isNaN(parseNumber(bytes, 0, bytes.length))
    }).length
    if (cells.length === 0) return this.#rows.some((row) => NOT_FINITE.test(row[column] ?? ''))
    return numbers > 0 && numbers >= cells.length * 0.9
  }

  /** Two words of a state such as on/off. */
  isState(column: number): boolean {
    const cells = new Set(this.cells(column))
    return cells.size > 0 && cells.size <= 4 && [...cells].every((cell) => !Number.isNaN(stateValue(cell)))
  }

  /** What is to be predicted, as tables for learning name it: 0 and 1, not a coordinate beside x. */
  isTarget(name: string): boolean {
    const column = this.folded.indexOf(name)
    const values = new Set(this.cells(column).map(Number))
    return values.size === 2 && values.has(0) && values.has(1) && !this.folded.includes('x')
  }

  /** Whether a column of hosts has names rather than addresses. */
  namesDevices(column: number): boolean {
    const cells = column < 0 ? [] : this.cells(column)
    const addresses = cells.filter((cell) => canonicalAddress(cell) !== undefined).length
    return addresses * 2 < cells.length
  }

  /** Whether values come more than once, as a device's name does and a row number does not. */
  repeats(column: number): boolean {
    const cells = this.cells(column)
    if (cells.length < 20) return this.folded[column] !== 'name' || cells.length > 0
    return new Set(cells).size <= cells.length / 2
  }

  /** Times besides the one of the record: they only grow, so every later one would seem unusual. */
  isFurtherTime(column: number): boolean {
    return TIME_NAME.test(this.folded[column]!) && looksLikeEpoch(this.cells(column).map(Number))
  }

  /** The first of `columns` that holds times: full ones, else times of day. */
  timeColumn(columns: readonly number[]): number | undefined {
    return (
      columns.find((column) => recogniseTime(this.cells(column))) ??
      columns.find((column) => recogniseClock(this.cells(column)))
    )
  }

  /** The column of times of day beside one of dates without; -1 when there is none. */
  clockBeside(date: number): number {
    if (this.folded[date] !== 'date' || this.cells(date).some((cell) => cell.includes(':'))) return -1
    return this.folded.indexOf('time')
  }

  /** A column the user gave a name of his own is a number; a misspelt field is not. */
  needNumbers(column: number, name: string, fields: readonly string[]): void {
    if (this.isNumeric(column)) return
    throw new InputError(
      `${this.source} column ${this.names[column]} is mapped to "${name}", which is none of the fields ` +
        `${[...new Set(fields)].join(', ')}, and holds no numbers: "${this.cells(column)[0] ?? ''}"; correct the map`,
    )
  }

  /** Tells of a column of words and numbers, which is left out. */
  noteMixture(column: number): void {
    const cells = this.cells(column)
    const words = cells.filter((cell) => Number.isNaN(Number(cell)))
    if (words.length >= cells.length * 0.9 || words.length <= cells.length * 0.1) return
    this.notes.push(
      `column ${this.names[column]!.trim()} is left out: ${words.length} of ${cells.length} sampled cells are no ` +
        `numbers, such as "${words[0]!.slice(0, 40)}"`,
    )
  }
}
