import { InputError } from '../read-report.ts'
import type { Columns } from './columns.ts'
import { FLOW_FIELDS } from './flow-writer.ts'
import type { ReadingBinding, ReadingField } from './reading-writer.ts'
import {
  DETAIL_SYNONYMS,
  DEVICE_SYNONYMS,
  LABEL_SYNONYMS,
  ROW_NUMBERS,
  STRICT_DETAILS,
  TIME_SYNONYMS,
  TRUTH_MARKS,
} from './synonyms.ts'
import { parseClock, recogniseClock, recogniseTime } from './time-format.ts'

/** Names of the ground truth only where a column holds nothing but 0 and 1. */
const TARGETS: readonly string[] = ['y', 'target', 'outcome']

type Bind = (column: number, field: ReadingField, time?: ReadingBinding['time']) => void

/**
 * Which column is the time, the device and the ground truth of a reading; every other number is a metric.
 *
 * @throws InputError when no column is a metric
 */
export function planReadings(columns: Columns): ReadonlyMap<number, ReadingBinding> {
  const bindings = new Map<number, ReadingBinding>()
  const isBound = (field: ReadingField) => [...bindings.values()].some((b) => b.field === field)
  const bind: Bind = (column, field, time) => {
    if (column >= 0 && !bindings.has(column) && !isBound(field))
      bindings.set(column, { source: columns.names[column]!.trim(), field, ...(time ? { time } : {}) })
  }
  for (const [column, name] of columns.mapped) {
    if (name === 'ts') bindTime(columns, column, bind)
    else if (name === 'device' || name === 'label' || name === 'detailed_label') bind(column, name)
    else {
      columns.needNumbers(column, name, ['ts', 'device', 'label', 'detailed_label', ...FLOW_FIELDS])
      bindings.set(column, { source: columns.names[column]!.trim(), metric: name })
    }
  }
  if (!isBound('ts')) {
    const dated = columns.folded.flatMap((_, column) => (columns.isNumeric(column) ? [] : [column]))
    const time = columns.timeColumn([...columns.named(TIME_SYNONYMS), ...dated])
    if (time !== undefined) bindTime(columns, time, bind)
  }
  for (const name of DEVICE_SYNONYMS) {
    const column = columns.find([name])
    if (column >= 0 && columns.repeats(column)) bind(column, 'device')
  }
  bindTruth(columns, bind)
  bindMetrics(columns, bindings)
  if (![...bindings.values()].some((b) => b.metric !== undefined))
    throw new InputError(
      `${columns.source} has no numeric column to score; its columns are ${shortList(columns.names)}. ${columns.notes.map((note) => `${note}. `).join('')}` +
        'Give a table with numbers, or say which column is what with --map',
    )
  return bindings
}

/** Binds `column` as the time, and a column of times of day beside a date. */
function bindTime(columns: Columns, column: number, bind: Bind): void {
  const cells = columns.cells(column)
  const format = recogniseTime(cells) ?? recogniseClock(cells)
  if (!format)
    throw new InputError(
      `${columns.source} column ${columns.names[column]} is mapped to ts but holds no times: "${cells[0] ?? ''}"`,
    )
  columns.notes.push(...format.notes)
  bind(column, 'ts', format.parse)
  bind(columns.clockBeside(column), 'time_of_day', parseClock)
}

function bindTruth(columns: Columns, bind: Bind): void {
  const named = columns.find(LABEL_SYNONYMS)
  const label = named >= 0 ? named : columns.find(TARGETS.filter((name) => columns.isTarget(name)))
  bind(label, 'label')
  const detail = columns.find(DETAIL_SYNONYMS)
  if (label >= 0 && detail >= 0 && !columns.isNumeric(detail)) bind(detail, 'detailed_label')
  else if (label < 0) bind(columns.find(STRICT_DETAILS), 'label')
}

function bindMetrics(columns: Columns, bindings: Map<number, ReadingBinding>): void {
  columns.folded.forEach((name, column) => {
    if (bindings.has(column) || ROW_NUMBERS.test(name) || TRUTH_MARKS.includes(name)) return
    if (LABEL_SYNONYMS.includes(name) || STRICT_DETAILS.includes(name)) return
    const source = columns.names[column]!.trim()
    if (name === 'id' && columns.isNumeric(column)) return
    if (columns.isFurtherTime(column)) return
    if (columns.isNumeric(column)) bindings.set(column, { source, metric: source })
    else if (columns.isState(column)) bindings.set(column, { source, metric: source, state: true })
    else columns.noteMixture(column)
  })
}

/** Names for a message, cut where they get long. */
function shortList(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  return names.length > 30 ? `${names.slice(0, 30).join(', ')}, … (${names.length})` : names.join(', ')
}
