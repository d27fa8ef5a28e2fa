import type { Dictionary } from '../../schema/dictionary.ts'

const decoder = new TextDecoder('utf-8')

/** FNV-1a, 32 bits: `hash = imul(hash ^ byte, HASH_PRIME)` from HASH_START. */
export const HASH_START = 0x811c9dc5
export const HASH_PRIME = 0x01000193

/**
 * A hash table from byte strings to values: what was seen before costs a hash and a compare, no string.
 *
 * Open addressing with linear probing; the keys lie one after another in one pool. The hash is
 * FNV-1a (Fowler, Noll, Vo) with a final mix, as low bits choose the slot.
 */
export class ByteMap<T> {
  readonly values: T[] = []
  readonly #convert: (text: string) => T
  #slots = new Int32Array(256) // entry + 1; 0 = free
  #hashes = new Uint32Array(128)
  #starts = new Uint32Array(129)
  #pool = new Uint8Array(4096)
  #last = -1

  /** @param convert makes the value of a byte string (decoded as UTF-8) the first time it is seen */
  constructor(convert: (text: string) => T) {
    this.#convert = convert
  }

  get size(): number {
    return this.values.length
  }

  /** Index into {@link values} of the bytes `[start, end)`; a new entry when unseen. */
  entry(bytes: Uint8Array, start: number, end: number): number {
    let hash = HASH_START
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, HASH_PRIME)
    return this.hashedEntry(bytes, start, end, hash)
  }

  /** {@link entry} for bytes whose hash, by {@link HASH_START} and {@link HASH_PRIME}, is already known. */
  hashedEntry(bytes: Uint8Array, start: number, end: number, fnv: number): number {
    const hash = (fnv ^ (fnv >>> 15)) >>> 0
    const last = this.#last
    if (last >= 0 && this.#hashes[last] === hash && this.#isEntry(last, bytes, start, end)) return last
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1
      if (entry < 0) return this.#insert(bytes, start, end, hash, slot)
      if (this.#hashes[entry] === hash && this.#isEntry(entry, bytes, start, end)) {
        this.#last = entry
        return entry
      }
    }
  }

  /** Where the key last asked for ends when it comes again at `start`, followed by `separator` or a line feed; else -1. */
  repeated(bytes: Uint8Array, start: number, separator: number): number {
    const last = this.#last
    if (last < 0) return -1
    const pool = this.#pool
    const to = this.#starts[last + 1]!
    let i = start
    for (let at = this.#starts[last]!; at < to; at++) if (pool[at] !== bytes[i++]) return -1
    return bytes[i] === separator || bytes[i] === 10 ? i : -1
  }

  /** The entry last asked for, -1 before the first. */
  get last(): number {
    return this.#last
  }

  #isEntry(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const pool = this.#pool
    let at = this.#starts[entry]!
    if (this.#starts[entry + 1]! - at !== end - start) return false
    for (let i = start; i < end; i++) if (pool[at++] !== bytes[i]) return false
    return true
  }

  #insert(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const entry = this.values.length
    if (entry === this.#hashes.length) {
      this.#grow()
      return this.entry(bytes, start, end)
    }
    const from = this.#starts[entry]!
    if (from + end - start > this.#pool.length) {
      const grown = new Uint8Array((from + end - start) * 2)
      grown.set(this.#pool)
      this.#pool = grown
    }
    const key = bytes.subarray(start, end)
    this.#pool.set(key, from)
    this.#starts[entry + 1] = from + end - start
    this.#hashes[entry] = hash
    this.#slots[slot] = entry + 1
    this.values.push(this.#convert(decoder.decode(key)))
    this.#last = entry
    return entry
  }

  /** Twice the entries; slots stay at twice the entries, so probes stay short. */
  #grow(): void {
    const capacity = this.#hashes.length * 2
    const hashes = new Uint32Array(capacity)
    hashes.set(this.#hashes)
    const starts = new Uint32Array(capacity + 1)
    starts.set(this.#starts)
    this.#hashes = hashes
    this.#starts = starts
    this.#slots = new Int32Array(capacity * 2)
    const mask = capacity * 2 - 1
    for (let entry = 0; entry < this.values.length; entry++) {
      let slot = hashes[entry]! & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = entry + 1
    }
  }
}

/** Entries kept between batches; a scan of ever new addresses must not grow memory for ever. */
const KEPT_ENTRIES = 65_536

/** A {@link Dictionary} column filled from bytes, batch after batch. */
export class DictionaryColumn {
  readonly #convert: (text: string) => string | undefined
  readonly #capacity: number
  /** Bytes -> number of the string they mean, -1 when they are not acceptable. */
  #map: ByteMap<number>
  /** Two cells may mean the same string (`-` and nothing, `Benign` and `benign`): it is kept once. */
  #strings: string[] = []
  #numbers = new Map<string, number>()
  #codes: Uint32Array
  #values: string[] = []
  /** Code in this batch of each string, valid where its epoch is the current one. */
  #codeOf = new Uint32Array(256)
  #epochOf = new Uint32Array(256)
  #epoch = 1
  /** Code of the value last put, -1 when this batch has none yet. */
  #lastCode = -1

  /** @param convert the column's string for a cell's text; undefined when the text is not acceptable */
  constructor(capacity: number, convert: (text: string) => string | undefined) {
    this.#convert = convert
    this.#capacity = capacity
    this.#codes = new Uint32Array(capacity)
    this.#map = new ByteMap((text) => this.#number(this.#convert(text)))
  }

  #number(value: string | undefined): number {
    if (value === undefined) return -1
    let number = this.#numbers.get(value)
    if (number === undefined) {
      number = this.#strings.length
      this.#strings.push(value)
      this.#numbers.set(value, number)
      if (number === this.#codeOf.length) this.#grow()
    }
    return number
  }

  #grow(): void {
    const codes = new Uint32Array(this.#codeOf.length * 2)
    codes.set(this.#codeOf)
    this.#codeOf = codes
    const epochs = new Uint32Array(this.#epochOf.length * 2)
    epochs.set(this.#epochOf)
    this.#epochOf = epochs
  }

  /** Puts the bytes into `row`; false when they are not acceptable. */
  set(row: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#put(row, this.#map.entry(bytes, start, end))
  }

  /** Puts the last value once more when its bytes come again; returns where they end, else -1. */
  setRepeated(row: number, bytes: Uint8Array, start: number, separator: number): number {
    if (this.#lastCode < 0) return -1
    const end = this.#map.repeated(bytes, start, separator)
    if (end >= 0) this.#codes[row] = this.#lastCode
    return end
  }

  /** {@link set} for bytes whose hash is already known. */
  setHashed(row: number, bytes: Uint8Array, start: number, end: number, hash: number): boolean {
    return this.#put(row, this.#map.hashedEntry(bytes, start, end, hash))
  }

  #put(row: number, entry: number): boolean {
    const number = this.#map.values[entry]!
    if (number < 0) {
      this.#lastCode = -1
      return false
    }
    if (this.#epochOf[number] !== this.#epoch) {
      this.#epochOf[number] = this.#epoch
      this.#codeOf[number] = this.#values.length
      this.#values.push(this.#strings[number]!)
    }
    this.#lastCode = this.#codeOf[number]!
    this.#codes[row] = this.#lastCode
    return true
  }

  /** The column's first `length` rows; the next batch starts empty. */
  finish(length: number): Dictionary {
    const column = { codes: this.#codes.subarray(0, length), values: this.#values }
    this.#codes = new Uint32Array(this.#capacity)
    this.#values = []
    this.#lastCode = -1
    this.#epoch++
    if (this.#map.size > KEPT_ENTRIES) {
      this.#map = new ByteMap((text) => this.#number(this.#convert(text)))
      this.#strings = []
      this.#numbers = new Map()
      this.#epochOf.fill(0)
    }
    return column
  }
}

/**
 * A {@link Dictionary} of strings that hardly repeat (connection ids): no table; the batch's bytes are
 * collected and, when its values are asked for, decoded at once, each value a slice of that one string.
 */
export class UniqueColumn {
  /** Row i has code i, in every batch. */
  readonly #codes: Uint32Array
  readonly #ends: Uint32Array
  #pool = Buffer.allocUnsafe(1 << 16)
  /** All bytes of the batch joined by or: below 128 when they are ASCII. */
  #seen = 0

  constructor(capacity: number) {
    this.#codes = Uint32Array.from({ length: capacity }, (_, i) => i)
    this.#ends = new Uint32Array(capacity)
  }

  set(row: number, bytes: Uint8Array, start: number, end: number): void {
    const from = row === 0 ? 0 : this.#ends[row - 1]!
    const to = from + end - start
    if (to > this.#pool.length) {
      const grown = Buffer.allocUnsafe(to * 2)
      grown.set(this.#pool)
      this.#pool = grown
    }
    const pool = this.#pool
    let seen = 0
    for (let i = start, o = from; i < end; i++, o++) {
      const c = bytes[i]!
      pool[o] = c
      seen |= c
    }
    this.#seen |= seen
    this.#ends[row] = to
  }

  finish(length: number): Dictionary {
    const ends = this.#ends.slice(0, length)
    const bytes = Buffer.from(this.#pool.subarray(0, ends.at(-1) ?? 0))
    const isAscii = this.#seen < 128
    this.#seen = 0
    let values: readonly string[] | undefined
    return {
      codes: this.#codes.subarray(0, length),
      // Strings when somebody asks: most rows are looked at by their numbers only.
      get values() {
        values ??= uniqueValues(bytes, ends, isAscii)
        return values
      },
    }
  }
}

/** The strings that lie one after another in `bytes`; slices of one where each byte is a character. */
function uniqueValues(bytes: Buffer, ends: Uint32Array, isAscii: boolean): string[] {
  const values: string[] = new Array(ends.length)
  const text = isAscii ? bytes.toString('latin1') : ''
  for (let row = 0, from = 0; row < ends.length; row++) {
    const to = ends[row]!
    values[row] = isAscii ? text.slice(from, to) : decoder.decode(bytes.subarray(from, to))
    from = to
  }
  return values
}
