import { ByteMap } from '../../adapters/table/byte-map.ts'
import type { ReadingRows } from '../../store/reading-rows.ts'
import { isStorable, type ReadingParts } from './reading-record.ts'
import { epochSeconds, isoSeconds } from './time.ts'

const QUOTE = 34
const BACKSLASH = 92
const DEVICE = -1
const TIME = -2
/** Text that tells about the device. */
const TEXT = -3

/**
 * Reads lines that look like one that was read before: the same bytes between the values, so that names need not be
 * looked at again. What deviates in any way is left to JSON.parse; what is read here is read to the same values.
 */
export class LineTemplate {
  /** The bytes before each value, and those after the last. */
  readonly #literals: readonly Uint8Array[]
  /** Of each value: the place of the metric in the shape, or what else it is. */
  readonly #roles: readonly number[]
  readonly #metrics: readonly string[]
  readonly #devices: ByteMap<string>
  /** The rows last written to, and the numbers that this shape and the devices have there. */
  #rows: ReadingRows | undefined
  #shape = 0
  #deviceCodes: number[] = []
  /** Of the object found last. */
  #device = -1
  #ts = Number.NaN

  private constructor(
    literals: readonly Uint8Array[],
    roles: readonly number[],
    metrics: readonly string[],
    devices: ByteMap<string>,
  ) {
    this.#literals = literals
    this.#roles = roles
    this.#metrics = metrics
    this.#devices = devices
  }

  /** The template of a line that was parsed to `parts`; undefined where its values cannot be told by their order. */
  static of(line: Uint8Array, parts: ReadingParts): LineTemplate | undefined {
    const keys = [...parts.flat.keys()]
    // JavaScript puts keys that are whole numbers first.
    if (keys.some((key) => /(^|\.)\d+(\.|$)/.test(key))) return undefined
    const values = scalars(line)
    if (!values || values.length !== keys.length) return undefined
    const literals: Uint8Array[] = []
    const roles: number[] = []
    let at = 0
    for (let k = 0; k < keys.length; k++) {
      const key = keys[k]!
      const { start, end } = values[k]!
      const value = JSON.parse(Buffer.from(line.subarray(start, end)).toString()) as unknown
      if (!Object.is(value, parts.flat.get(key))) return undefined
      literals.push(line.slice(at, start))
      at = end
      const metric = parts.metrics.indexOf(key)
      if (key === parts.deviceKey) roles.push(DEVICE)
      else if (key === parts.timeKey) roles.push(TIME)
      else if (metric >= 0) roles.push(metric)
      else if (typeof value === 'string') roles.push(TEXT)
      else return undefined
    }
    literals.push(line.slice(at))
    return new LineTemplate(literals, roles, parts.metrics, new ByteMap(unescaped))
  }

