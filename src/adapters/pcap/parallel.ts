import { Worker } from 'node:worker_threads'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import { InputError, type ReadReport } from '../read-report.ts'
import { SHARDS } from './assemble.ts'
import { settle } from './dissect.ts'
import { FIRST_PACKET, STRIDE } from './flow-record.ts'
import type { FlowRows } from './rows.ts'
import { makeSlots, type Slot, type WorkerMessage, type WorkerTask } from './worker-task.ts'

type Flows = Extract<WorkerMessage, { kind: 'flows' }>

/** One worker's flows, as far as they have come. */
class Lane {
  readonly inFlight = new Int32Array(new SharedArrayBuffer(4))
  readonly worker: Worker
  #queue: Flows[] = []
  #next = 0
  readonly #slots: readonly Slot[] = makeSlots()
  readonly #doubles = this.#slots.map((slot) => new Float64Array(slot.records.buffer))
  /** Everything this worker finished up to that packet has come. */
  upTo = 0
  /** Whether the flow that comes next has come. */
  known = false
  /** The packet that finished it and its first packet; when it has not come, it comes no sooner than this. */
  at = 0
  first = 0
  done: Extract<WorkerMessage, { kind: 'done' }> | undefined
  failed: Error | undefined

  constructor(path: string, source: string, shards: readonly number[], wake: () => void) {
    const task: WorkerTask = { path, source, shards, slots: this.#slots, inFlight: this.inFlight }
    const file = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    // Flags of the main thread (--input-type with -e, for one) need not fit a file.
    this.worker = new Worker(file, { workerData: task, execArgv: [] })
    this.worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'flows') {
        this.upTo = message.upTo
        this.#queue.push(message)
      } else if (message.kind === 'done') this.done = message
      else this.failed = message.isInput ? new InputError(message.message) : new Error(message.message)
      wake()
    })
    this.worker.on('error', (error) => {
      this.failed = error instanceof Error ? error : new Error(String(error))
      wake()
    })
  }

  /** The message whose flows come next; messages that are used up are given back. */
  #head(rows: FlowRows): Flows | undefined {
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      if (this.#next < head.count) return head
      rows.named(head.names)
      this.#queue.shift()
      this.#next = 0
      Atomics.sub(this.inFlight, 0, 1)
      Atomics.notify(this.inFlight, 0)
    }
    return undefined
  }

  /** Looks at the flow that comes next. */
  refresh(rows: FlowRows): void {
    const head = this.#head(rows)
    this.known = head !== undefined
    if (!head) {
      // What was finished by a later packet may still come.
      this.at = this.upTo + 1
      this.first = 0
      return
    }
    this.at = this.#slots[head.slot]!.at[this.#next]!
    this.first = this.#doubles[head.slot]![(this.#next * STRIDE + FIRST_PACKET) >> 1]!
  }

  /** Writes flows as long as they come before (`at`, `first`). */
  write(rows: FlowRows, at: number, first: number): void {
    const head = this.#head(rows)
    if (!head) return
    const f = this.#doubles[head.slot]!
    const { records: u, at: finishedAt } = this.#slots[head.slot]!
    let i = this.#next
    while (i < head.count) {
      const finished = finishedAt[i]!
      if (finished > at || (finished === at && f[(i * STRIDE + FIRST_PACKET) >> 1]! >= first)) break
      rows.flow(u, f, i * STRIDE)
      i++
    }
    this.#next = i
  }
}

/**
 * Reads a capture with several threads: each follows all packets but keeps only the flows of its shards;
 * here they are put together in the order one thread gives.
 */
export async function* readParallel(
  path: string,
  workers: number,
  rows: FlowRows,
  report: ReadReport,
): AsyncGenerator<FlowBatch> {
  let wake = () => {}
  const shards = Array.from({ length: workers }, (_, w) =>
    Array.from({ length: SHARDS }, (_, s) => s).filter((s) => s % workers === w),
  )
  const lanes = shards.map((own) => new Lane(path, report.source, own, () => wake()))
  try {
    for (;;) {
      const news = new Promise<void>((resolve) => {
        wake = resolve
      })
      for (const lane of lanes) if (lane.failed) throw lane.failed
      merge(lanes, rows)
      yield* rows.take(false)
      if (lanes.every((lane) => lane.done && !lane.known)) break
      await news
    }
  } finally {
    for (const lane of lanes) void lane.worker.terminate()
  }
  const results = lanes.map((lane) => lane.done!)
  adopt(report, results[0]!.report)
  settle(report, {
    badChecksums: results.reduce((n, r) => n + r.badChecksums, 0),
    evicted: results.reduce((n, r) => n + r.evicted, 0),
  })
  yield* rows.take(true)
}

/** Writes what is certain to come next, until a lane has to be waited for. */
function merge(lanes: readonly Lane[], rows: FlowRows): void {
  for (const lane of lanes) lane.refresh(rows)
  for (;;) {
    // The lane with the earliest flow writes until another lane's turn comes.
    let from: Lane | undefined
    for (const lane of lanes) if (lane.known && (!from || before(lane, from.at, from.first))) from = lane
    if (!from) return
    let at = Number.POSITIVE_INFINITY
    let first = 0
    for (const lane of lanes) {
      if (lane !== from && before(lane, at, first)) {
        at = lane.at
        first = lane.first
      }
    }
    if (!before(from, at, first)) return
    from.write(rows, at, first)
    from.refresh(rows)
  }
}

function before(lane: Lane, at: number, first: number): boolean {
  return lane.at < at || (lane.at === at && lane.first < first)
}

/** Every worker counts every packet, so one report tells for all. */
function adopt(report: ReadReport, from: ReadReport): void {
  report.dialect = from.dialect
  report.used = from.used
  report.rejected = from.rejected
  for (const [reason, count] of from.reasons) report.reasons.set(reason, count)
  report.problems.push(...from.problems)
  for (const note of from.notes) report.note(note)
}
