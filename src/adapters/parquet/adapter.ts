import { open } from 'node:fs/promises'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { AsyncBuffer, Compressors } from 'hyparquet'
import type { Adapter } from '../adapter.ts'
import { flatten } from '../json/flatten.ts'
import { InputError } from '../read-report.ts'
import type { Source } from '../source.ts'
import { nothingUsed } from '../table/reject-cell.ts'
import { type Row, RowWriter } from '../table/row-writer.ts'

const MAGIC = 'PAR1'
/** Rows decoded at once: a slice of a row group, so that wide tables stay small in memory. */
const SLICE = 65_536
/** Largest file held in memory when it cannot be read from disk piece by piece. */
const MAX_IN_MEMORY = 2 ** 31 - 1

/** Snappy is hyparquet's own. */
const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
}

/** Times as seconds, so that nothing finer than a millisecond is lost. */
const parsers = {
  timestampFromMilliseconds: (millis: bigint) => Number(millis) / 1e3,
  timestampFromMicroseconds: (micros: bigint) => Number(micros) / 1e6,
  timestampFromNanoseconds: (nanos: bigint) => Number(nanos) / 1e9,
}

export const parquetAdapter: Adapter = {
  name: 'parquet',
  description: 'Apache Parquet, any compression but LZ4 and LZO',
  accepts: (head) => Buffer.from(head.subarray(0, 4)).toString('latin1') === MAGIC,
  async *read(source, options, report) {
    report.unit = 'rows'
    if (source.size === 0) throw new InputError(`${source.name} is empty; expects a Parquet file`)
    const writer = new RowWriter(source.name, options, report)
    const { file, close } = await openFile(source)
    try {
      let row = 0
      for await (const slice of slices(file, source.name)) {
        for (const record of slice) {
          row++
          if (record) writer.add(record, row)
          else report.reject('nested too deep')
          yield* writer.full()
        }
      }
    } finally {
      await close()
    }
    yield* writer.rest()
    nothingUsed(report)
  },
}

/** The rows of every row group, slice by slice, one column after another. */
async function* slices(file: AsyncBuffer, name: string): AsyncGenerator<Iterable<Row | undefined>> {
  try {
    const { parquetScan, parquetSchema } = await import('hyparquet')
    const scan = await parquetScan({ file, compressors, parsers })
    const names = parquetSchema(scan.metadata).children.map((child) => child.element.name)
    for (const range of scan.ranges) {
      for (let rowStart = range.rowStart; rowStart < range.rowEnd; rowStart += SLICE) {
        const rowEnd = Math.min(rowStart + SLICE, range.rowEnd)
        const columns = new Map<string, ArrayLike<unknown>>()
        for (const column of names) {
          const values: ArrayLike<unknown> = await scan.readColumn({ column, rowStart, rowEnd })
          if (values.length !== rowEnd - rowStart)
            throw new Error(`column ${column} has ${values.length} of ${rowEnd - rowStart} values`)
          columns.set(column, values)
        }
        yield rowsOf(columns, rowEnd - rowStart)
      }
    }
  } catch (error) {
    if (error instanceof InputError) throw error
    const { message } = error as Error
    throw new InputError(
      `${name} begins like Parquet but cannot be read: ${message}; ` +
        (/codec/i.test(message)
          ? 'write it with snappy, gzip, zstd, brotli or no compression'
          : 'it may be cut off or damaged, write it again'),
    )
  }
}

/** Rows over columns; a nested one is flattened, undefined when that goes too deep. */
function* rowsOf(
  columns: ReadonlyMap<string, ArrayLike<unknown>>,
  length: number,
): Generator<Row | undefined> {
  const names = [...columns.keys()]
  const nested = names.some((name) => Array.prototype.some.call(columns.get(name)!, isStruct))
  for (let i = 0; i < length; i++) {
    if (nested) yield flatten(Object.fromEntries(names.map((name) => [name, columns.get(name)![i]])))
    else yield { keys: () => names, get: (name) => columns.get(name)?.[i] }
  }
}

function isStruct(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Date)
}

/** The file on disk, read piece by piece, or all bytes of a source that is not one. */
async function openFile(source: Source): Promise<{ file: AsyncBuffer; close: () => Promise<void> }> {
  if (source.path !== undefined && source.size !== undefined) {
    const handle = await open(source.path)
    const byteLength = source.size
    const file: AsyncBuffer = {
      byteLength,
      slice: async (start, end = byteLength) => {
        const from = start < 0 ? Math.max(0, byteLength + start) : start
        const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - from))
        await handle.read(bytes, 0, bytes.length, from)
        return bytes.buffer
      },
    }
    return { file, close: () => handle.close() }
  }
  const parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of source.bytes()) {
    size += chunk.length
    if (size > MAX_IN_MEMORY)
      throw new InputError(`${source.name} is Parquet of more than 2 GB on a stream; give it as a file`)
    parts.push(chunk)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  const file: AsyncBuffer = {
    byteLength: size,
    slice: (start, end = size) => whole.buffer.slice(start < 0 ? size + start : start, end),
  }
  return { file, close: async () => {} }
}
