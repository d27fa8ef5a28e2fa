import { InputError } from '../read-report.ts'
import { Columns, type TableSample } from './columns.ts'
import type { Dialect } from './dialect.ts'
import { dialects } from './dialects/index.ts'
import { type CellRules, FLOW_FIELDS, type FlowBinding, FlowWriter } from './flow-writer.ts'
import { looksLikeFlows, planFlows } from './plan-flows.ts'
import { planReadings } from './plan-readings.ts'
import { type ReadingBinding, ReadingWriter } from './reading-writer.ts'
import { UNSET_WORDS } from './unset.ts'

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

/** Cells a batch holds at most, so that very wide tables stay small in memory. */
const BATCH_CELLS = 1 << 22

const SHARED_KEYS = new Set(['ts', 'time_of_day', 'label', 'detailed_label'])
const FLOW_ONLY: ReadonlySet<string> = new Set(FLOW_FIELDS.filter((field) => !SHARED_KEYS.has(field)))

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
  const columns = new Columns(sample, source, map)
  const flowKeys = Object.keys(map).filter((key) => FLOW_ONLY.has(key))
  const readingKeys = Object.keys(map).filter((key) => key === 'device')
  if (flowKeys.length > 0 && readingKeys.length > 0)
    throw new InputError(
      `the map names both ${flowKeys[0]} (of flows) and device (of readings); a table is one or the other`,
    )
  if (readingKeys.length > 0) return ofReadings(columns)
  const dialect = dialects.find((d) => isDialect(d, columns.folded))
  if (dialect) return ofFlows(columns, dialect)
  if (flowKeys.length > 0 || looksLikeFlows(columns)) return ofFlows(columns)
  return ofReadings(columns)
}

export function isDialect(dialect: Dialect, folded: readonly string[]): boolean {
  return dialect.recognise.every((name) =>
    typeof name === 'string' ? folded.includes(name) : name.some((n) => folded.includes(n)),
  )
}

function ofFlows(columns: Columns, dialect?: Dialect): TablePlan {
  const { bindings: found, rules } = planFlows(columns, dialect)
  const bindings = inOrder(found)
  return {
    kind: 'flows',
    dialect: dialect?.name ?? '',
    bindings,
    rules,
    ...about(columns, found),
    ...(dialect?.endsAt ? { endsAt: dialect.endsAt } : {}),
    writer: (_, batchSize) => new FlowWriter(bindings, rules, rowsOf(bindings.length, batchSize)),
  }
}

function ofReadings(columns: Columns): TablePlan {
  const found = planReadings(columns)
  const bindings = inOrder(found)
  const rules = { unset: UNSET_WORDS }
  return {
    kind: 'readings',
    dialect: '',
    bindings,
    rules,
    ...about(columns, found),
    writer: (source, batchSize) =>
      new ReadingWriter(bindings, rules, source, rowsOf(bindings.length, batchSize)),
  }
}

function inOrder<B>(found: ReadonlyMap<number, B>): B[] {
  return [...found].sort(([a], [b]) => a - b).map(([, binding]) => binding)
}

function about({ names, notes }: Columns, found: ReadonlyMap<number, unknown>) {
  return {
    columns: [...found.keys()].sort((a, b) => a - b),
    notes: [...new Set(notes)],
    unmapped: names.filter((_, column) => !found.has(column)).map((name) => name.trim()),
  }
}

/** Rows of a batch. */
function rowsOf(width: number, batchSize = 8192): number {
  return Math.min(batchSize, Math.max(64, Math.floor(BATCH_CELLS / width)))
}
