import { closeSync, openSync, readSync } from 'node:fs'
import type { CaptureReader } from './reader.ts'

/** Bytes read from a file at once; with the packets cut from them they stay in the cache. */
const CHUNK = 512 * 1024

/**
 * Feeds a file to the reader; yields -1 after each piece, and at the end the number of unread bytes.
 *
 * @param bufferOf gives the memory for the next piece, at least that many bytes
 */
export function* fileInput(
  path: string,
  reader: CaptureReader,
  bufferOf: (least: number) => Uint8Array = sameBuffer(),
): Generator<number> {
  const file = openSync(path, 'r')
  try {
    let buffer = bufferOf(CHUNK)
    let filled = 0
    while (!reader.ended) {
      const read = readSync(file, buffer, filled, buffer.length - filled, null)
      if (read === 0) break
      const end = filled + read
      const from = reader.consume(buffer, 0, end)
      filled = end - from
      const next = bufferOf(Math.max(CHUNK, 2 * filled))
      next.set(buffer.subarray(from, end))
      buffer = next
      yield -1
    }
    yield filled
  } finally {
    closeSync(file)
  }
}

function sameBuffer(): (least: number) => Uint8Array {
  let buffer = new Uint8Array(CHUNK)
  return (least) => {
    if (least > buffer.length) buffer = new Uint8Array(least)
    return buffer
  }
}

/** The same for a stream of chunks of any size. */
export async function* streamInput(
  chunks: AsyncIterable<Uint8Array>,
  reader: CaptureReader,
): AsyncGenerator<number> {
  let kept = new Uint8Array(0)
  let filled = 0
  for await (const chunk of chunks) {
    if (filled > 0) {
      // A packet spans chunks: complete it in the kept bytes.
      if (filled + chunk.length > kept.length) kept = grown(kept.subarray(0, filled), filled + chunk.length)
      kept.set(chunk, filled)
      filled += chunk.length
      const from = reader.consume(kept, 0, filled)
      kept.copyWithin(0, from, filled)
      filled -= from
    } else {
      const from = reader.consume(chunk, 0, chunk.length)
      filled = chunk.length - from
      if (filled > kept.length) kept = new Uint8Array(filled)
      kept.set(chunk.subarray(from))
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
