import { TextDecoder } from 'node:util'

/** Bytes with a UTF-16 byte order mark come out as UTF-8; a UTF-8 one is left out. Everything else as it is. */
export async function* asUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let decoder: TextDecoder | undefined
  let start: Uint8Array | undefined = new Uint8Array(0)
  for await (const chunk of chunks) {
    let bytes = chunk
    if (start) {
      bytes = start.length > 0 ? Buffer.concat([start, chunk]) : chunk
      if (bytes.length < 3) {
        start = bytes
        continue
      }
      start = undefined
      const encoding = utf16(bytes)
      if (encoding) decoder = new TextDecoder(encoding)
      else bytes = withoutMark(bytes)
    }
    yield decoder ? Buffer.from(decoder.decode(bytes, { stream: true })) : bytes
  }
  if (start && start.length > 0) yield start
  const rest = decoder?.decode()
  if (rest) yield Buffer.from(rest)
}

/** The first bytes of a source as UTF-8. */
export function headAsUtf8(head: Uint8Array): Uint8Array {
  const encoding = utf16(head)
  if (!encoding) return withoutMark(head)
  return Buffer.from(new TextDecoder(encoding).decode(head.subarray(0, head.length & ~1)))
}

function utf16(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}
