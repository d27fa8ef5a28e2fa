const NEWLINE = 0x0a
const ZERO = 0x30
const encoder = new TextEncoder()
/** Characters from which the encoder is faster than a loop. */
const LONG = 40

/**
 * A growing buffer of UTF-8 text.
 *
 * Rows leave the program as bytes; writing digits and characters straight into one buffer avoids a
 * string for every cell of every row.
 */
export class TextBuffer {
  bytes = new Uint8Array(1 << 16)
  length = 0

  /** Makes room for `extra` more bytes. */
  reserve(extra: number): void {
    if (this.length + extra <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + extra))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }

  /** One ASCII character. */
  char(code: number): void {
    this.reserve(1)
    this.bytes[this.length++] = code
  }

  newline(): void {
    this.char(NEWLINE)
  }

  text(value: string): void {
    const n = value.length
    this.reserve(n * 3)
    const { bytes, length } = this
    let i = 0
    // A loop beats the encoder's call on the short ASCII words most cells are.
    if (n < LONG) {
      for (; i < n; i++) {
        const c = value.charCodeAt(i)
        if (c > 0x7f) break
        bytes[length + i] = c
      }
    }
    this.length = length + (i === n ? n : encoder.encodeInto(value, bytes.subarray(length)).written)
  }

  /** A number in its shortest decimal form; NaN and infinities are the caller's business. */
  number(value: number): void {
    if (value >= 0 && value < 1e9 && Number.isInteger(value)) this.#digits(value, 1)
    else this.text(String(value))
  }

  /** A number with six decimals, as Zeek writes times and intervals. */
  micros(value: number): void {
    const micros = Math.round(value * 1e6)
    if (!(micros >= 0 && micros < 1e15 * 8)) {
      this.text(value.toFixed(6))
      return
    }
    const seconds = Math.floor(micros / 1e6)
    if (seconds < 2 ** 31) this.#digits(seconds, 1)
    else this.text(String(seconds))
    this.char(0x2e)
    this.#digits(micros - seconds * 1e6, 6)
  }

  /** Decimal digits of an integer in [0, 2^31), padded with zeros to `width`. */
  #digits(value: number, width: number): void {
    let n = value | 0
    let size = 1
    for (let bound = 10; size < 10 && n >= bound; bound *= 10) size++
    if (size < width) size = width
    this.reserve(size)
    const { bytes, length } = this
    for (let i = length + size - 1; i >= length; i--) {
      const tens = (n / 10) | 0
      bytes[i] = ZERO + n - tens * 10
      n = tens
    }
    this.length = length + size
  }

  /** The bytes so far, copied out; the buffer starts again at zero. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length)
    this.length = 0
    return taken
  }
}
