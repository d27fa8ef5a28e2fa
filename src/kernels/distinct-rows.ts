/** The distinct rows of a table and how often each occurs. */
export interface DistinctRows {
  /** First occurrence of each distinct row, ascending: row `first[g]` stands for group g. */
  readonly first: Uint32Array
  /** How many rows equal row `first[g]`, itself included. */
  readonly weights: Uint32Array
  /** `groups[i]` is the group of row i. */
  readonly groups: Uint32Array
}

/**
 * Groups the rows of a row-major table that are equal bit by bit; 0 and -0 count as equal.
 * One pass over an open-addressing table, groups numbered by first occurrence.
 *
 * @param rows float32, n * d values
 * @param d values a row, at least 1
 */
export function distinctRows(rows: Float32Array, d: number): DistinctRows {
  const n = rows.length / d
  const bits = new Uint32Array(rows.buffer, rows.byteOffset, rows.length)
  const slots = 1 << Math.max(4, 33 - Math.clz32(n))
  const table = new Int32Array(slots).fill(-1)
  const first = new Uint32Array(n)
  const weights = new Uint32Array(n)
  const groups = new Uint32Array(n)
  let count = 0
  for (let i = 0; i < n; i++) {
    let slot = hashRow(bits, i * d, d) & (slots - 1)
    let group = table[slot]!
    while (group !== -1 && !equalRows(rows, first[group]! * d, i * d, d)) {
      slot = (slot + 1) & (slots - 1)
      group = table[slot]!
    }
    if (group === -1) {
      group = count++
      table[slot] = group
      first[group] = i
    }
    weights[group]!++
    groups[i] = group
  }
  return { first: first.slice(0, count), weights: weights.slice(0, count), groups }
}

/** Finds rows of one table among the rows of another: an index from row contents to row number. */
export class RowIndex {
  readonly #rows: Float32Array
  readonly #d: number
  readonly #table: Int32Array

  /** @param rows distinct rows, n * d float32 values; not copied */
  constructor(rows: Float32Array, d: number) {
    const n = rows.length / d
    this.#rows = rows
    this.#d = d
    this.#table = new Int32Array(1 << Math.max(4, 33 - Math.clz32(n))).fill(-1)
    const bits = new Uint32Array(rows.buffer, rows.byteOffset, rows.length)
    const mask = this.#table.length - 1
    for (let i = 0; i < n; i++) {
      let slot = hashRow(bits, i * d, d) & mask
      while (this.#table[slot] !== -1) slot = (slot + 1) & mask
      this.#table[slot] = i
    }
  }

  /** The number of the row that equals row i of `queries`, or -1. */
  find(queries: Float32Array, i: number): number {
    const d = this.#d
    const bits = new Uint32Array(queries.buffer, queries.byteOffset, queries.length)
    const mask = this.#table.length - 1
    let slot = hashRow(bits, i * d, d) & mask
    for (;;) {
      const row = this.#table[slot]!
      if (row === -1) return -1
      let j = 0
      while (j < d && queries[i * d + j] === this.#rows[row * d + j]) j++
      if (j === d) return row
      slot = (slot + 1) & mask
    }
  }
}

/** Murmur3's mixing over the bits of d values; -0 hashes as 0. */
function hashRow(bits: Uint32Array, from: number, d: number): number {
  let h = 0
  for (let j = 0; j < d; j++) {
    const word = bits[from + j]!
    let x = Math.imul(word === 0x80000000 ? 0 : word, 0xcc9e2d51)
    x = Math.imul((x << 15) | (x >>> 17), 0x1b873593)
    h ^= x
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function equalRows(rows: Float32Array, a: number, b: number, d: number): boolean {
  for (let j = 0; j < d; j++) if (rows[a + j] !== rows[b + j]) return false
  return true
}
