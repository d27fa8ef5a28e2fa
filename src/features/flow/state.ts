import type { DecayTable } from '../decay-table.ts'

/** 'MWFB' in a little-endian word, and the version of what follows. */
const MAGIC = 0x4246574d
const VERSION = 1

/**
 * The tables one after the other: magic, version, number of tables, 0; a pair of lengths (keys, rows) each; then all
 * rows (float64) and all keys (int32). The order keeps everything aligned.
 */
export function tablesToBuffer(tables: readonly DecayTable[]): ArrayBuffer {
  const states = tables.map((table) => table.state)
  const head = [MAGIC, VERSION, tables.length, 0, ...states.flatMap((s) => [s.keys.length, s.rows.length])]
  const bytes = states.reduce((sum, s) => sum + s.keys.byteLength + s.rows.byteLength, 4 * head.length)
  const buffer = new ArrayBuffer(bytes)
  new Uint32Array(buffer, 0, head.length).set(head)
  let at = 4 * head.length
  for (const { rows } of states) {
    new Float64Array(buffer, at, rows.length).set(rows)
    at += rows.byteLength
  }
  for (const { keys } of states) {
    new Int32Array(buffer, at, keys.length).set(keys)
    at += keys.byteLength
  }
  return buffer
}

/**
 * Lets the tables go on from {@link tablesToBuffer}.
 *
 * @throws RangeError when `buffer` is damaged or was made by another version
 */
export function tablesFromBuffer(buffer: ArrayBufferLike, tables: readonly DecayTable[]): void {
  const words = 4 + 2 * tables.length
  const head = buffer.byteLength < 4 * words ? [] : [...new Uint32Array(buffer, 0, words)]
  const lengths = tables.map((_, k) => ({ keys: head[4 + 2 * k] ?? 0, rows: head[5 + 2 * k] ?? 0 }))
  const expected = lengths.reduce((sum, l) => sum + 4 * l.keys + 8 * l.rows, 4 * words)
  const known = head[0] === MAGIC && head[1] === VERSION && head[2] === tables.length
  if (!known || buffer.byteLength !== expected) {
    throw new RangeError(
      `the saved behaviour of flows expects version ${VERSION} and ${known ? expected : 'its header'} bytes, got ${buffer.byteLength} bytes that are damaged or of another version; start without it`,
    )
  }
  const copy = buffer.slice(0)
  let at = 4 * words
  const rows = lengths.map((l) => {
    const array = new Float64Array(copy, at, l.rows)
    at += array.byteLength
    return array
  })
  const keys = lengths.map((l) => {
    const array = new Int32Array(copy, at, l.keys)
    at += array.byteLength
    return array
  })
  tables.forEach((table, k) => {
    table.restore(keys[k]!, rows[k]!)
  })
}
