import { stringAt } from '../schema/dictionary.ts'
import { FLOW_FLOAT_COLUMNS, FLOW_STRING_COLUMNS, type FlowBatch } from '../schema/flow-batch.ts'
import type { Batch } from '../schema/reading-batch.ts'

/** 'tcp' for 6; '' where the source does not say. */
export function transportOf(proto: number): string {
  return proto === 6
    ? 'tcp'
    : proto === 17
      ? 'udp'
      : proto === 1 || proto === 58
        ? 'icmp'
        : proto === 255
          ? ''
          : `protocol ${proto}`
}

/** The fields of row `i` that are set, under their own names. */
export function fieldsOf(batch: Batch, i: number): Record<string, string | number> {
  return batch.kind === 'flows' ? flowFields(batch, i) : readingFields(batch, i)
}

function flowFields(batch: FlowBatch, i: number): Record<string, string | number> {
  const fields: Record<string, string | number> = {}
  for (const name of FLOW_STRING_COLUMNS) {
    const value = stringAt(batch[name], i)
    if (value !== '') fields[name] = own(value)
  }
  fields.orig_p = batch.orig_p[i]!
  fields.resp_p = batch.resp_p[i]!
  const proto = transportOf(batch.proto[i]!)
  if (proto !== '') fields.proto = proto
  for (const name of FLOW_FLOAT_COLUMNS) {
    const value = batch[name][i]!
    if (!Number.isNaN(value)) fields[name] = value
  }
  for (const name of ['orig_l2_addr', 'resp_l2_addr'] as const) {
    const column = batch[name]
    const value = column ? stringAt(column, i) : ''
    if (value !== '') fields[name] = own(value)
  }
  return fields
}

/** Text that V8 copies instead of pointing into the text that it was cut out of. */
const COPIED = 12

/**
 * The text in memory of its own: one that was cut out of a batch's column would keep the whole of that, 150 KB of `uid`,
 * as long as an incident remembers the anomaly.
 */
function own(text: string): string {
  return text.length <= COPIED ? text : Buffer.from(text).toString()
}

function readingFields(
  batch: Extract<Batch, { kind: 'readings' }>,
  i: number,
): Record<string, string | number> {
  const fields: Record<string, string | number> = {}
  for (const [name, column] of batch.metrics) {
    if (!Number.isNaN(column[i]!)) fields[name] = column[i]!
  }
  return fields
}

/** The row's ground truth: the finer class where there is one; undefined where there is none. */
export function labelOf(batch: Batch, i: number): string | undefined {
  const detailed = batch.detailed_label ? stringAt(batch.detailed_label, i) : ''
  if (detailed !== '' && detailed !== '-') return detailed
  const label = batch.label ? stringAt(batch.label, i) : ''
  return label === '' ? undefined : label
}
