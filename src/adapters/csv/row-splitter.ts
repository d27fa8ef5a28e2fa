const NEWLINE = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const QUOTE = 34

/** Longest row; a quote that is never closed must not swallow the file. */
export const MAX_ROW = 1 << 20

/**
 * Finds the cells of delimited rows (RFC 4180, any one-byte delimiter) in bytes, without copying.
 *
 * Spaces around a cell and the quotes of a quoted one are left out; a doubled quote inside stays as it
 * is. With a space as delimiter, runs of spaces count as one.
 */
export class RowSplitter {
  readonly #delimiter: number
  starts = new Int32Array(64)
  ends = new Int32Array(64)
  /** Cells of the row last found. */
  count = 0
  /** Line breaks the row last found took up, the last one included. */
  lines = 0
  /** The row last found is no proper row: a quote is not closed, or it is longer than {@link MAX_ROW}. */
  broken = false
  /** Within a broken row whose end was not at hand. */
  #skipping = false

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0)
  }

  /**
   * Finds the row beginning at `start`.
   *
   * @returns where the next one begins, or -1 when the row does not end within `bytes` (never when
   *   `final`: then the end of the bytes ends it)
   */
  next(bytes: Uint8Array, start: number, final: boolean): number {
    this.count = 0
    this.lines = 0
    this.broken = false
    if (this.#skipping) return this.#skip(bytes, start)
    const delimiter = this.#delimiter
    const end = bytes.length
    let i = start
    if (delimiter === SPACE) while (i < end && bytes[i] === SPACE) i++
    for (;;) {
      while (i < end && bytes[i] === SPACE && delimiter !== SPACE) i++
      let from = i
      let to: number
      if (bytes[i] === QUOTE && i < end) {
        const close = this.#closingQuote(bytes, i + 1)
        if (close < 0) {
          if (!final && end - start <= MAX_ROW) return -1
          return this.#breakOff(bytes, start)
        }
        from = i + 1
        to = close
        i = close + 1
        while (i < end && (bytes[i] === SPACE || bytes[i] === CARRIAGE_RETURN) && delimiter !== bytes[i]) i++
        // Something after the closing quote: the quotes were part of the text.
        if (i < end && bytes[i] !== delimiter && bytes[i] !== NEWLINE) {
          from--
          i = this.#endOfCell(bytes, i)
          to = i
        }
      } else {
        i = this.#endOfCell(bytes, i)
        to = i
        if (to > from && bytes[to - 1] === CARRIAGE_RETURN && (i === end || bytes[i] === NEWLINE)) to--
        while (to > from && bytes[to - 1] === SPACE) to--
      }
      if (i === end && !final) return end - start > MAX_ROW ? this.#breakOff(bytes, start) : -1
      if (i < end && bytes[i] === delimiter) {
        this.#push(from, to)
        i++
        if (delimiter === SPACE) {
          while (i < end && bytes[i] === SPACE) i++
          if (i < end && (bytes[i] === NEWLINE || bytes[i] === CARRIAGE_RETURN))
            return this.#endOfRow(bytes, start, i)
        }
        continue
      }
      this.#push(from, to)
      return this.#endOfRow(bytes, start, i)
    }
  }

  #endOfRow(bytes: Uint8Array, start: number, at: number): number {
    let i = at
    if (i - start > MAX_ROW) return this.#breakOff(bytes, start)
    if (bytes[i] === CARRIAGE_RETURN) i++
    this.lines++
    return Math.min(i + 1, bytes.length)
  }

  /** Gives up on the row: it ends with its first line, which may be still to come. */
  #breakOff(bytes: Uint8Array, start: number): number {
    this.count = 0
    this.lines = 0
    this.broken = true
    return this.#skip(bytes, start)
  }

  #skip(bytes: Uint8Array, start: number): number {
    const end = bytes.indexOf(NEWLINE, start)
    this.#skipping = end < 0
    if (end < 0) return bytes.length
    this.lines = 1
    return end + 1
  }

  #endOfCell(bytes: Uint8Array, start: number): number {
    const delimiter = this.#delimiter
    let i = start
    for (; i < bytes.length; i++) {
      const c = bytes[i]!
      if (c === delimiter || c === NEWLINE) break
    }
    return i
  }

  /** Where the quoted text that begins at `start` ends; -1 when it does not. Counts the lines inside. */
  #closingQuote(bytes: Uint8Array, start: number): number {
    const limit = Math.min(bytes.length, start + MAX_ROW)
    for (let i = start; i < limit; i++) {
      if (bytes[i] === NEWLINE) this.lines++
      if (bytes[i] !== QUOTE) continue
      if (bytes[i + 1] !== QUOTE) return i
      i++
    }
    return -1
  }

  #push(start: number, end: number): void {
    if (this.count === this.starts.length) {
      const starts = new Int32Array(this.count * 2)
      starts.set(this.starts)
      this.starts = starts
      const ends = new Int32Array(this.count * 2)
      ends.set(this.ends)
      this.ends = ends
    }
    this.starts[this.count] = start
    this.ends[this.count++] = Math.max(start, end)
  }

  /** The cells of the row last found as text. */
  cells(bytes: Uint8Array): string[] {
    const decoder = new TextDecoder()
    return Array.from({ length: this.count }, (_, j) =>
      decoder.decode(bytes.subarray(this.starts[j]!, this.ends[j]!)).replaceAll('""', '"'),
    )
  }
}
