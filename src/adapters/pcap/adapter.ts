import { closeSync, openSync, readSync } from 'node:fs'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import type { Adapter, ReadOptions } from '../adapter.ts'
import type { ReadReport } from '../read-report.ts'
import type { Source } from '../source.ts'
import { FlowAssembler } from './assemble.ts'
import { Dissector } from './dissect.ts'
import { CaptureReader, isCapture } from './reader.ts'
import { FlowRows } from './rows.ts'

/** Bytes read from a file at once. */
const CHUNK = 2 * 1024 * 1024

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
  const dissector = new Dissector(new FlowAssembler(rows), report)
  const reader = new CaptureReader(dissector, report)
  const pieces = source.path ? fileInput(source.path, reader) : streamInput(source.bytes(), reader)
  for await (const rest of pieces) {
    if (rest >= 0) {
      reader.finish(rest)
      dissector.finish()
    }
    yield* rows.take(rest >= 0)
  }
}

/** Feeds a file; yields -1 after each piece and the number of unread bytes at the end. */
function* fileInput(path: string, reader: CaptureReader): Generator<number> {
  const file = openSync(path, 'r')
  try {
    let buffer = new Uint8Array(CHUNK)
    let filled = 0
    while (!reader.ended) {
      if (filled === buffer.length) buffer = grown(buffer, filled + 1)
      const read = readSync(file, buffer, filled, buffer.length - filled, null)
      if (read === 0) break
      filled += read
      const from = reader.consume(buffer, 0, filled)
      buffer.copyWithin(0, from, filled)
      filled -= from
      yield -1
    }
    yield filled
  } finally {
    closeSync(file)
  }
}

/** The same for a stream of chunks of any size. */
async function* streamInput(
  chunks: AsyncIterable<Uint8Array>,
  reader: CaptureReader,
): AsyncGenerator<number> {
  let kept = new Uint8Array(0)
  let filled = 0
  for await (const chunk of chunks) {
    let from = 0
    if (filled > 0) {
      // A packet spans chunks: complete it in the kept bytes.
      if (filled + chunk.length > kept.length) kept = grown(kept.subarray(0, filled), filled + chunk.length)
      kept.set(chunk, filled)
      filled += chunk.length
      from = reader.consume(kept, 0, filled)
      kept.copyWithin(0, from, filled)
      filled -= from
    } else {
      from = reader.consume(chunk, 0, chunk.length)
      if (from < chunk.length) {
        filled = chunk.length - from
        if (filled > kept.length) kept = new Uint8Array(filled)
        kept.set(chunk.subarray(from))
      }
    }
    if (reader.ended) break
    yield -1
  }
  yield filled
}

function grown(buffer: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(2 * buffer.length, least))
  larger.set(buffer)
  return larger
}
