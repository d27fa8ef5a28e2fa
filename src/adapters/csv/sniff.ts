import { canonicalAddress } from '../table/address.ts'
import type { TableSample } from '../table/columns.ts'
import { foldName } from '../table/dialect.ts'
import { dialects } from '../table/dialects/index.ts'
import { isDialect } from '../table/plan-table.ts'
import { recogniseTime } from '../table/time-format.ts'
import { UNSET_WORDS } from '../table/unset.ts'
import { hasDecimalComma, withPoint } from './decimal-comma.ts'
import { RowSplitter } from './row-splitter.ts'

/** What a sample of the bytes says about a delimited file. */
export interface Layout extends TableSample {
  readonly delimiter: string
  /** Whether the first row names the columns. */
  readonly header: boolean
  /** Numbers are written `1,5`; the sample rows have points already. */
  readonly decimalComma: boolean
  readonly notes: readonly string[]
}

const DELIMITERS = [',', ';', '\t', '|', ' ']
/** First cells of what follows the rows of a known dialect. */
const SUMMARIES: ReadonlySet<string> = new Set(dialects.flatMap((d) => d.endsAt ?? []))
const SNIFFED_ROWS = 100
const SAMPLED_ROWS = 2000

/**
 * Finds delimiter, header, columns and sample rows; undefined when this is no table: rows of one width
 * do not prevail, or it is not text.
 */
export function sniff(sample: Uint8Array, complete: boolean): Layout | undefined {
  if (sample.length === 0 || !isText(sample)) return undefined
  let best: Candidate | undefined
  for (const delimiter of DELIMITERS) {
    const widths = splitRows(sample, delimiter, complete, SNIFFED_ROWS).map((row) => row.length)
    const width = mode(widths)
    const share = widths.filter((w) => w === width).length / widths.length
    if (width < 2 || share < (delimiter === ' ' ? 0.9 : 0.6)) continue
    const candidate = { delimiter, width, share, first: widths[0] === width }
    if (!best || isBetter(candidate, best)) best = candidate
  }
  const delimiter = best?.delimiter ?? ','
  const rows = splitRows(sample, delimiter, complete, SAMPLED_ROWS)
  if (rows.length === 0) return undefined
  if (!best && !isNumberColumn(rows)) return undefined
  return layout(rows, delimiter)
}

/** A delimiter, how many cells most rows have with it, and whether the first row has as many. */
interface Candidate {
  readonly delimiter: string
  readonly width: number
  readonly share: number
  readonly first: boolean
}

/** Whether a delimiter later in the list tells the cells apart better than one before. */
function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.share > b.share + 0.2) return true
  if (a.share <= b.share - 0.2 || a.delimiter === ' ') return false
  // With decimal commas the comma may give more cells, but not in the header; without a header both fit.
  if (a.first && (b.delimiter === ',' || !b.first)) return true
  return a.width > b.width && a.first === b.first
}

function layout(rows: string[][], delimiter: string): Layout {
  const decimalComma = hasDecimalComma(rows, delimiter)
  const found = named(decimalComma ? rows.map((row) => row.map(withPoint)) : rows, delimiter)
  const notes = decimalComma ? [...found.notes, 'numbers have a decimal comma'] : found.notes
  return { ...found, notes, decimalComma }
}

/** Columns by the header, by a known dialect without one, or by their place. */
function named(rows: string[][], delimiter: string): Omit<Layout, 'decimalComma'> {
  const first = rows[0]!
  if (isHeader(first, rows)) {
    const names = first.map((name) => name.trim())
    return { delimiter, header: true, names, rows: rows.slice(1), notes: [] }
  }
  const known = dialects.find((d) => d.headerless?.accepts(first))
  if (known)
    return {
      delimiter,
      header: false,
      names: known.headerless!.names(first.length),
      rows,
      notes: [`no header, columns taken as those of ${known.name}`],
    }
  const names = first.map((_, j) => `column ${j + 1}`)
  return { delimiter, header: false, names, rows, notes: ['no header, columns named by their place'] }
}

/** Names: a known dialect's, or no cell that is a value where others below are. */
function isHeader(first: readonly string[], rows: readonly (readonly string[])[]): boolean {
  const folded = first.map(foldName)
  if (dialects.some((d) => isDialect(d, folded)) || isNumbered(first)) return true
  const named = first.filter((cell) => cell.trim() !== '')
  if (named.length === 0 || named.some(isValue)) return false
  if (rows.length === 1) return true
  // Words above words: a header unless the words come again as values.
  const again = first.filter((cell, j) => rows.slice(1).some((row) => row[j] === cell)).length
  return again * 2 < first.length || rows.slice(1).some((row) => row.some(isValue) && again === 0)
}

/** Columns named 0, 1, 2, …, as pandas writes them, maybe after the nameless one of the row numbers. */
function isNumbered(first: readonly string[]): boolean {
  const names = first[0] === '' ? first.slice(1) : first
  return names.length > 1 && names.every((name, j) => name === String(j))
}

function isValue(cell: string): boolean {
  const text = cell.trim()
  if (text === '') return false
  if (UNSET_WORDS.includes(text) || !Number.isNaN(Number(text))) return true
  return canonicalAddress(text) !== undefined || recogniseTime([text]) !== undefined
}

function splitRows(sample: Uint8Array, delimiter: string, complete: boolean, most: number): string[][] {
  const splitter = new RowSplitter(delimiter)
  const rows: string[][] = []
  let at = 0
  while (at < sample.length && rows.length < most) {
    const next = splitter.next(sample, at, complete)
    if (next < 0) break
    at = next
    if (splitter.broken) continue
    const cells = splitter.cells(sample)
    if (SUMMARIES.has(cells[0]!) && rows.length > 1) break
    if (cells.length > 1 || cells[0] !== '') rows.push(cells)
  }
  return rows
}

/** One value a line: numbers, below a name or not. */
function isNumberColumn(rows: readonly (readonly string[])[]): boolean {
  const values = rows.filter(([cell]) => !Number.isNaN(Number(cell))).length
  return rows.length > 1 && values >= (rows.length - 1) * 0.9
}

function mode(widths: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const w of widths) counts.set(w, (counts.get(w) ?? 0) + 1)
  let best = 0
  for (const [w, n] of counts) if (n > (counts.get(best) ?? 0)) best = w
  return best
}

/** No NUL and hardly any control characters. */
/** No control characters but a few. A crash may leave a run of zeros in a log, not in its first line. */
function isText(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, 8192)
  const firstLine = start.indexOf(10)
  let control = 0
  start.forEach((c, i) => {
    if (c === 0 && i > firstLine && firstLine >= 0) control += start[i - 1] === 0 ? 0 : 1
    else if (c === 0) control = Number.POSITIVE_INFINITY
    else if (c < 9 || (c > 13 && c < 32)) control++
  })
  return control * 100 <= start.length
}
