import type { Dictionary } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'

/** The rows `rows` of a batch, in that order, with every column it has. */
export function pickRows<B extends Batch>(batch: B, rows: Uint32Array): B {
  const entries = Object.entries(batch).map(([name, column]) => [name, pick(column, rows)])
  return { ...Object.fromEntries(entries), length: rows.length } as B
}

function pick(column: unknown, rows: Uint32Array): unknown {
  if (column instanceof Float64Array) return Float64Array.from(rows, (row) => column[row]!)
  if (column instanceof Uint16Array) return Uint16Array.from(rows, (row) => column[row]!)
  if (column instanceof Uint8Array) return Uint8Array.from(rows, (row) => column[row]!)
  if (isDictionary(column)) {
    return { codes: rows.map((row) => column.codes[row]!), values: column.values } satisfies Dictionary
  }
  // Numeric columns by name (metrics, extra); a map of names to texts is not a column.
  if (column instanceof Map && [...column.values()].every((v) => v instanceof Float64Array)) {
    return new Map([...column].map(([name, values]) => [name, pick(values, rows)]))
  }
  return column
}

function isDictionary(value: unknown): value is Dictionary {
  return typeof value === 'object' && value !== null && 'codes' in value && 'values' in value
}

const benignWords = /^(benign(traffic)?|normal|background|legitimate|good|none|false|no|-|0|0\.0)?$/

/**
 * Whether a ground truth label says that the row is no attack: 'benign', 'Normal', '0', '-', 'Background', …
 * An empty label counts as benign, as sources leave it out for ordinary rows.
 */
export function isBenign(label: string): boolean {
  const word = label.trim().toLowerCase()
  return benignWords.test(word) || /^(flow=)?(from-|to-)?(background|normal)/.test(word)
}

/** Which codes of a label column are benign. */
export function benignCodes(label: Dictionary): readonly boolean[] {
  return label.values.map(isBenign)
}

/** Rows of the batch whose label is benign; all of them where it has no labels. */
export function benignRows<B extends Batch>(batch: B): B {
  const { label } = batch
  if (!label) return batch
  const benign = benignCodes(label)
  const rows: number[] = []
  for (let i = 0; i < batch.length; i++) if (benign[label.codes[i]!]) rows.push(i)
  return rows.length === batch.length ? batch : pickRows(batch, Uint32Array.from(rows))
}
