import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'

/**
 * The container every fitted detector is kept in: one buffer that is file, worker message and kernel
 * input alike, and holds data only. Little-endian:
 *
 *     0  magic, 8 ASCII characters padded with NUL   16  f64 length of the whole buffer, bytes
 *     8  u32 version of the detector's layout        24  u32 length of the JSON header, bytes
 *    12  u32 CRC-32 of everything from byte 16       28  u32 0
 *    32  JSON header { meta, sections: { name: [type, byteOffset, length] } }, then the sections
 *
 * Sections start at multiples of 64 (a cache line), so views on them need no copy.
 */
const fixedBytes = 32
const alignment = 64

const arrayTypes = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const
type TypeName = keyof typeof arrayTypes
export type SectionArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** A buffer that is no model, a damaged one, or one of another version. */
export class ModelFormatError extends Error {
  override readonly name = 'ModelFormatError'
}

/**
 * Packs `sections` and the JSON-able `meta` into one buffer, a shared one so that it reaches workers
 * without a copy. Equal input gives equal bytes.
 *
 * @param magic 1 to 8 ASCII characters naming the kind of model
 * @param version of the layout that `meta` and `sections` follow
 */
export function writeSections(
  magic: string,
  version: number,
  meta: Readonly<Record<string, unknown>>,
  sections: Readonly<Record<string, SectionArray>>,
): SharedArrayBuffer {
  // Offsets stand in the header, whose length depends on their digits: they count from the first section.
  const table: Record<string, [TypeName, number, number]> = {}
  let end = 0
  for (const [name, array] of Object.entries(sections)) {
    table[name] = [typeName(array), end, array.length]
    end += align(array.byteLength)
  }
  const header = Buffer.from(JSON.stringify({ meta, sections: table }))
  const base = align(fixedBytes + header.length)
  const buffer = new SharedArrayBuffer(base + end)
  const bytes = new Uint8Array(buffer)
  bytes.set(Buffer.from(magic.padEnd(8, '\0'), 'latin1'))
  bytes.set(header, fixedBytes)
  for (const [name, array] of Object.entries(sections)) {
    const from = base + table[name]![1]
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), from)
  }
  const view = new DataView(buffer)
  view.setUint32(8, version, true)
  view.setFloat64(16, buffer.byteLength, true)
  view.setUint32(24, header.length, true)
  view.setUint32(12, crc32(bytes.subarray(16)), true)
  return buffer
}

/** A model's bytes: a buffer of their own, or their place in a larger one. */
export type ModelBytes = ArrayBufferLike | Uint8Array

/** A view on the bytes, wherever they lie. */
export function viewOf(bytes: ModelBytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)
}

/** The magic at the start of a model; '' when there is none. */
export function magicOf(model: ModelBytes): string {
  const start = Buffer.from(viewOf(model).subarray(0, 8))
  return start.toString('latin1').replace(/\0+$/, '')
}

/**
 * Opens bytes made by {@link writeSections}. Nothing is allocated by what they claim: lengths are checked against the
 * bytes there are. Nothing is copied either, unless they begin where no number can, off a multiple of 8.
 *
 * @throws ModelFormatError when it is another kind, another version, cut off or damaged
 */
