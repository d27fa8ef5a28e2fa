import { parquetReadObjects } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { anomalyWriter, flowWriter, formatByExtension, readingWriter } from '../../src/output/writers.ts'
import { ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'
import { anomaly, flows, fullFlow, memory } from './sample.ts'

async function flowText(format: 'zeek' | 'csv' | 'json' | 'ndjson', ...batches: ReturnType<typeof flows>[]) {
  const sink = memory()
  const writer = await flowWriter(format, sink)
  for (const batch of batches) await writer.write(batch)
  await writer.close()
  return sink.text()
}

describe('flows', () => {
  it('as Zeek TSV: header, six decimals, "-" for unset', async () => {
    const lines = (await flowText('zeek', flows(fullFlow, {}))).trimEnd().split('\n')
    expect(lines.filter((l) => l.startsWith('#'))).toHaveLength(7)
    expect(lines.at(-2)).toBe(
      '1540469302.538640\tCGm6jB4dXK71ZDWUDh\t192.168.1.132\t58687\t2001:db8::1\t123\tudp\tntp\t0.114184\t48\t4096000000\tSF\t-\t-\t0\tDd\t1\t76\t1\t76\t-\t17',
    )
    expect(
      lines
        .at(-1)!
        .split('\t')
        .filter((cell) => cell !== '-'),
    ).toEqual(['0', '0', '0'])
  })

  it('as Zeek TSV: every row has as many cells as the header, also when labels come late', async () => {
    const text = await flowText(
      'zeek',
      flows(fullFlow),
      flows({ ...fullFlow, label: 'malicious', orig_l2_addr: 'aa:bb' }),
    )
    let width = 0
    let headers = 0
    for (const line of text.trimEnd().split('\n')) {
      const cells = line.split('\t')
      if (cells[0] === '#fields') {
        width = cells.length - 1
        headers++
      } else if (!line.startsWith('#')) expect(cells).toHaveLength(width)
    }
    expect(headers).toBe(2)
    expect(text.trimEnd().endsWith('\taa:bb\tmalicious')).toBe(true)
  })

  it('as Zeek TSV: text from outside cannot break a row', async () => {
    const text = await flowText(
      'zeek',
      flows({ ...fullFlow, service: 'a\tb\nc\\', uid: '-', history: '(empty)' }),
    )
    const cells = text.trimEnd().split('\n').at(-1)!.split('\t')
    expect(cells[7]).toBe('a\\x09b\\x0ac\\x5c')
    expect(cells[1]).toBe('\\x2d')
    expect(cells[15]).toBe('\\x28empty)')
  })

  it('as JSON: one document; as NDJSON: one a line; unset fields left out', async () => {
    const array = JSON.parse(await flowText('json', flows(fullFlow), flows({ orig_h: '10.0.0.1' })))
    const lines = (await flowText('ndjson', flows(fullFlow), flows({ orig_h: '10.0.0.1' })))
      .trimEnd()
      .split('\n')
    expect(lines.map((l) => JSON.parse(l))).toEqual(array)
    expect(array[0]).toMatchObject({
      ts: 1540469302.53864,
      'id.orig_h': '192.168.1.132',
      proto: 'udp',
      ip_proto: 17,
    })
    expect(array[1]).toEqual({ 'id.orig_h': '10.0.0.1', 'id.orig_p': 0, 'id.resp_p': 0, missed_bytes: 0 })
  })

  it('of nothing are still a valid output', async () => {
    expect(JSON.parse(await flowText('json'))).toEqual([])
    expect(await flowText('ndjson')).toBe('')
    expect((await flowText('csv')).split('\n')).toHaveLength(2)
    expect(await flowText('zeek')).toContain('#fields')
  })

  it('as Parquet read back the same', async () => {
    const sink = memory()
    const writer = await flowWriter('parquet', sink)
    await writer.write(flows(fullFlow, {}))
    await writer.write(flows({ ...fullFlow, orig_p: 1 }))
    await writer.close()
    const { buffer, byteOffset, byteLength } = sink.bytes()
    const rows = await parquetReadObjects({
      file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
    })
    expect(rows).toHaveLength(3)
    expect(rows[0]).toMatchObject({
      ts: 1540469302.53864,
      'id.orig_h': '192.168.1.132',
      'id.orig_p': 58687n,
      duration: 0.114184,
      resp_bytes: 4096000000n,
      service: 'ntp',
    })
    expect(rows[1]).toMatchObject({ ts: null, service: null, orig_bytes: null })
    expect(rows[2]!['id.orig_p']).toBe(1n)
  })
})

describe('anomalies', () => {
  async function text(format: 'csv' | 'json' | 'ndjson', ...anomalies: ReturnType<typeof anomaly>[]) {
    const sink = memory()
    const writer = await anomalyWriter(format, sink)
    await writer.write(anomalies)
    await writer.close()
    return sink.text()
  }

  it('as CSV: a row each, columns that do not depend on the input', async () => {
    const [head, row, reading] = (
      await text('csv', anomaly(), anomaly({ fields: { temperature: 21.5, 'network.latency': 3 } }))
    ).split('\n')
    expect(head!.split(',').slice(0, 8)).toEqual([
      'device',
      'device_name',
      'timestamp',
      'type',
      'confidence',
      'p_value',
      'description',
      'affected_features',
    ])
    expect(row).toContain('192.168.1.132,,2018-10-25T12:08:22.53864Z,unusual volume,0.8123,0.00001235,')
    expect(row).toContain(
      '"orig_bytes 1,234,567 bytes (typical 40–1,500) 62%; proto udp (typical tcp, icmp) 20%"',
    )
    expect(reading).toContain('temperature=21.5; network.latency=3')
  })

  it('as CSV: formulas from outside are defused, quotes doubled', async () => {
    const csv = await text(
      'csv',
      anomaly({
        device_name: '=cmd|"/c calc"!A1',
        device: '+1',
        source: '@x',
        label: '-x',
        description: 'a\nb',
      }),
    )
    const row = csv.slice(csv.indexOf('\n') + 1)
    expect(row).toContain(`'+1,"'=cmd|""/c calc""!A1"`)
    expect(row).toContain("'@x")
    expect(row).toContain("'-x")
    expect(row).toContain('"a\nb"')
  })

  it('as JSON: everything, the time in RFC 3339, null without one', async () => {
    const [first, second] = JSON.parse(await text('json', anomaly(), anomaly({ timestamp: Number.NaN })))
    expect(first).toEqual({ ...anomaly(), timestamp: '2018-10-25T12:08:22.53864Z' })
    expect(second.timestamp).toBeNull()
  })
})

describe('readings', () => {
  function batch() {
    const builder = new ReadingBatchBuilder(2)
    builder.add({ ts: 1677657600, device: 'd1', metrics: { temperature: 65.2, 'network.latency': 25 } })
    builder.add({ device: 'd2', metrics: new Map([['__proto__.x', 1]]), label: 'spike' })
    return builder.finish()
  }

  it('as JSON nest dotted names, without touching prototypes', async () => {
    const sink = memory()
    const writer = await readingWriter('ndjson', sink, [])
    await writer.write(batch())
    await writer.close()
    const [a, b] = sink.text().trimEnd().split('\n')
    expect(JSON.parse(a!)).toEqual({
      id: 'd1',
      timestamp: '2023-03-01T08:00:00Z',
      temperature: 65.2,
      network: { latency: 25 },
      label: '',
    })
    expect(b).toContain('"__proto__":{"x":1}')
    expect(({} as { x?: number }).x).toBeUndefined()
  })

  it('as CSV have the given metrics', async () => {
    const sink = memory()
    const writer = await readingWriter('csv', sink, ['temperature', 'network.latency'], true)
    await writer.write(batch())
    await writer.close()
    expect(sink.text()).toBe(
      'id,timestamp,temperature,network.latency,label,detailed-label\nd1,2023-03-01T08:00:00Z,65.2,25,,\nd2,,,,spike,\n',
    )
  })
})

it('knows formats by extension', () => {
  expect(formatByExtension('a/b.CSV')).toBe('csv')
  expect(formatByExtension('b.jsonl')).toBe('ndjson')
  expect(formatByExtension('conn.log')).toBe('zeek')
  expect(formatByExtension('b.txt')).toBeUndefined()
})
