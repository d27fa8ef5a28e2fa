import { HASH_PRIME, HASH_START } from './byte-map.ts'
import { type FlowCell, type FlowWriter, NUMBER, PORT, PROTO, UNIQUE, WORD } from './flow-writer.ts'

/** Longest line taken for one record; what is longer is no log line. */
export const MAX_LINE = 1 << 20
const SKIP = 100
/** Any kind that is left to the writer once the cell's end is found. */
const OTHER = 101
const NEWLINE = 10
const CARRIAGE_RETURN = 13
const DASH = 45
const HASH = 35
const POINT = 46
const POWERS = Float64Array.from({ length: 10 }, (_, k) => Number(`1e${k}`))
const MAX_EXACT = 2 ** 53

/**
 * Reads well-formed lines of a delimited log in one pass: digits become numbers and bytes hashes while
 * the cell's end is looked for. A line with anything unusual is refused and left to the careful way.
 */
export class FastLine {
  readonly #writer: FlowWriter
  readonly #separator: number
  readonly #dash: number
  /** By source column: what to do, and the cell to write. */
  readonly #kinds: Uint8Array
  readonly #cells: readonly (FlowCell | undefined)[]
  readonly #bindings: Int32Array

  /** @param columns source column of each of the writer's bindings, of `width` in all */
  constructor(
    writer: FlowWriter,
    columns: Int32Array,
    width: number,
    separator: number,
    dashIsUnset: boolean,
  ) {
    this.#writer = writer
    this.#separator = separator
    this.#dash = dashIsUnset ? DASH : -1
    this.#kinds = new Uint8Array(width).fill(SKIP)
    this.#bindings = new Int32Array(width)
    const cells: (FlowCell | undefined)[] = new Array(width).fill(undefined)
    columns.forEach((column, j) => {
      const cell = writer.cells[j]!
      const plain = [NUMBER, PORT, PROTO, WORD, UNIQUE].includes(cell.kind) && cell.factor === 1
      this.#kinds[column] = plain ? cell.kind : OTHER
      this.#bindings[column] = j
      cells[column] = cell
    })
    this.#cells = cells
  }

  /** Lines that {@link readLines} read last. */
  lines = 0

  /**
   * Reads lines from `start` on until one is not plain, begins with `#`, or the writer is full.
   *
   * @param end where the last line ends, behind its line feed
   * @returns where the first line begins that was not read
   */
  readLines(bytes: Uint8Array, start: number, end: number): number {
    const writer = this.#writer
    const first = writer.length
    let at = start
    while (at < end && bytes[at] !== HASH && writer.length < writer.capacity) {
      const next = this.read(bytes, at)
      if (next < 0) break
      at = next
    }
    this.lines = writer.length - first
    return at
  }

  /**
   * Reads the line at `start`, which must end with a line feed within `bytes`.
   *
   * @returns where the next line begins, the row being written; -1 when the line is not plain: nothing
   *   counts as written
   */
  read(bytes: Uint8Array, start: number): number {
    const writer = this.#writer
    const row = writer.length
    const separator = this.#separator
    const kinds = this.#kinds
    const cells = this.#cells
    const dash = this.#dash
    const last = kinds.length - 1
    let i = start
    for (let column = 0; column <= last; column++) {
      const from = i
      let c = bytes[i]!
      switch (kinds[column]) {
        case SKIP:
          while (c !== separator && c !== NEWLINE) c = bytes[++i]!
          break
        case NUMBER: {
          const floats = cells[column]!.floats
          // Up to nine digits at a time fit an int32; the parts then join exactly, as in parseNumber.
          let digits = 0
          let digit = c - 48
          const nine = i + 9
          while (digit >= 0 && digit <= 9 && i < nine) {
            digits = (Math.imul(digits, 10) + digit) | 0
            c = bytes[++i]!
            digit = c - 48
          }
          if (i === from) {
            if (c !== dash) return -1
            c = bytes[++i]!
            floats[row] = Number.NaN
            break
          }
          let value = digits
          if (i === nine && digit >= 0 && digit <= 9) {
            digits = 0
            while (digit >= 0 && digit <= 9 && i < nine + 6) {
              digits = (Math.imul(digits, 10) + digit) | 0
              c = bytes[++i]!
              digit = c - 48
            }
            value = value * POWERS[i - nine]! + digits
          }
          if (c === POINT) {
            const first = ++i
            digits = 0
            c = bytes[i]!
            digit = c - 48
            while (digit >= 0 && digit <= 9 && i < first + 9) {
              digits = (Math.imul(digits, 10) + digit) | 0
              c = bytes[++i]!
              digit = c - 48
            }
            const power = POWERS[i - first]!
            value = value * power + digits
            if (value > MAX_EXACT) return -1
            value /= power
          }
          floats[row] = value
          break
        }
        case WORD: {
          const target = cells[column]!.column!
          const end = target.setRepeated(row, bytes, from, separator)
          if (end >= 0) {
            i = end
            c = bytes[i]!
            break
          }
          let hash = HASH_START
          while (c !== separator && c !== NEWLINE) {
            hash = Math.imul(hash ^ c, HASH_PRIME)
            c = bytes[++i]!
          }
          if (!target.setHashed(row, bytes, from, i, hash)) return -1
          break
        }
        case UNIQUE:
          while (c !== separator && c !== NEWLINE) c = bytes[++i]!
          if (i - from === 1 && bytes[from] === dash) writer.unique!.set(row, bytes, from, from)
          else writer.unique!.set(row, bytes, from, i)
          break
        case PROTO:
          i = writer.setProtocol(bytes, from, separator)
          c = bytes[i]!
          break
        case PORT: {
          let port = 0
          let digit = c - 48
          while (digit >= 0 && digit <= 9) {
            port = port * 10 + digit
            c = bytes[++i]!
            digit = c - 48
          }
          if (i === from || port > 65535) return -1
          cells[column]!.ports[row] = port
          break
        }
        default:
          while (c !== separator && c !== NEWLINE) c = bytes[++i]!
          if (!writer.set(this.#bindings[column]!, bytes, from, i)) return -1
      }
      if (column < last ? c !== separator : c !== NEWLINE) return -1
      i++
    }
    if (bytes[i - 2] === CARRIAGE_RETURN || i - start > MAX_LINE) return -1
    writer.next()
    return i
  }
}
