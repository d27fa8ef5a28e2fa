import { type Dictionary, DictionaryBuilder } from '../schema/dictionary.ts'
import {
  FLOW_FLOAT_COLUMNS,
  FLOW_OPTIONAL_STRING_COLUMNS,
  FLOW_STRING_COLUMNS,
  type FlowBatch,
} from '../schema/flow-batch.ts'
import type { Batch, ReadingBatch } from '../schema/reading-batch.ts'

/** All rows of `batches`, in order, as one batch. A column that only some have is unset in the others. */
export function concatFlows(batches: readonly FlowBatch[]): FlowBatch {
  if (batches.length === 1) return batches[0]!
  const length = total(batches)
  const floats = Object.fromEntries(
    FLOW_FLOAT_COLUMNS.map((name) => [name, concatFloats(batches, length, (b) => b[name])]),
  ) as Pick<FlowBatch, (typeof FLOW_FLOAT_COLUMNS)[number]>
  const strings = Object.fromEntries(
    FLOW_STRING_COLUMNS.map((name) => [name, concatStrings(batches, length, (b) => b[name])]),
  ) as Pick<FlowBatch, (typeof FLOW_STRING_COLUMNS)[number]>
  const optional = Object.fromEntries(
    FLOW_OPTIONAL_STRING_COLUMNS.filter((name) => batches.some((b) => b[name])).map((name) => [
      name,
      concatStrings(batches, length, (b) => b[name]),
    ]),
  )
  const orig_p = new Uint16Array(length)
  const resp_p = new Uint16Array(length)
  const proto = new Uint8Array(length)
  let row = 0
  for (const batch of batches) {
    orig_p.set(batch.orig_p, row)
    resp_p.set(batch.resp_p, row)
    proto.set(batch.proto, row)
    row += batch.length
  }
  const extraNames = new Set(batches.flatMap((b) => [...(b.extra?.keys() ?? [])]))
  const extra = new Map(
    [...extraNames].map((name) => [name, concatFloats(batches, length, (b) => b.extra?.get(name))]),
  )
  const names = new Map(batches.flatMap((b) => [...(b.names ?? [])]))
  return {
    kind: 'flows',
    length,
    ...floats,
    ...strings,
    ...optional,
    orig_p,
    resp_p,
    proto,
    ...(extra.size > 0 ? { extra } : {}),
    ...(names.size > 0 ? { names } : {}),
  }
}

/** All rows of `batches`, in order, as one batch; a metric that only some have is NaN in the others. */
export function concatReadings(batches: readonly ReadingBatch[]): ReadingBatch {
  if (batches.length === 1) return batches[0]!
  const length = total(batches)
  const names = new Set(batches.flatMap((b) => [...b.metrics.keys()]))
  return {
    kind: 'readings',
    length,
    ts: concatFloats(batches, length, (b) => b.ts),
    device: concatStrings(batches, length, (b) => b.device),
    metrics: new Map(
      [...names].map((name) => [name, concatFloats(batches, length, (b) => b.metrics.get(name))]),
    ),
    ...(batches.some((b) => b.label) ? { label: concatStrings(batches, length, (b) => b.label) } : {}),
    ...(batches.some((b) => b.detailed_label)
      ? { detailed_label: concatStrings(batches, length, (b) => b.detailed_label) }
      : {}),
  }
}

function total(batches: readonly Batch[]): number {
  return batches.reduce((sum, batch) => sum + batch.length, 0)
}

function concatFloats<B extends Batch>(
  batches: readonly B[],
  length: number,
  column: (batch: B) => Float64Array | undefined,
): Float64Array {
  const all = new Float64Array(length).fill(Number.NaN)
  let row = 0
  for (const batch of batches) {
    const values = column(batch)
    if (values) all.set(values, row)
    row += batch.length
  }
  return all
}

function concatStrings<B extends Batch>(
  batches: readonly B[],
  length: number,
  column: (batch: B) => Dictionary | undefined,
): Dictionary {
  const all = new DictionaryBuilder(Math.max(1, length))
  for (const batch of batches) {
    const part = column(batch)
    const codes = part?.values.map((value) => all.intern(value))
    const unset = part ? 0 : all.intern('')
    for (let i = 0; i < batch.length; i++) all.pushCode(codes ? codes[part!.codes[i]!]! : unset)
  }
  return all.finish()
}
