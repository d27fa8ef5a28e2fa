/** A thread that reads the whole capture but assembles only the flows of its shards. */
import { parentPort, workerData } from 'node:worker_threads'
import { InputError, ReadReport } from '../read-report.ts'
import { FlowAssembler, type FlowSink } from './assemble.ts'
import { Dissector } from './dissect.ts'
import { fileInput } from './file-input.ts'
import { STRIDE } from './flow-record.ts'
import { HostNames, type Naming } from './names.ts'
import { CaptureReader } from './reader.ts'

/** What the worker is told. */
export interface WorkerTask {
  readonly path: string
  readonly source: string
  readonly shards: readonly number[]
  /** Messages sent and not yet taken. */
  readonly inFlight: Int32Array
}

/** What the worker tells. */
export type WorkerMessage =
  | {
      readonly kind: 'flows'
      /** `count` flow records, ordered by `at`, then by first packet. */
      readonly records: Uint32Array<ArrayBuffer>
      /** The packet that finished each. */
      readonly at: Float64Array<ArrayBuffer>
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

/** Flow records a message holds; 1.3 MB. */
const RECORDS = 4096
/** Messages that may wait for the reader of the flows. */
const MAX_IN_FLIGHT = 4

class RecordSink implements FlowSink {
  readonly #task: WorkerTask
  readonly #names = new HostNames()
  #records = new Uint32Array(RECORDS * STRIDE)
  #at = new Float64Array(RECORDS)
  #count = 0

  constructor(task: WorkerTask) {
    this.#task = task
  }

  flow(u: Uint32Array, _f: Float64Array, b: number, at: number): void {
    this.#records.set(u.subarray(b, b + STRIDE), this.#count * STRIDE)
    this.#at[this.#count++] = at
    // Flows finished by the same packet may follow, so everything before it is complete, not it.
    if (this.#count === RECORDS) this.send(at - 1)
  }

  naming(service: number, buf: Uint8Array, at: number, length: number, packet: number): void {
    this.#names.learn(service, buf, at, length, packet)
  }

  send(upTo: number): void {
    const { inFlight } = this.#task
    for (let n = Atomics.load(inFlight, 0); n >= MAX_IN_FLIGHT; n = Atomics.load(inFlight, 0)) {
      Atomics.wait(inFlight, 0, n)
    }
    Atomics.add(inFlight, 0, 1)
    const message: WorkerMessage = {
      kind: 'flows',
      records: this.#records,
      at: this.#at,
      count: this.#count,
      upTo,
      names: this.#names.takeNews(),
    }
    parentPort!.postMessage(message, [this.#records.buffer, this.#at.buffer])
    this.#records = new Uint32Array(RECORDS * STRIDE)
    this.#at = new Float64Array(RECORDS)
    this.#count = 0
  }

  get waiting(): number {
    return this.#count
  }
}

/** Packets after which the others are told how far this one is, though it has few flows to tell. */
const TELL_EVERY = 200_000

function work(task: WorkerTask): WorkerMessage {
  const report = new ReadReport(task.source)
  const sink = new RecordSink(task)
  const assembler = new FlowAssembler(sink, task.shards)
  const dissector = new Dissector(assembler, report)
  const reader = new CaptureReader(dissector, report)
  let told = 0
  for (const rest of fileInput(task.path, reader)) {
    if (rest >= 0) {
      reader.finish(rest)
      dissector.finish()
      sink.send(Number.MAX_SAFE_INTEGER)
    } else if (reader.packets - told >= TELL_EVERY) {
      told = reader.packets
      sink.send(assembler.packets)
    }
  }
  return { kind: 'done', report, badChecksums: assembler.badChecksums, evicted: assembler.evicted }
}

if (parentPort) {
  try {
    parentPort.postMessage(work(workerData as WorkerTask))
  } catch (error) {
    const failed: WorkerMessage = {
      kind: 'failed',
      message: (error as Error).message,
      isInput: error instanceof InputError,
    }
    parentPort.postMessage(failed)
  }
}
