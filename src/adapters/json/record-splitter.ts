import { MAX_DEPTH } from './flatten.ts'

/** Longest record; what is longer is no record. */
export const MAX_RECORD = 1 << 20

const NEWLINE = 10
const QUOTE = 34
const BACKSLASH = 92
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const OPEN_LIST = 91
const CLOSE_LIST = 93
const COMMA = 44

/** One piece found: an object's bytes, or something that is none. */
export interface Piece {
  start: number
  end: number
  /** An object whose brackets match; anything else is to be rejected. */
  object: boolean
  reason: string
}

/**
 * Finds top-level objects in bytes: one a line, in one list, one after another, pretty-printed, inside
 * the list of a wrapper. Only brackets and strings are looked at; each object is parsed later on its own,
 * so memory stays with one record.
 */
export class RecordSplitter {
  readonly piece: Piece = { start: 0, end: 0, object: false, reason: '' }
  /** Waiting for the next line, after a record that does not end. */
  #skipping = false
  /** The records are those of one list: what follows its end is passed over. */
  inList = false
  #ended = false

  /**
   * Finds the next piece from `start`.
   *
   * @returns where to go on; `piece.end` is 0 when only filler was passed over; -1 when the piece does not
   *   end within `bytes` (never when `final`)
   */
  next(bytes: Uint8Array, start: number, final: boolean): number {
    const { piece } = this
    piece.end = 0
    if (this.#ended) return bytes.length
    if (this.#skipping) return this.#nextLine(bytes, start)
    let i = start
    for (; i < bytes.length; i++) {
      const c = bytes[i]!
      if (c === CLOSE_LIST && this.inList) {
        this.#ended = true
        return bytes.length
      }
      if (c > 32 && c !== COMMA && c !== OPEN_LIST && c !== CLOSE_LIST && c !== 30 /* RS of RFC 7464 */) break
    }
    if (i === bytes.length) return i
    piece.start = i
    return bytes[i] === OPEN_OBJECT ? this.#object(bytes, i, final) : this.#other(bytes, i, final)
  }

  #object(bytes: Uint8Array, start: number, final: boolean): number {
    const limit = Math.min(bytes.length, start + MAX_RECORD)
    let depth = 0
    let deepest = 0
    for (let i = start; i < limit; i++) {
      const c = bytes[i]!
      if (c === QUOTE) {
        i++
        while (i < limit && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
      } else if (c === OPEN_OBJECT || c === OPEN_LIST) {
        depth++
        if (depth > deepest) deepest = depth
      } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) {
        depth--
        if (depth === 0) return this.#found(start, i + 1, deepest <= MAX_DEPTH, 'nested too deep')
      }
    }
    if (limit === bytes.length && bytes.length - start < MAX_RECORD && !final) return -1
    // Unclosed: only its first line is given up, records may follow on the next ones.
    const next = this.#nextLine(bytes, start)
    this.#found(start, Math.max(start + 1, next), false, 'object does not end')
    return next
  }

  /** A scalar or stray text: up to the end of its line, or a bracket. */
  #other(bytes: Uint8Array, start: number, final: boolean): number {
    let i = start
    for (; i < bytes.length; i++) {
      const c = bytes[i]!
      if (c === NEWLINE || c === OPEN_OBJECT || c === COMMA || c === CLOSE_LIST) break
    }
    if (i === bytes.length && !final) {
      if (bytes.length - start <= MAX_RECORD) return -1
      this.#skipping = true
    }
    if (i === start) i++
    return this.#found(start, i, false, 'not an object')
  }

  #found(start: number, end: number, object: boolean, reason: string): number {
    this.piece.start = start
    this.piece.end = end
    this.piece.object = object
    this.piece.reason = object ? '' : reason
    return end
  }

  #nextLine(bytes: Uint8Array, start: number): number {
    const end = bytes.indexOf(NEWLINE, start)
    this.#skipping = end < 0
    return end < 0 ? bytes.length : end + 1
  }
}

/**
 * Where the records of a wrapper such as `{"count":2,"data":{"items":[{…` begin: after the bracket of
 * the first list of objects that is nested in objects only; -1 when there is none.
 */
export function wrappedList(bytes: Uint8Array): number {
  let depth = 0
  for (let i = 0; i < bytes.length && depth <= 4; i++) {
    const c = bytes[i]!
    if (c === QUOTE) {
      i++
      while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
    } else if (c === OPEN_OBJECT) depth++
    else if (c === CLOSE_OBJECT) {
      if (--depth === 0) return -1
    } else if (c === OPEN_LIST) {
      if (depth === 0) return -1
      let j = i + 1
      while (j < bytes.length && bytes[j]! <= 32) j++
      if (bytes[j] === OPEN_OBJECT) return j
      i = skipList(bytes, i)
    }
  }
  return -1
}

/** Index of the bracket that closes the list opened at `start`. */
function skipList(bytes: Uint8Array, start: number): number {
  let depth = 0
  for (let i = start; i < bytes.length; i++) {
    const c = bytes[i]!
    if (c === QUOTE) {
      i++
      while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1
    } else if (c === OPEN_LIST) depth++
    else if (c === CLOSE_LIST && --depth === 0) return i
  }
  return bytes.length
}
