import type { Anomaly } from '../schema/anomaly.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { ReadingBatch } from '../schema/reading-batch.ts'
import { anomalyColumns, anomalyJson } from './anomaly-columns.ts'
import { csvWriter } from './csv.ts'
import { flowColumns, flowJson } from './flow-columns.ts'
import { jsonWriter } from './json.ts'
import type { BatchWriter } from './layout.ts'
import { readingColumns, readingJson } from './reading-columns.ts'
import type { Sink } from './sink.ts'
import { zeekWriter } from './zeek.ts'

/** `json` is one array, `ndjson` an object a line. */
export type TableFormat = 'csv' | 'json' | 'ndjson' | 'parquet'
export type FlowFormat = TableFormat | 'zeek'

export const TABLE_FORMATS = ['csv', 'json', 'ndjson', 'parquet'] as const
export const FLOW_FORMATS = ['zeek', ...TABLE_FORMATS] as const

const EXTENSIONS: Record<string, FlowFormat> = {
  csv: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  log: 'zeek',
  labeled: 'zeek',
  tsv: 'zeek',
}

/** The format that a file's extension stands for, if any. */
export function formatByExtension(path: string): FlowFormat | undefined {
  return EXTENSIONS[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '']
}

export async function flowWriter(format: FlowFormat, sink: Sink): Promise<BatchWriter<FlowBatch>> {
  switch (format) {
    case 'zeek':
      return zeekWriter(sink)
    case 'csv':
      return csvWriter(flowColumns, sink)
    case 'parquet':
      return (await import('./parquet.ts')).parquetWriter(flowColumns, sink)
    default:
      return jsonWriter(flowJson, sink, format === 'ndjson')
  }
}

export async function anomalyWriter(
  format: TableFormat,
  sink: Sink,
): Promise<BatchWriter<readonly Anomaly[]>> {
  switch (format) {
    case 'csv':
      return csvWriter(anomalyColumns, sink)
    case 'parquet':
      return (await import('./parquet.ts')).parquetWriter(anomalyColumns, sink)
    default:
      return jsonWriter(anomalyJson, sink, format === 'ndjson')
  }
}

/** @param metrics the metrics to write, which must be known before the first row of a table */
export async function readingWriter(
  format: TableFormat,
  sink: Sink,
  metrics: readonly string[],
  labels = false,
): Promise<BatchWriter<ReadingBatch>> {
  switch (format) {
    case 'csv':
      return csvWriter(readingColumns(metrics, labels), sink)
    case 'parquet':
      return (await import('./parquet.ts')).parquetWriter(readingColumns(metrics, labels), sink)
    default:
      return jsonWriter(readingJson, sink, format === 'ndjson')
  }
}
