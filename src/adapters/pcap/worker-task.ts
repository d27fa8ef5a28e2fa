import type { ReadReport } from '../read-report.ts'
import { PacketBatch } from './packet-batch.ts'

/** What the worker is told. */
export interface WorkerTask {
  readonly path: string
  readonly source: string
  /** Shared memory of the batches, which are filled in turn. */
  readonly memory: readonly SharedArrayBuffer[]
  /** Batches that wait to be taken. */
  readonly waiting: Int32Array
}

/** Batches in turn; one is filled while the others wait. */
const BATCHES = 6

/** New shared memory for a worker. */
export function makeTask(path: string, source: string): WorkerTask {
  return {
    path,
    source,
    memory: Array.from({ length: BATCHES }, () => new SharedArrayBuffer(PacketBatch.size)),
    waiting: new Int32Array(new SharedArrayBuffer(4)),
  }
}

/** What the worker tells. */
export type WorkerMessage =
  | {
      readonly kind: 'batch'
      readonly index: number
      readonly count: number
      /** The bytes the packets lie in, shared too. */
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'done'; readonly report: ReadReport }
  | { readonly kind: 'failed'; readonly message: string; readonly isInput: boolean }
