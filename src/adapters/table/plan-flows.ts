import type { Columns } from './columns.ts'
import type { Dialect, DialectColumn } from './dialect.ts'
import { type CellRules, FLOW_FIELDS, type FlowBinding, type FlowField } from './flow-writer.ts'
import {
  DETAIL_SYNONYMS,
  DURATION_SYNONYMS,
  END_SYNONYMS,
  FLOW_SYNONYMS,
  LABEL_SYNONYMS,
  ROW_NUMBERS,
  STRICT_DETAILS,
  TIME_SYNONYMS,
  TRUTH_MARKS,
} from './synonyms.ts'
import { parseClock, recogniseClock, recogniseTime, type TimeFormat } from './time-format.ts'
import { UNSET_WORDS } from './unset.ts'
import { serviceWord } from './words.ts'

/** What becomes of the columns of flows, by number. */
export interface FlowColumns {
  readonly bindings: ReadonlyMap<number, FlowBinding>
  readonly rules: CellRules
}

const TOTALS = [
  ['total_pkts', 'orig_pkts', 'resp_pkts'],
  ['total_bytes', 'orig_bytes', 'resp_bytes'],
  ['total_ip_bytes', 'orig_ip_bytes', 'resp_ip_bytes'],
] as const

const HOSTS: ReadonlySet<FlowField> = new Set(['orig_h', 'resp_h'])

/** Both ends, or what only flows have: a port or protocol together with an amount. */
export function looksLikeFlows(columns: Columns): boolean {
  const has = (field: FlowField) => columns.find(FLOW_SYNONYMS[field] ?? []) >= 0
  if (has('orig_h') && has('resp_h')) return namesHosts(columns)
  const ends = (['orig_p', 'resp_p', 'proto', 'service', 'conn_state'] as const).filter(has)
  const amounts = (['orig_bytes', 'resp_bytes', 'orig_pkts', 'resp_pkts', 'total_bytes'] as const).filter(has)
  return ends.length + amounts.length >= 3 && amounts.length > 0 && (has('resp_p') || has('proto'))
}

/** `source` and `destination` of addresses or names, not of numbers. */
function namesHosts(columns: Columns): boolean {
  const cells = columns.cells(columns.find(FLOW_SYNONYMS.orig_h!))
  return cells.length === 0 || cells.some((cell) => Number.isNaN(Number(cell)))
}

/** Which column is which field of a flow, by a dialect or by what columns are usually called. */
export function planFlows(columns: Columns, dialect?: Dialect): FlowColumns {
  const bindings = new Map<number, FlowBinding>()
  const taken = new Set<FlowField>()
  const bind = (column: number, spec: DialectColumn) => {
    if (column < 0 || bindings.has(column) || taken.has(spec.field)) return
    const binding = flowBinding(columns, column, spec)
    if (!binding) return
    taken.add(spec.field)
    bindings.set(column, binding)
  }
  for (const [column, name] of columns.mapped) {
    const field = FLOW_FIELDS.find((f) => f === name)
    if (field)
      bind(column, { field, ...(HOSTS.has(field) ? { anyAddress: columns.namesDevices(column) } : {}) })
    else {
      columns.needNumbers(column, name, FLOW_FIELDS)
      bindings.set(column, { source: name })
    }
  }
  if (dialect) {
    // In the dialect's order: where two columns are the same field, the one it names first is taken.
    for (const [name, spec] of Object.entries(dialect.columns))
      bind(columns.folded.indexOf(name), typeof spec === 'string' ? { field: spec } : spec)
  } else bindBySynonyms(columns, bind)
  const unset = [...UNSET_WORDS, ...(dialect?.unset ?? [])]
  bindOtherNumbers(columns, bindings, unset, dialect)
  if (dialect?.note) columns.notes.push(dialect.note)
  noteTotals(columns, taken)
  return { bindings, rules: { unset, ...rulesOf(dialect) } }
}

