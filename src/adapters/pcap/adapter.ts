import { statSync } from 'node:fs'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import type { Adapter, ReadOptions } from '../adapter.ts'
import type { ReadReport } from '../read-report.ts'
import type { Source } from '../source.ts'
import { FlowAssembler } from './assemble.ts'
import { Dissector, settle } from './dissect.ts'
import { fileInput, streamInput } from './file-input.ts'
import { PacketBatch } from './packet-batch.ts'
import { readParallel } from './parallel.ts'
import { CaptureReader, isCapture } from './reader.ts'
import { FlowRows } from './rows.ts'

/** Bytes from which starting a worker takes less time than it saves. */
const WORTH_WORKER = 32 * 1024 * 1024

/** Captures in pcap or pcapng to flows. */
export const pcapAdapter: Adapter = {
  name: 'pcap',
  description: 'packet captures (pcap, pcapng), assembled to flows in the manner of Zeek conn.log',
  accepts: isCapture,
  read,
}

async function* read(source: Source, options: ReadOptions, report: ReadReport): AsyncGenerator<FlowBatch> {
  report.adapter = 'pcap'
  report.unit = 'packets'
  const rows = new FlowRows(options.batchSize ?? 8192)
  const { path } = source
  if ((options.workers ?? 1) > 1 && path !== undefined && statSync(path).size >= WORTH_WORKER) {
    yield* readParallel(path, rows, report)
    return
  }
  const assembler = new FlowAssembler(rows)
  const dissector = new Dissector(report, new PacketBatch(), (batch) => {
    assembler.take(batch)
    return batch
  })
  const reader = new CaptureReader(dissector, report)
  const pieces = path === undefined ? streamInput(source.bytes(), reader) : fileInput(path, reader)
  for await (const rest of pieces) {
    if (rest >= 0) {
      reader.finish(rest)
      dissector.finish()
      for (const _ of assembler.finish()) yield* rows.take(false)
      settle(report, assembler)
    }
    yield* rows.take(rest >= 0)
  }
}