export function readSections(model: ModelBytes, magic: string, version: number): Sections {
  const given = viewOf(model)
  const bytes = given.byteOffset % 8 === 0 ? given : given.slice()
  const found = magicOf(bytes)
  if (found !== magic) {
    throw new ModelFormatError(`expected a ${magic} model, got one that starts with ${JSON.stringify(found)}`)
  }
  if (bytes.length < fixedBytes) {
    throw new ModelFormatError(`${magic} model is cut off: ${bytes.length} bytes; train again`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const itsVersion = view.getUint32(8, true)
  if (itsVersion !== version) {
    throw new ModelFormatError(
      `${magic} model has version ${itsVersion}, this program reads version ${version}; train again`,
    )
  }
  const length = view.getFloat64(16, true)
  if (length !== bytes.length) {
    throw new ModelFormatError(
      `${magic} model should have ${length} bytes, got ${bytes.length}; copy it again or train again`,
    )
  }
  if (crc32(bytes.subarray(16)) !== view.getUint32(12, true)) {
    throw new ModelFormatError(`${magic} model is damaged (checksum differs); copy it again or train again`)
  }
  return new Sections(bytes, magic, view.getUint32(24, true))
}

/** Checked access to the parts of an opened model buffer; every mismatch is a {@link ModelFormatError}. */
export class Sections {
  readonly #bytes: Uint8Array
  readonly #magic: string
  readonly #base: number
  readonly #meta: Readonly<Record<string, unknown>>
  readonly #table: Readonly<Record<string, unknown>>

  constructor(bytes: Uint8Array, magic: string, headerBytes: number) {
    this.#bytes = bytes
    this.#magic = magic
    this.#base = align(fixedBytes + headerBytes)
    if (this.#base > bytes.length) throw this.#wrong(`a header of ${headerBytes} bytes`)
    let header: unknown
    try {
      const text = Buffer.from(bytes.subarray(fixedBytes, fixedBytes + headerBytes)).toString('utf8')
      header = JSON.parse(text)
    } catch {
      throw this.#wrong('a header that is no JSON')
    }
    const { meta, sections } = (header ?? {}) as { meta?: unknown; sections?: unknown }
    if (!isRecord(meta) || !isRecord(sections)) throw this.#wrong('a header without meta or sections')
    this.#meta = meta
    this.#table = sections
  }

  /** A finite number of `meta` within [min, max]. */
  number(name: string, min = -Infinity, max = Infinity): number {
    const value = this.#meta[name]
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
      throw this.#wrong(`${name} = ${JSON.stringify(value)}, expected a number in [${min}, ${max}]`)
    }
    return value
  }

  /** A whole number of `meta` within [min, max]. */
  integer(name: string, min: number, max: number): number {
    const value = this.number(name, min, max)
    if (!Number.isInteger(value)) throw this.#wrong(`${name} = ${value}, expected a whole number`)
    return value
  }

  /** A list of texts of `meta`, e.g. the feature names. */
  strings(name: string): readonly string[] {
    const value = this.#meta[name]
    if (!Array.isArray(value) || !value.every((v) => typeof v === 'string')) {
      throw this.#wrong(`no list of texts ${name}`)
    }
    return value
  }

  /**
   * The section `name` as a view on the bytes.
   *
   * @param type Float32Array and the like; must be the type it was written with
   * @param length expected number of values
   */
  array<T extends SectionArray>(
    name: string,
    type: new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T,
    length: number,
  ): T {
    const entry = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined
    if (!Array.isArray(entry)) throw this.#wrong(`no section ${name}`)
    const [itsType, offset, itsLength] = entry as unknown[]
    if (arrayTypes[itsType as TypeName] !== (type as unknown)) {
      throw this.#wrong(`section ${name} of type ${JSON.stringify(itsType)}`)
    }
    if (itsLength !== length) {
      throw this.#wrong(`section ${name} of ${JSON.stringify(itsLength)} values, expected ${length}`)
    }
    const from = this.#base + (typeof offset === 'number' ? offset : Number.NaN)
    const bytes = length * arrayTypes[itsType as TypeName].BYTES_PER_ELEMENT
    if (!(from >= this.#base && from % alignment === 0 && from + bytes <= this.#bytes.length)) {
      throw this.#wrong(`section ${name} outside the model`)
    }
    return new type(this.#bytes.buffer, this.#bytes.byteOffset + from, length)
  }

  #wrong(what: string): ModelFormatError {
    return new ModelFormatError(`${this.#magic} model is damaged: ${what}; train again`)
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeName(array: SectionArray): TypeName {
  const name = (Object.keys(arrayTypes) as TypeName[]).find((key) => array instanceof arrayTypes[key])
  if (!name) throw new TypeError(`a section cannot hold ${Object.prototype.toString.call(array)}`)
  return name
}