  /** Reads the line `[start, end)` into a row; false when it does not fit, and nothing was read. */
  read(bytes: Uint8Array, start: number, end: number, rows: ReadingRows, record: number): boolean {
    if (this.#find(bytes, start, end, rows) !== end) return false
    this.#commit(rows, record)
    return true
  }

  /** Reads the object that begins at `start` into a row; returns where it ends, -1 when it does not fit. */
  readFrom(bytes: Uint8Array, start: number, limit: number, rows: ReadingRows, record: number): number {
    const end = this.#find(bytes, start, limit, rows)
    if (end >= 0) this.#commit(rows, record)
    return end
  }

  /** Puts the values of an object where a row's go; returns where it ends, -1 when it does not fit. */
  #find(bytes: Uint8Array, start: number, end: number, rows: ReadingRows): number {
    const literals = this.#literals
    const base = rows.reserve(this.#metrics.length)
    let at = start
    let ts = Number.NaN
    let numbers = 0
    for (let k = 0; k < this.#roles.length; k++) {
      const literal = literals[k]!
      for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return -1
      at += literal.length
      const role = this.#roles[k]!
      if (role >= 0) {
        at = number(bytes, at, end)
        if (at < 0) return -1
        const value = parsed[0]!
        rows.values[base + role] = value
        if (!Number.isNaN(value)) numbers++
      } else if (bytes[at] === QUOTE) {
        const close = text(bytes, at + 1, end)
        if (close < 0) return -1
        if (role === DEVICE) {
          this.#device = this.#deviceCode(bytes, at + 1, close, rows)
          if (this.#device < 0) return -1
        } else if (role === TIME) ts = isoSeconds(bytes, at + 1, close)
        else if (mayBeNumber(bytes[at + 1]!)) return -1
        at = close + 1
      } else if (role === TIME && bytes[at]! >= 48 && bytes[at]! <= 57) {
        at = number(bytes, at, end)
        if (at < 0) return -1
        ts = epochSeconds(parsed[0]!)
      } else if (role === DEVICE && bytes[at]! >= 48 && bytes[at]! <= 57) {
        at = number(bytes, at, end)
        if (at < 0) return -1
        this.#device = rows.deviceOf(String(parsed[0]))
      } else return -1
    }
    const last = literals.at(-1)!
    if (at + last.length > end) return -1
    for (let i = 0; i < last.length; i++) if (bytes[at + i] !== last[i]) return -1
    if (Number.isNaN(ts) || numbers === 0) return -1
    this.#ts = ts
    return at + last.length
  }

  #commit(rows: ReadingRows, record: number): void {
    if (this.#rows !== rows) this.#startRows(rows)
    rows.commit(this.#device, this.#ts, this.#shape, this.#metrics.length, record)
  }

  #startRows(rows: ReadingRows): void {
    this.#rows = rows
    this.#shape = rows.shapeOf(this.#metrics)
    this.#deviceCodes = []
  }

  #deviceCode(bytes: Uint8Array, start: number, end: number, rows: ReadingRows): number {
    if (this.#rows !== rows) this.#startRows(rows)
    const entry = this.#devices.entry(bytes, start, end)
    let code = this.#deviceCodes[entry]
    if (code === undefined) {
      const name = this.#devices.values[entry]!.trim()
      if (name === '' || name.length > 256 || !isStorable(name)) return -1
      code = rows.deviceOf(name)
      this.#deviceCodes[entry] = code
    }
    return code
  }

  /** Whether so many devices were met that starting anew is better than keeping them all. */
  get full(): boolean {
    return this.#devices.size > 100_000
  }
}

/** The end of text that begins at `at`, its closing quote; -1 for what is no text of JSON. */
function text(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    const c = bytes[i]!
    if (c === QUOTE) return i
    if (c < 32) return -1
    if (c !== BACKSLASH) continue
    const kind = bytes[++i]!
    if (kind === 117) {
      for (const last = i + 4; i < last; ) if (!isHex(bytes[++i]!)) return -1
    } else if (!ESCAPES.includes(kind)) return -1
  }
  return -1
}

/** What a backslash may stand before, but for `u`. */
const ESCAPES = Buffer.from('"\\/bfnrt')

function isHex(c: number): boolean {
  return (c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 102)
}

function unescaped(text: string): string {
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text
}

/** Digits, signs and blanks, or what may stand for them: the text may be a number, which would be refused. */
function mayBeNumber(c: number): boolean {
  return c === BACKSLASH || (c <= 57 && (c >= 48 || c === 43 || c === 45 || c === 46 || c <= 32))
}

const TENS = Array.from({ length: 23 }, (_, i) => 10 ** i)
/** The value that {@link number} read last. */
const parsed = new Float64Array(1)

/**
 * Reads a number, true, false or null at `at` into {@link parsed}; returns where it ends, -1 when there is none.
 * Up to 15 digits are a whole number below 2^53 and one exact power of ten: one division rounds as JSON.parse does.
 */
function number(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  let c = bytes[i]!
  const negative = c === 45
  if (negative) c = bytes[++i]!
  const first = i
  let whole = 0
  let digits = 0
  while (c >= 48 && c <= 57) {
    whole = whole * 10 + c - 48
    digits++
    c = bytes[++i]!
  }
  if (digits === 0) return negative ? -1 : word(bytes, at, end)
  if (digits > 1 && bytes[first] === 48) return -1
  let decimals = 0
  if (c === 46) {
    c = bytes[++i]!
    while (c >= 48 && c <= 57) {
      whole = whole * 10 + c - 48
      decimals++
      c = bytes[++i]!
    }
    if (decimals === 0) return -1
  }
  const power = c === 101 || c === 69
  if (power) {
    c = bytes[++i]!
    if (c === 43 || c === 45) c = bytes[++i]!
    if (!(c >= 48 && c <= 57)) return -1
    while (c >= 48 && c <= 57) c = bytes[++i]!
  }
  if (i > end) return -1
  if (power || digits + decimals > 15) {
    const value = Number(decoder.decode(bytes.subarray(at, i)))
    parsed[0] = value
    return Number.isFinite(value) ? i : -1
  }
  const value = decimals === 0 ? whole : whole / TENS[decimals]!
  parsed[0] = negative ? -value : value
  return i
}

const decoder = new TextDecoder('latin1')

const WORDS = [
  { bytes: Buffer.from('null'), value: Number.NaN },
  { bytes: Buffer.from('true'), value: 1 },
  { bytes: Buffer.from('false'), value: 0 },
]

function word(bytes: Uint8Array, at: number, end: number): number {
  for (const { bytes: letters, value } of WORDS) {
    let i = 0
    while (i < letters.length && bytes[at + i] === letters[i]) i++
    if (i < letters.length || at + i > end) continue
    parsed[0] = value
    return at + i
  }
  return -1
}

/** Where the scalars of a valid line of JSON lie; undefined when it has lists. */
function scalars(line: Uint8Array): { start: number; end: number }[] | undefined {
  const found: { start: number; end: number }[] = []
  for (let i = 0; i < line.length; ) {
    const c = line[i]!
    if (c === 91) return undefined
    if (c === QUOTE) {
      const start = i++
      while (line[i] !== QUOTE) i += line[i] === BACKSLASH ? 2 : 1
      i++
      let next = i
      while (line[next]! <= 32) next++
      // A name is followed by a colon.
      if (line[next] === 58) i = next + 1
      else found.push({ start, end: i })
    } else if (c <= 32 || c === 44 || c === 123 || c === 125) i++
    else {
      const start = i
      while (i < line.length && line[i]! > 32 && line[i] !== 44 && line[i] !== 125) i++
      found.push({ start, end: i })
    }
  }
  return found
}
