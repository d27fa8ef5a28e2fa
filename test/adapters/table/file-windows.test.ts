import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readBatches } from '../../../src/adapters/read.ts'
import type { ReadReport } from '../../../src/adapters/read-report.ts'
import { fileWindows } from '../../../src/adapters/table/windows.ts'
import { Random } from '../../../src/kernels/random.ts'
import { iot23Log } from '../samples.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-windows-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** The lines of a file, taken from windows as a reader of lines does. */
async function linesOf(path: string, progress?: (read: number) => void): Promise<string[]> {
  const lines: string[] = []
  for await (const window of fileWindows(path, progress)) {
    const { bytes } = window
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      lines.push(bytes.subarray(start, end).toString())
      start = end + 1
    }
    if (window.final && start < bytes.length) lines.push(bytes.subarray(start).toString())
    window.start = window.final ? bytes.length : start
  }
  return lines
}

describe('windows over a file', () => {
  it('give every byte once, records longer than a window among them, and tell how far they are', async () => {
    const random = new Random(2)
    const lines = Array.from({ length: 4000 }, (_, i) => 'x'.repeat(random.int(1200)) + i)
    lines[2000] = 'long '.repeat(700_000)
    const path = join(dir, 'lines.txt')
    writeFileSync(path, lines.join('\n'))
    const told: number[] = []
    expect(await linesOf(path, (read) => told.push(read))).toEqual(lines)
    expect(told.at(-1)).toBe(lines.join('\n').length)
  })

  it('end at once for an empty file', async () => {
    const path = join(dir, 'empty.txt')
    writeFileSync(path, '')
    expect(await linesOf(path)).toEqual([])
  })

  it('a log from a file is read as one from a stream is', async () => {
    const log = iot23Log(3000).replace('detailed-label', 'det_label').replaceAll('   ', '\t')
    const broken = log.replace(/^(1\S+\tC\S+\t\S+\t)\d+/m, '$1no port')
    const plain = join(dir, 'conn.log')
    writeFileSync(plain, broken)
    const { gzipSync } = await import('node:zlib')
    const packed = join(dir, 'conn.log.gz')
    writeFileSync(packed, gzipSync(broken))
    const read = async (path: string) => {
      const reports: ReadReport[] = []
      const batches: unknown[] = []
      for await (const { batch } of readBatches([path], { batchSize: 1000 }, reports)) batches.push(batch)
      const { used, rejected, problems } = reports[0]!
      return { batches, used, rejected, problems: problems.map((p) => p.message) }
    }
    const fromFile = await read(plain)
    expect(fromFile).toEqual(await read(packed))
    expect(fromFile.rejected).toBe(1)
  })
})
