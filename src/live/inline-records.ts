import type { JsonObject } from '../adapters/json/flatten.ts'
import { type FlowBatch, FlowBatchBuilder } from '../schema/flow-batch.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../schema/reading-batch.ts'
import { flowOf } from './intake/flow-parser.ts'
import { RecordError, readingParts } from './intake/reading-record.ts'

/** A record that cannot be judged: which, where in it, and why. */
export interface WrongRecord {
  readonly record: number
  readonly path: string
  readonly message: string
}

/** Records as a batch, or what is wrong with them: a question is answered as a whole or not at all. */
export type Asked<B> = { readonly batch: B } | { readonly wrong: readonly WrongRecord[] }

/** Wrong records told at most. */
const MOST_TOLD = 20

/** Readings in the form that intake takes. */
export function readingBatch(records: readonly JsonObject[]): Asked<ReadingBatch> {
  const builder = new ReadingBatchBuilder(records.length)
  return (
    whole(records, (record) => {
      const { device, ts, metrics, values } = readingParts(record)
      const i = builder.length++
      builder.ts[i] = ts
      builder.device.push(device)
      for (let j = 0; j < metrics.length; j++) builder.column(metrics[j]!)[i] = values[j]!
    }) ?? { batch: builder.finish() }
  )
}

/** Flows by Zeek's names, in the form that intake takes. */
export function flowBatch(records: readonly JsonObject[]): Asked<FlowBatch> {
  const builder = new FlowBatchBuilder(records.length)
  return whole(records, (record) => builder.add(flowOf(record))) ?? { batch: builder.finish() }
}

function whole(
  records: readonly JsonObject[],
  add: (record: JsonObject) => void,
): { wrong: WrongRecord[] } | undefined {
  const wrong: WrongRecord[] = []
  for (let record = 0; record < records.length && wrong.length < MOST_TOLD; record++) {
    try {
      add(records[record]!)
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      wrong.push({ record, path: error.path, message: error.message })
    }
  }
  return wrong.length > 0 ? { wrong } : undefined
}
