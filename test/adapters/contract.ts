import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detectFormat } from '../../src/adapters/detect-format.ts'
import { openBytes } from '../../src/adapters/open.ts'
import { type ReadInputOptions, readSource } from '../../src/adapters/read.ts'
import { InputError, ReadReport } from '../../src/adapters/read-report.ts'
import type { Dictionary } from '../../src/schema/dictionary.ts'
import type { Batch } from '../../src/schema/reading-batch.ts'

/** A well-formed input and what must come out of it. */
export interface AdapterSample {
  readonly name: string
  readonly bytes: Uint8Array
  readonly kind: Batch['kind']
  /** Flows or readings that come out. */
  readonly records: number
  /** Items of the input refused with a reason; default 0. */
  readonly rejected?: number
}

export interface Reading {
  readonly report: ReadReport
  readonly rows: readonly Record<string, unknown>[]
  readonly kinds: ReadonlySet<string>
  readonly batches: number
}

/** Reads bytes from memory, cut into chunks of `chunk` bytes. */
export async function readBytes(
  bytes: Uint8Array,
  options: ReadInputOptions = {},
  chunk = bytes.length,
  name = 'sample',
): Promise<Reading> {
  const report = new ReadReport(name)
  const rows: Record<string, unknown>[] = []
  const kinds = new Set<string>()
  let batches = 0
  for await (const batch of readSource(await openBytes(name, cut(bytes, chunk)), options, report)) {
    kinds.add(batch.kind)
    batches++
    rows.push(...plainRows(batch))
  }
  return { report, rows, kinds, batches }
}

async function* cut(bytes: Uint8Array, chunk: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += Math.max(1, chunk))
    yield bytes.subarray(at, at + Math.max(1, chunk))
}

/** Every row with its set fields, whatever the batch. */
export function plainRows(batch: Batch): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = Array.from({ length: batch.length }, () => ({}))
  const put = (name: string, column: unknown) => {
    for (let i = 0; i < batch.length; i++) {
      if (isDictionary(column)) rows[i]![name] = column.values[column.codes[i]!]
      else rows[i]![name] = (column as Float64Array)[i]
    }
  }
  for (const [name, column] of Object.entries(batch)) {
    if (isDictionary(column) || ArrayBuffer.isView(column)) put(name, column)
    else if (column instanceof Map && name !== 'names')
      for (const [key, values] of column) put(`${name}.${key}`, values)
  }
  return rows
}

function isDictionary(column: unknown): column is Dictionary {
  return typeof column === 'object' && column !== null && 'codes' in column
}

/** Reads what may be anything: gives the reading, or the InputError; any other error fails the test. */
export async function attempt(bytes: Uint8Array, adapter?: string): Promise<Reading | InputError> {
  try {
    return await readBytes(bytes, adapter ? { adapter } : {}, 1 << 16)
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
}

function addsUp({ report }: Reading): void {
  expect(report.read).toBe(report.used + report.rejected)
  expect([...report.reasons.values()].reduce((sum, n) => sum + n, 0)).toBe(report.rejected)
}

/** What every adapter must do, with samples of its own. */
export function adapterContract(name: string, samples: readonly AdapterSample[]): void {
  describe(`adapter ${name}`, () => {
    describe.each(samples.map((s) => [s.name, s] as const))('%s', (_, sample) => {
      it('is recognised by its content', async () => {
        expect(detectFormat(await openBytes('anything', sample.bytes)).name).toBe(name)
      })

      it('is read completely, and the counts add up', async () => {
        const reading = await readBytes(sample.bytes)
        expect(reading.rows).toHaveLength(sample.records)
        expect([...reading.kinds]).toEqual([sample.kind])
        expect(reading.report.rejected).toBe(sample.rejected ?? 0)
        addsUp(reading)
      })

      it('gives the same however it is cut into chunks and batches, and compressed', async () => {
        const whole = await readBytes(sample.bytes)
        const same = async (bytes: Uint8Array, options: ReadInputOptions, chunk: number) => {
          const other = await readBytes(bytes, options, chunk)
          expect(other.rows).toEqual(whole.rows)
          expect(other.report).toEqual(whole.report)
        }
        for (const chunk of [1, 7, 64, 1000, 4096]) {
          if (sample.bytes.length / chunk < 20_000) await same(sample.bytes, {}, chunk)
        }
        await same(sample.bytes, { batchSize: 3 }, 500)
        await same(gzipSync(sample.bytes), {}, 300)
        await same(zstdCompressSync(sample.bytes), {}, 300)
      })

      it('cut off anywhere: what is whole is read, never a crash', async () => {
        const step = Math.max(1, Math.floor(sample.bytes.length / 60))
        for (let end = 0; end < sample.bytes.length; end += step) {
          const reading = await attempt(sample.bytes.subarray(0, end), name)
          if (!(reading instanceof InputError)) addsUp(reading)
        }
      })

      it('damaged anywhere: rejections or an InputError, never a crash', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.tuple(fc.nat(sample.bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
            async (changes) => {
              const bytes = Uint8Array.from(sample.bytes)
              for (const [at, value] of changes) bytes[at] = value
              const reading = await attempt(bytes, name)
              if (!(reading instanceof InputError)) addsUp(reading)
            },
          ),
          { numRuns: 60, seed: 7 },
        )
      })
    })

    it('takes random bytes without a crash', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
          const reading = await attempt(bytes, name)
          if (!(reading instanceof InputError)) addsUp(reading)
        }),
        { numRuns: 100, seed: 7 },
      )
    })

    it('says clearly that an empty input is none', async () => {
      const error = await attempt(new Uint8Array(0), name)
      expect(error).toBeInstanceOf(InputError)
      expect((error as InputError).message).toMatch(/sample is empty/)
    })
  })
}
