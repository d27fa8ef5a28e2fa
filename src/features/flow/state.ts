import type { DecayTable, TableState } from '../decay-table.ts'

/** 'MWFB' in a little-endian word, and the version of what follows. */
const MAGIC = 0x4246574d
const VERSION = 2

/**
 * The tables one after the other: magic, version, number of tables, 0; slots, numbers of keys, of rows, 0 for each;
 * then all rows (float64) and all keys (int32). The order keeps everything aligned.
 *
 * @param since what was not met since then is left out, seconds since the epoch
 */
export function tablesToBuffer(tables: readonly DecayTable[], since?: number): ArrayBuffer {
  const states = tables.map((table) => table.save(since))
  const head = [MAGIC, VERSION, tables.length, 0]
  for (const { slots, keys, rows } of states) head.push(slots, keys.length, rows.length, 0)
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
  const words = 4 + 4 * tables.length
  const head = buffer.byteLength < 4 * words ? [] : [...new Uint32Array(buffer, 0, words)]
  const lengths = tables.map((_, k) => {
    const [slots = 0, keys = 0, rows = 0] = head.slice(4 + 4 * k)
    return { slots, keys, rows }
  })
  const expected = lengths.reduce((sum, l) => sum + 4 * l.keys + 8 * l.rows, 4 * words)
  const known = head[0] === MAGIC && head[1] === VERSION && head[2] === tables.length
  if (!known || buffer.byteLength !== expected) {
    throw new RangeError(
      `the saved behaviour of flows expects version ${VERSION} and ${known ? expected : 'its header'} bytes, got ${buffer.byteLength} bytes that are damaged or of another version; start without it`,
    )
  }
  let at = 4 * words
  const rows = lengths.map((l) => {
    const array = new Float64Array(buffer, at, l.rows)
    at += array.byteLength
    return array
  })
  const states = lengths.map(({ slots, keys }, k): TableState => {
    const array = new Int32Array(buffer, at, keys)
    at += array.byteLength
    return { slots, keys: array, rows: rows[k]! }
  })
  tables.forEach((table, k) => {
    table.restore(states[k]!)
  })
}
