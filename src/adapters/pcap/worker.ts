/** A thread that reads a capture and dissects its packets; another assembles them. */
import { parentPort, workerData } from 'node:worker_threads'
import { InputError, ReadReport } from '../read-report.ts'
import { Dissector } from './dissect.ts'
import { fileInput } from './file-input.ts'
import { PacketBatch } from './packet-batch.ts'
import { CaptureReader } from './reader.ts'
import type { WorkerMessage, WorkerTask } from './worker-task.ts'

function tell(message: WorkerMessage): void {
  parentPort!.postMessage(message)
}

function work({ path, source, memory, waiting }: WorkerTask): void {
  const report = new ReadReport(source)
  const batches = memory.map((shared) => new PacketBatch(shared))
  let index = 0
  // Bytes are needed as long as a batch that names them waits; every piece but an empty one has its own batch.
  const pieces: Uint8Array[] = []
  let piece = 0
  let isNamed = false

  const dissector = new Dissector(report, batches[0]!, ({ count, bytes }) => {
    isNamed = true
    Atomics.add(waiting, 0, 1)
    tell({ kind: 'batch', index, count, bytes })
    index = (index + 1) % batches.length
    // The batch that comes next has to have been taken.
    for (let n = Atomics.load(waiting, 0); n >= batches.length; n = Atomics.load(waiting, 0))
      Atomics.wait(waiting, 0, n)
    return batches[index]!
  })
  const reader = new CaptureReader(dissector, report)
  const pieceOf = (least: number) => {
    if (isNamed) piece = (piece + 1) % (batches.length + 1)
    isNamed = false
    if ((pieces[piece]?.length ?? 0) < least) pieces[piece] = new Uint8Array(new SharedArrayBuffer(least))
    return pieces[piece]!
  }
  for (const rest of fileInput(path, reader, pieceOf)) if (rest >= 0) reader.finish(rest)
  dissector.finish()
  tell({ kind: 'done', report })
}

if (parentPort) {
  try {
    work(workerData as WorkerTask)
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message, isInput: error instanceof InputError })
  }
}
