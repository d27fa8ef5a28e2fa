/** A thread that reads the whole capture but assembles only the flows of its shards. */
import { parentPort, workerData } from 'node:worker_threads'
import { InputError, ReadReport } from '../read-report.ts'
import { FlowAssembler, type FlowSink } from './assemble.ts'
import { Dissector } from './dissect.ts'
import { fileInput } from './file-input.ts'
import { STRIDE } from './flow-record.ts'
import { HostNames } from './names.ts'
import { CaptureReader } from './reader.ts'
import { RECORDS, SLOTS, type WorkerMessage, type WorkerTask } from './worker-task.ts'

class RecordSink implements FlowSink {
  readonly #task: WorkerTask
  readonly #names = new HostNames()
  #slot = 0
  #count = 0

  constructor(task: WorkerTask) {
    this.#task = task
  }

  flow(u: Uint32Array, _f: Float64Array, b: number, at: number): void {
    const slot = this.#task.slots[this.#slot]!
    const target = slot.records
    const to = this.#count * STRIDE
    for (let i = 0; i < STRIDE; i++) target[to + i] = u[b + i]!
    slot.at[this.#count++] = at
    // Flows finished by the same packet may follow, so everything before it is complete, not it.
    if (this.#count === RECORDS) this.send(at - 1)
  }

  naming(service: number, buf: Uint8Array, at: number, length: number, packet: number): void {
    this.#names.learn(service, buf, at, length, packet)
  }

  send(upTo: number): void {
    const { inFlight } = this.#task
    Atomics.add(inFlight, 0, 1)
    const message: WorkerMessage = {
      kind: 'flows',
      slot: this.#slot,
      count: this.#count,
      upTo,
      names: this.#names.takeNews(),
    }
    parentPort!.postMessage(message)
    this.#slot = (this.#slot + 1) % SLOTS
    this.#count = 0
    // The slot that comes next has to have been read.
    for (let n = Atomics.load(inFlight, 0); n >= SLOTS; n = Atomics.load(inFlight, 0))
      Atomics.wait(inFlight, 0, n)
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
