import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { inspectInput } from '../../src/adapters/inspect.ts'
import { readBatches, readFlows, readReadings } from '../../src/adapters/read.ts'
import type { ReadReport } from '../../src/adapters/read-report.ts'
import { iot23Log, tinyCapture } from './samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-read-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)
mkdirSync(at('history/b'), { recursive: true })
mkdirSync(at('nothing'))
writeFileSync(at('history/b/conn.log'), iot23Log(4))
writeFileSync(at('history/a.log.gz'), gzipSync(iot23Log(3)))
writeFileSync(at('history/c.log'), iot23Log(5))
writeFileSync(at('history/README.txt'), 'Notes on these logs.\nNothing to see; move along.\n')
writeFileSync(
  at('readings.csv'),
  'device,time,x\na,2020-01-01 00:00:00,1\nb,2020-01-01 00:01:00,2\na,2020-01-01 00:02:00,3\n',
)
writeFileSync(at('blank.csv'), '\uFEFF\n\n')
writeFileSync(at('list.json'), '[]\n')
writeFileSync(at('header.pcap'), tinyCapture().subarray(0, 24))
writeFileSync(at('flat.csv'), 'x,y\n1,2\n3,4\n')

describe('inputs', () => {
  it('a folder is read recursively by name; what is no data is skipped with a note', async () => {
    const reports: ReadReport[] = []
    const order: string[] = []
    for await (const { source, batch } of readBatches([at('history')], {}, reports))
      order.push(`${source.slice(folder.length + 1)} ${batch.length}`)
    expect(order).toEqual(['history/a.log.gz 3', 'history/b/conn.log 4', 'history/c.log 5'])
    const skipped = reports.find((r) => r.source.endsWith('README.txt'))!
    expect(skipped.notes[0]).toMatch(/^skipped: .*no adapter reads$/)
    expect((await readFlows([at('history')])).length).toBe(12)
  })

  it('each source has its report before its first batch', async () => {
    const reports: ReadReport[] = []
    for await (const { source } of readBatches([at('history/c.log'), at('readings.csv')], {}, reports))
      expect(reports.at(-1)!.source).toBe(source)
    expect(reports.map((r) => r.used)).toEqual([5, 3])
  })

  it.each([
    ['missing.csv', /does not exist; check the path/],
    ['readings.csv/x', /does not exist: a part of the path is a file/],
    ['nothing', /is a folder without files/],
    ['blank.csv', /is empty; expects data/],
    ['list.json', /is empty; expects data/],
    ['history/README.txt', /no adapter reads; there are pcap/],
  ])('%s is refused clearly', async (name, message) => {
    await expect(readFlows(at(name))).rejects.toThrow(message)
    await expect(readFlows(at(name))).rejects.toHaveProperty('name', 'InputError')
  })

  it('flows are not readings', async () => {
    await expect(readReadings(at('history'))).rejects.toThrow(/holds flows where readings are expected/)
    await expect(readFlows(at('readings.csv'))).rejects.toThrow(/holds readings where flows are expected/)
    await expect(readFlows([])).rejects.toThrow(/no input given/)
  })

  it('progress reaches the size of the file', async () => {
    let last: [number, number | undefined] = [0, 0]
    await readFlows(at('history/a.log.gz'), {
      onProgress: (read, total) => {
        last = [read, total]
      },
    })
    expect(last[0]).toBe(last[1])
    expect(last[0]).toBeGreaterThan(0)
  })
})

describe('inspectInput', () => {
  it('tells what flows are', async () => {
    const { sources } = await inspectInput(at('history/c.log'))
    expect(sources[0]).toMatchObject({
      adapter: 'zeek',
      dialect: 'IoT-23',
      kind: 'flows',
      records: 5,
      rejected: 0,
      devices: [{ device: '192.168.1.195', records: 5 }],
      labels: { benign: 3, malicious: 2 },
    })
    expect(sources[0]!.mapping).toContainEqual({ field: 'orig_h', column: 'id.orig_h' })
    expect(sources[0]!.unmapped).toContain('tunnel_parents')
  })

  it('tells readings from a plain table', async () => {
    const { sources } = await inspectInput([at('readings.csv'), at('flat.csv')])
    expect(sources.map((s) => s.kind)).toEqual(['readings', 'table'])
    expect(sources[0]).toMatchObject({
      start: 1_577_836_800,
      end: 1_577_836_920,
      devices: [{ device: 'a', records: 2 }, {}],
    })
    expect(sources[1]).not.toHaveProperty('start')
  })

  it('a capture without packets is empty, not unreadable', async () => {
    const { sources } = await inspectInput(at('header.pcap'))
    expect(sources[0]).toMatchObject({ kind: 'empty', adapter: 'pcap', read: 0 })
  })

  it('says what is wrong with one input and goes on with the next', async () => {
    const { sources } = await inspectInput([at('missing.csv'), at('readings.csv')])
    expect(sources[0]).toMatchObject({ kind: 'unreadable', notes: [expect.stringMatching(/does not exist/)] })
    expect(sources[1]!.records).toBe(3)
    await expect(inspectInput(at('missing.csv'))).rejects.toThrow(/does not exist/)
  })
})
