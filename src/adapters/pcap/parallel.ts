import { Worker } from 'node:worker_threads'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import { InputError, type ReadReport } from '../read-report.ts'
import { FlowAssembler } from './assemble.ts'
import { settle } from './dissect.ts'
import { PacketBatch } from './packet-batch.ts'
import type { FlowRows } from './rows.ts'
import { makeTask, type WorkerMessage } from './worker-task.ts'

/** Reads a capture with two threads: a worker reads and dissects the packets, this one assembles the flows. */
export async function* readParallel(
  path: string,
  rows: FlowRows,
  report: ReadReport,
): AsyncGenerator<FlowBatch> {
  const task = makeTask(path, report.source)
  const file = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
  // Flags of the main thread (--input-type with -e, for one) need not fit a file.
  const worker = new Worker(file, { workerData: task, execArgv: [] })
  const queue: WorkerMessage[] = []
  let failed: unknown
  let wake = () => {}
  worker.on('message', (message: WorkerMessage) => {
    queue.push(message)
    wake()
  })
  worker.on('error', (error) => {
    failed = error
    wake()
  })
  const batches = task.memory.map((shared) => new PacketBatch(shared))
  const assembler = new FlowAssembler(rows)
  try {
    for (;;) {
      const message = queue.shift()
      if (message?.kind === 'batch') {
        const batch = batches[message.index]!
        batch.count = message.count
        batch.bytes = message.bytes
        assembler.take(batch)
        Atomics.sub(task.waiting, 0, 1)
        Atomics.notify(task.waiting, 0)
        yield* rows.take(false)
      } else if (message?.kind === 'done') {
        adopt(report, message.report)
        break
      } else if (message) throw message.isInput ? new InputError(message.message) : new Error(message.message)
      else if (failed) throw failed instanceof Error ? failed : new Error(String(failed))
      else {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    void worker.terminate()
  }
  for (const _ of assembler.finish()) yield* rows.take(false)
  settle(report, assembler)
  yield* rows.take(true)
}

/** The worker counts the packets. */
function adopt(report: ReadReport, from: ReadReport): void {
  report.dialect = from.dialect
  report.used = from.used
  report.rejected = from.rejected
  for (const [reason, count] of from.reasons) report.reasons.set(reason, count)
  report.problems.push(...from.problems)
  for (const note of from.notes) report.note(note)
}
