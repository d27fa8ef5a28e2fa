import { closeSync, openSync, readSync } from 'node:fs'

/** Bytes at hand: the consumer reads from `start` and moves it past what it has used up. */
export interface Window {
  readonly bytes: Uint8Array
  start: number
  /** No more bytes follow. */
  readonly final: boolean
}

/**
 * Turns chunks into windows over contiguous bytes: what the consumer leaves over is put in front of the
 * next chunk. A window may be unchanged but for more bytes; there is always one last, `final`, window.
 *
 * @param terminator byte that ends a record wherever it stands: then only the record a chunk cuts is joined
 *   from both, and the rest of the chunk is not copied
 */
export async function* windows(chunks: AsyncIterable<Uint8Array>, terminator = -1): AsyncGenerator<Window> {
  let pending: Uint8Array[] = []
  let left = 0 // bytes the consumer could not use yet
  let gathered = 0 // bytes that came since
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    let rest = chunk
    const cut = terminator >= 0 && left > 0 && gathered === 0 ? chunk.indexOf(terminator) + 1 : 0
    if (cut > 0) {
      const record = { bytes: joined([...pending, chunk.subarray(0, cut)]), start: 0, final: false }
      yield record
      rest = chunk.subarray(cut)
      pending = record.start < record.bytes.length ? [record.bytes.subarray(record.start)] : []
    }
    if (rest.length === 0) {
      left = pending.reduce((sum, part) => sum + part.length, 0)
      continue
    }
    pending.push(rest)
    gathered += rest.length
    // Waiting until as much came as was left over keeps the copying linear for very long records.
    if (gathered < left) continue
    const window = { bytes: joined(pending), start: 0, final: false }
    yield window
    const unused = window.bytes.subarray(window.start)
    pending = unused.length > 0 ? [unused] : []
    left = unused.length
    gathered = 0
  }
  yield { bytes: joined(pending), start: 0, final: true }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  return Buffer.concat(parts)
}

/** Bytes read from a file at once. */
const CHUNK = 1 << 20

/**
 * {@link windows} over a file, into the same memory again and again: fresh memory for every chunk costs more than
 * reading. What is in a window is gone when the next one is asked for.
 */
export async function* fileWindows(path: string, progress?: (read: number) => void): AsyncGenerator<Window> {
  const file = openSync(path, 'r')
  try {
    let buffer = Buffer.allocUnsafeSlow(CHUNK)
    let filled = 0
    let all = 0
    for (;;) {
      const read = readSync(file, buffer, filled, buffer.length - filled, null)
      all += read
      progress?.(all)
      const end = filled + read
      const window = { bytes: buffer.subarray(0, end), start: 0, final: read === 0 }
      yield window
      if (read === 0) return
      filled = end - window.start
      // As much room as is taken, so that the copying of a very long record stays linear.
      const next = 2 * filled <= buffer.length ? buffer : Buffer.allocUnsafeSlow(2 * buffer.length)
      buffer.copy(next, 0, window.start, end)
      buffer = next
      // Signals and the progress bar have their turn.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  } finally {
    closeSync(file)
  }
}
