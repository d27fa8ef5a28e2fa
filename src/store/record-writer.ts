import { DictionaryBuilder } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { ReadingBatch } from '../schema/reading-batch.ts'
import { encodeBatch } from './batch-codec.ts'
import { isPostgres } from './database.ts'
import type { ReadingRows } from './reading-rows.ts'

/** What became of a record. */
export const NEW = 0
/** There already, with the same values. */
export const SAME = 1
/** There already, with other values: the first ones stay. */
export const OTHER = 2
/** Has metrics in a combination too many. */
export const SHAPELESS = 3
/** Is of an hour that is kept as an hour only: it may be in it already. */
export const IN_HOUR = 4

/** Records to be stored. `outcome` has one of the above for each afterwards. */
export type Incoming = { readonly source: string; outcome: Uint8Array } & (
  | { readonly kind: 'readings'; readonly rows: ReadingRows }
  /** The batch knows its devices. */
  | { readonly kind: 'flows'; readonly batch: FlowBatch }
)

/** Stores records: what is new goes to its table and to the journal, in one transaction. */
export interface RecordWriter {
  /**
   * Returns when all of `work` is on disk.
   *
   * @throws Busy or StoreFull when nothing was stored
   */
  write(work: readonly Incoming[]): Promise<void>
  /** What is due after a write has been answered, and now and then. */
  rest(): Promise<void>
  close(): Promise<void>
}

/** Different combinations of metrics that a database takes; more are names with data in them. */
export const MOST_SHAPES = 10_000

export async function recordWriter(url: string): Promise<RecordWriter> {
  if (isPostgres(url)) return new (await import('./postgres-records.ts')).PostgresRecords(url)
  return new (await import('./sqlite-records.ts')).SqliteRecords(url)
}

/** Numbers in a journal entry's columns. */
const MOST_CELLS = 1 << 20

/** The new ones of `rows` as journal entries: batches of bounded size. */
export function* readingEntries(
  rows: ReadingRows,
  outcome: Uint8Array,
): Generator<{ n: number; bytes: Buffer }> {
  let members: number[] = []
  let metrics = new Set<string>()
  for (let i = 0; i < rows.length; i++) {
    if (outcome[i] !== NEW) continue
    const names = rows.shapes[rows.shape[i]!]!
    const wider = names.every((name) => metrics.has(name)) ? metrics : new Set([...metrics, ...names])
    if (wider.size * (members.length + 1) > MOST_CELLS && members.length > 0) {
      yield entry(rows, members, metrics)
      members = []
      metrics = new Set(names)
    } else metrics = wider
    members.push(i)
  }
  if (members.length > 0) yield entry(rows, members, metrics)
}

function entry(rows: ReadingRows, members: readonly number[], metrics: ReadonlySet<string>) {
  const n = members.length
  const columns = new Map([...metrics].map((name) => [name, new Float64Array(n).fill(Number.NaN)]))
  const targets = rows.shapes.map((names) => names.map((name) => columns.get(name)))
  const ts = new Float64Array(n)
  const device = new DictionaryBuilder(n)
  members.forEach((i, k) => {
    ts[k] = rows.ts[i]!
    device.push(rows.devices[rows.device[i]!]!)
    const start = rows.start[i]!
    const into = targets[rows.shape[i]!]!
    for (let j = 0; j < into.length; j++) into[j]![k] = rows.values[start + j]!
  })
  const batch: ReadingBatch = { kind: 'readings', length: n, ts, device: device.finish(), metrics: columns }
  return { n, bytes: encodeBatch(batch) }
}

/** The rows of `batch` that are new, as a journal entry; undefined when none is. */
export function flowEntry(batch: FlowBatch, outcome: Uint8Array): { n: number; bytes: Buffer } | undefined {
  const members: number[] = []
  for (let i = 0; i < batch.length; i++) if (outcome[i] === NEW) members.push(i)
  if (members.length === 0) return undefined
  const picked = Object.entries(batch).map(([name, column]: [string, unknown]) => [
    name,
    pick(column, members),
  ])
  return {
    n: members.length,
    bytes: encodeBatch({ ...(Object.fromEntries(picked) as FlowBatch), length: members.length }),
  }
}

function pick(column: unknown, members: readonly number[]): unknown {
  if (column instanceof Float64Array) return Float64Array.from(members, (i) => column[i]!)
  if (column instanceof Uint16Array) return Uint16Array.from(members, (i) => column[i]!)
  if (column instanceof Uint8Array) return Uint8Array.from(members, (i) => column[i]!)
  const { codes, values } = (column ?? {}) as { codes?: Uint32Array; values?: readonly string[] }
  if (codes && values) return { codes: Uint32Array.from(members, (i) => codes[i]!), values }
  return column
}

/** A number of a flow as it is stored. */
export function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
