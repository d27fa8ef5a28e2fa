import { type Dictionary, DictionaryBuilder } from './dictionary.ts'
import type { FlowBatch } from './flow-batch.ts'

/**
 * A batch of device readings (telemetry), one reading a row, as columns.
 *
 * The metrics are whatever the source has: temperature, humidity, `network.latency` (nested keys
 * joined with a dot), any other number. A table that is neither flows nor readings is held the same
 * way: its numeric columns are the metrics, `ts` is NaN and `device` is the name of the source.
 */
export interface ReadingBatch {
  readonly kind: 'readings'
  readonly length: number
  /** Seconds since 1970-01-01 UTC; NaN where the source has no time. */
  readonly ts: Float64Array
  readonly device: Dictionary
  /** What people call the device; '' unknown. */
  readonly device_name?: Dictionary
  /** Metric name -> its values; NaN where a reading lacks the metric. Every array has `length` entries. */
  readonly metrics: ReadonlyMap<string, Float64Array>
  /** Ground truth, for evaluation only, never a feature. */
  readonly label?: Dictionary
  readonly detailed_label?: Dictionary
}

/** What an adapter yields. */
export type Batch = FlowBatch | ReadingBatch

/** One reading as a plain object. */
export interface ReadingRecord {
  ts?: number
  device: string
  metrics: Readonly<Record<string, number>> | ReadonlyMap<string, number>
  label?: string
  detailed_label?: string
}

/** Collects readings into a {@link ReadingBatch}; a metric first seen late is NaN in the earlier rows. */
export class ReadingBatchBuilder {
  readonly capacity: number
  length = 0
  readonly ts: Float64Array
  readonly device: DictionaryBuilder
  readonly metrics = new Map<string, Float64Array>()
  readonly label: DictionaryBuilder
  readonly detailed_label: DictionaryBuilder

  constructor(capacity = 8192) {
    this.capacity = capacity
    this.ts = new Float64Array(capacity)
    this.device = new DictionaryBuilder(capacity)
    this.label = new DictionaryBuilder(capacity)
    this.detailed_label = new DictionaryBuilder(capacity)
  }

  get full(): boolean {
    return this.length === this.capacity
  }

  /** The column of `name`, made (all NaN) when new. */
  column(name: string): Float64Array {
    let column = this.metrics.get(name)
    if (!column) {
      column = new Float64Array(this.capacity).fill(Number.NaN)
      this.metrics.set(name, column)
    }
    return column
  }

  add(reading: ReadingRecord): void {
    const i = this.length
    this.ts[i] = reading.ts ?? Number.NaN
    this.device.push(reading.device)
    const entries = reading.metrics instanceof Map ? reading.metrics : Object.entries(reading.metrics)
    for (const [name, value] of entries) this.column(name)[i] = value
    pushOptional(this.label, i, reading.label)
    pushOptional(this.detailed_label, i, reading.detailed_label)
    this.length++
  }

  finish(): ReadingBatch {
    const n = this.length
    return {
      kind: 'readings',
      length: n,
      ts: this.ts.subarray(0, n),
      device: this.device.finish(),
      metrics: new Map([...this.metrics].map(([name, c]) => [name, c.subarray(0, n)])),
      ...(this.label.length > 0 ? { label: this.label.finish() } : {}),
      ...(this.detailed_label.length > 0 ? { detailed_label: this.detailed_label.finish() } : {}),
    }
  }
}

function pushOptional(column: DictionaryBuilder, row: number, value: string | undefined): void {
  if (value === undefined && column.length === 0) return
  while (column.length < row) column.push('')
  column.push(value ?? '')
}
