import { stringAt } from '../schema/dictionary.ts'
import type { ReadingBatch } from '../schema/reading-batch.ts'
import type { Column } from './layout.ts'
import { rfc3339 } from './time.ts'

/** Readings as a table: device, timestamp, the given metrics, label where `labels`. */
export function readingColumns(metrics: readonly string[], labels: boolean): Column<ReadingBatch>[] {
  return [
    { name: 'id', kind: 'text', at: (b, i) => stringAt(b.device, i) },
    { name: 'timestamp', kind: 'text', at: (b, i) => rfc3339(b.ts[i]!) },
    ...metrics.map(
      (name): Column<ReadingBatch> => ({
        name,
        kind: 'number',
        at: (b, i) => b.metrics.get(name)?.[i] ?? Number.NaN,
      }),
    ),
    ...(labels
      ? (['label', 'detailed_label'] as const).map(
          (name): Column<ReadingBatch> => ({
            name: name.replace('_', '-'),
            kind: 'text',
            at: (b, i) => (b[name] ? stringAt(b[name], i) : ''),
          }),
        )
      : []),
  ]
}

/** A reading as the product's JSON: nested where a metric's name has a dot (`network.latency`). */
export function readingJson(batch: ReadingBatch, i: number): string {
  // Without a prototype, since metric names come from outside.
  const record: Record<string, unknown> = Object.create(null)
  record.id = stringAt(batch.device, i)
  record.timestamp = rfc3339(batch.ts[i]!) || null
  for (const [name, column] of batch.metrics) {
    if (!Number.isNaN(column[i]!)) put(record, name, column[i]!)
  }
  if (batch.label) record.label = stringAt(batch.label, i)
  if (batch.detailed_label) record['detailed-label'] = stringAt(batch.detailed_label, i)
  return JSON.stringify(record)
}

function put(record: Record<string, unknown>, name: string, value: number): void {
  const dot = name.indexOf('.')
  const group = dot > 0 ? name.slice(0, dot) : name
  if (dot > 0 && record[group] === undefined) record[group] = Object.create(null)
  const nested = record[group]
  if (dot > 0 && typeof nested === 'object') {
    ;(nested as Record<string, number>)[name.slice(dot + 1)] = value
  } else record[name] = value
}
