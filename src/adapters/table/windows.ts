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
 */
export async function* windows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Window> {
  let pending: Uint8Array[] = []
  let left = 0 // bytes the consumer could not use yet
  let gathered = 0 // bytes that came since
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    pending.push(chunk)
    gathered += chunk.length
    // Waiting until as much came as was left over keeps the copying linear for very long records.
    if (gathered < left) continue
    const window = { bytes: joined(pending), start: 0, final: false }
    yield window
    const rest = window.bytes.subarray(window.start)
    pending = rest.length > 0 ? [rest] : []
    left = rest.length
    gathered = 0
  }
  yield { bytes: joined(pending), start: 0, final: true }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!
  return Buffer.concat(parts)
}
