import type { ReadReport } from '../read-report.ts'
import { STRIDE } from './flow-record.ts'
import type { Naming } from './names.ts'

/** What the worker is told. */
export interface WorkerTask {
  readonly path: string
  readonly source: string
  readonly shards: readonly number[]
  /** Where finished flows are written, a slot a message. */
  readonly slots: readonly Slot[]
  /** Slots that wait to be read. */
  readonly inFlight: Int32Array
}

/** Shared memory for the flows of a message: nothing is copied or allocated on the way. */
export interface Slot {
  /** Flow records, ordered by `at`, then by first packet. */
  readonly records: Uint32Array
  /** The packet that finished each. */
  readonly at: Float64Array
}

/** Slots a worker has; it writes one while the others wait to be read. */
export const SLOTS = 5
/** Flow records in a slot; 1.3 MB. */
export const RECORDS = 4096

/** New shared memory for a worker. */
export function makeSlots(): Slot[] {
  return Array.from({ length: SLOTS }, () => ({
    records: new Uint32Array(new SharedArrayBuffer(RECORDS * STRIDE * 4)),
    at: new Float64Array(new SharedArrayBuffer(RECORDS * 8)),
  }))
}

/** What the worker tells. */
export type WorkerMessage =
  | {
      readonly kind: 'flows'
      readonly slot: number
      /** Flows in the slot. */
      readonly count: number
      /** All flows finished up to this packet have been sent. */
      readonly upTo: number
      readonly names: readonly Naming[]
    }
  | {
      readonly kind: 'done'
      readonly report: ReadReport
      readonly badChecksums: number
      readonly evicted: number
    }
  | { readonly kind: 'failed'; readonly message: string; readonly isInput: boolean }