/** What is no field of a flow but a number is a feature of its own. */
function bindOtherNumbers(
  columns: Columns,
  bindings: Map<number, FlowBinding>,
  unset: readonly string[],
  dialect: Dialect | undefined,
): void {
  const skip = new Set(dialect?.skip ?? [])
  columns.folded.forEach((name, column) => {
    if (bindings.has(column) || skip.has(name) || ROW_NUMBERS.test(name) || TRUTH_MARKS.includes(name)) return
    if (LABEL_SYNONYMS.includes(name) || DETAIL_SYNONYMS.includes(name)) return
    if (columns.isFurtherTime(column)) return
    if (columns.isNumeric(column, unset)) bindings.set(column, { source: columns.names[column]!.trim() })
    else if (!dialect) columns.noteMixture(column)
  })
}

/** Tells of totals that nothing divides between the two ends. */
function noteTotals(columns: Columns, taken: ReadonlySet<FlowField>): void {
  const undivided = TOTALS.filter(
    ([total, orig, resp]) => taken.has(total) && !taken.has(orig) && !taken.has(resp),
  ).map(([, orig]) => orig)
  if (undivided.length > 0)
    columns.notes.push(`${undivided.join(' and ')} count both directions: the input has only their sum`)
}

function flowBinding(
  columns: Columns,
  column: number,
  { field, factor, word, anyAddress, correct }: DialectColumn,
): FlowBinding | undefined {
  const source = columns.names[column]!.trim()
  const cells = columns.cells(column)
  if (field === 'time_of_day') return { source, field, time: parseClock }
  if (field === 'ts' || field === 'end') {
    const format = recogniseTime(cells) ?? recogniseClock(cells)
    if (!format) {
      if (cells.length > 0) columns.notes.push(`column ${source} holds no times, left out: "${cells[0]}"`)
      return undefined
    }
    columns.notes.push(...format.notes)
    return { source, field, time: correct ? corrected(columns, format, cells, correct) : format.parse }
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

function corrected(
  columns: Columns,
  { parse }: TimeFormat,
  cells: readonly string[],
  { time, note }: NonNullable<DialectColumn['correct']>,
): TimeFormat['parse'] {
  const wrong = cells.some((cell) => {
    const bytes = Buffer.from(cell)
    const seconds = parse(bytes, 0, bytes.length)
    return !Number.isNaN(seconds) && time(seconds) !== seconds
  })
  if (wrong) columns.notes.push(note)
  return (bytes, start, end) => time(parse(bytes, start, end))
}

function bindBySynonyms(columns: Columns, bind: (column: number, spec: DialectColumn) => void): void {
  const time = columns.timeColumn(columns.named(TIME_SYNONYMS)) ?? columns.find(TIME_SYNONYMS)
  bind(time, { field: 'ts' })
  bind(columns.clockBeside(time), { field: 'time_of_day' })
  bind(columns.find(END_SYNONYMS), { field: 'end' })
  for (const [name, factor] of Object.entries(DURATION_SYNONYMS))
    bind(columns.find([name]), { field: 'duration', factor })
  for (const [field, names] of Object.entries(FLOW_SYNONYMS) as [FlowField, readonly string[]][]) {
    const column = columns.find(names)
    if (HOSTS.has(field)) bind(column, { field, anyAddress: columns.namesDevices(column) })
    else if (field === 'service') bind(column, { field, word: serviceWord })
    else bind(column, { field })
  }
  const label = columns.find(LABEL_SYNONYMS)
  bind(label, { field: 'label' })
  const detail = columns.find(DETAIL_SYNONYMS.filter((name) => columns.folded.indexOf(name) !== label))
  if (label >= 0 && detail >= 0 && !columns.isNumeric(detail)) bind(detail, { field: 'detailed_label' })
  else if (label < 0) bind(columns.find(STRICT_DETAILS), { field: 'label' })
}

function rulesOf({ labels, noFlow }: Partial<Dialect> = {}): Omit<CellRules, 'unset'> {
  return { ...(labels ? { labels } : {}), ...(noFlow ? { noFlow } : {}) }
}
