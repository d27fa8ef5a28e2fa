import type { JsonObject } from '../adapters/json/flatten.ts'
import { type FlowBatch, FlowBatchBuilder } from '../schema/flow-batch.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../schema/reading-batch.ts'
import { flowOf } from './intake/flow-parser.ts'
import { RecordError, readingParts } from './intake/reading-record.ts'
import { ReadingShape, type ShapedReading } from './reading-shape.ts'

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

/** Shapes of readings remembered. */
const MOST_SHAPES = 16

/** Takes readings in the form that intake takes; remembers what they look like from one question to the next. */
export class InlineReadings {
  readonly #shapes: ReadingShape[] = []

  batch(records: readonly JsonObject[]): Asked<ReadingBatch> {
    const builder = new ReadingBatchBuilder(records.length)
    const reading: ShapedReading = { device: '', ts: 0, values: [] }
    let shape: ReadingShape | undefined
    let columns: readonly Float64Array[] = []
    return (
      whole(records, (record) => {
        const i = builder.length
        const found = this.#read(record, reading)
        if (found) {
          if (found !== shape) columns = found.metrics.map((name) => builder.column(name))
          shape = found
          builder.ts[i] = reading.ts
          builder.device.push(reading.device)
          for (let j = 0; j < columns.length; j++) columns[j]![i] = reading.values[j]!
        } else {
          const parts = readingParts(record)
          builder.ts[i] = parts.ts
          builder.device.push(parts.device)
          parts.metrics.forEach((name, j) => {
            builder.column(name)[i] = parts.values[j]!
          })
          this.#remember(ReadingShape.of(record, parts))
        }
        builder.length++
      }) ?? { batch: builder.finish() }
    )
  }

  #read(record: JsonObject, into: ShapedReading): ReadingShape | undefined {
    for (let s = 0; s < this.#shapes.length; s++) {
      const shape = this.#shapes[s]!
      if (!shape.read(record, into)) continue
      // The next one looks like this one, most likely.
      if (s > 0) this.#shapes.unshift(...this.#shapes.splice(s, 1))
      return shape
    }
    return undefined
  }

  #remember(shape: ReadingShape | undefined): void {
    if (!shape) return
    this.#shapes.unshift(shape)
    if (this.#shapes.length > MOST_SHAPES) this.#shapes.pop()
  }
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
