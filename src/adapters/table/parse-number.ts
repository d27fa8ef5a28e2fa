/**
 * Numbers straight from bytes.
 *
 * The fast path is exact: a decimal whose digits form an integer up to 2^53 and whose power of ten is
 * at most 10^22 needs one correctly rounded operation on two exact doubles (Clinger 1990, "How to read
 * floating point numbers accurately", section 2). Anything else goes through `Number`.
 */

const POWERS = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`))
const MAX_EXACT = 2 ** 53

/**
 * The decimal number in `bytes[start, end)`: optional sign, digits, fraction, exponent; no spaces.
 *
 * @returns the float64 nearest to what is written; NaN when this is not a number (words such as `nan`
 *   and `inf` included: whether they mean "missing" is the format's business)
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  let negative = false
  if (i < end) {
    const sign = bytes[i]!
    if (sign === 45 /* - */ || sign === 43 /* + */) {
      negative = sign === 45
      i++
    }
  }
  let mantissa = 0
  const integer = i
  for (; i < end; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) break
    mantissa = mantissa * 10 + digit
  }
  let digits = i - integer
  let fraction = 0
  if (i < end && bytes[i] === 46 /* . */) {
    const first = ++i
    for (; i < end; i++) {
      const digit = bytes[i]! - 48
      if (digit < 0 || digit > 9) break
      mantissa = mantissa * 10 + digit
    }
    fraction = i - first
    digits += fraction
  }
  if (digits === 0) return Number.NaN
  if (i < end || mantissa > MAX_EXACT || fraction > 22) return parseSlowly(bytes, start, i, end)
  const value = fraction === 0 ? mantissa : mantissa / POWERS[fraction]!
  return negative ? -value : value
}

/** Exponents and long digit strings; `mantissaEnd` is where the digits stopped. */
function parseSlowly(bytes: Uint8Array, start: number, mantissaEnd: number, end: number): number {
  let i = mantissaEnd
  if (i < end) {
    if ((bytes[i]! | 32) !== 101 /* e */) return Number.NaN
    i++
    if (i < end && (bytes[i] === 45 || bytes[i] === 43)) i++
    if (i === end || end - i > 6) return Number.NaN
    for (; i < end; i++) if (bytes[i]! < 48 || bytes[i]! > 57) return Number.NaN
  }
  return Number(ascii(bytes, start, end))
}

/** A whole number from 0 to `max` in `bytes[start, end)`; -1 when it is not one. `80.0` counts as 80. */
export function parseCount(bytes: Uint8Array, start: number, end: number, max: number): number {
  let value = 0
  let i = start
  for (; i < end; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
    if (value > max) return -1
  }
  if (i === start) return -1
  if (i < end) {
    if (bytes[i] !== 46) return -1
    for (i++; i < end; i++) if (bytes[i] !== 48) return -1
  }
  return value
}

/** `bytes[start, end)` as text, one character a byte. */
export function ascii(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]!)
  return text
}
