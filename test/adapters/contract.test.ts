import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { adapterContract, readBytes } from './contract.ts'
import { iot23Log, someFlows, tinyCapture, written } from './samples.ts'

const text = (s: string) => new TextEncoder().encode(s)
const flows = someFlows(40)

const readingsJson = Array.from(
  { length: 25 },
  (_, i) =>
    `{"id":"device${i % 3}","timestamp":"2023-03-01T08:00:${String(i).padStart(2, '0')}","temperature":${65 + i / 8},"network":{"packetLoss":0.5,"latency":${25 + i}}}`,
)
const skab = [
  'datetime;Accelerometer1RMS;Pressure;Volume Flow RateRMS;anomaly;changepoint',
  ...Array.from(
    { length: 30 },
    (_, i) => `2020-03-09 10:14:${30 + i};0.0${265 + i};${i / 7};32.0;${i > 20 ? '1.0' : '0.0'};0.0`,
  ),
].join('\r\n')

const nfdumpLong = [
  'Date first seen             Duration     Proto      Src IP Addr:Port          Dst IP Addr:Port     Flags Tos  Packets    Bytes Flows',
  ...Array.from(
    { length: 30 },
    (_, i) =>
      `2027-01-01 12:56:${10 + i}.788     00:00:0${i % 9}.016 TCP      192.168.1.195:${49_216 + i} ->   185.244.25.235:6667  ...AP.S.   0        5      ${328 + i}     1`,
  ),
  'Summary: total flows: 30, total bytes: 2.1 M, total packets: 29552, avg bps: 200, avg pps: 0, avg bpp: 71',
  'Time window: 2027-01-01 12:40:02 - 2027-01-02 12:15:31',
].join('\n')

adapterContract('zeek', [
  { name: 'our own log', bytes: await written('zeek', flows), kind: 'flows', records: 40 },
  { name: 'IoT-23 with joined labels', bytes: text(iot23Log(30)), kind: 'flows', records: 30 },
  {
    name: 'several logs one after another, with line ends of Windows',
    bytes: text((iot23Log(5) + iot23Log(6)).replaceAll('\n', '\r\n')),
    kind: 'flows',
    records: 11,
  },
])
adapterContract('csv', [
  { name: 'flows', bytes: await written('csv', flows), kind: 'flows', records: 40 },
  { name: 'readings with labels', bytes: text(skab), kind: 'readings', records: 30 },
  {
    name: 'quotes, a BOM and a broken row',
    bytes: text(`\uFEFFdevice,time,"a ""b"" c"\n${'"x, y",2020-01-01 00:00:00,1.5\n'.repeat(20)}x,y\n`),
    kind: 'readings',
    records: 20,
    rejected: 1,
  },
])
adapterContract('json', [
  { name: 'one a line', bytes: text(readingsJson.join('\n')), kind: 'readings', records: 25 },
  { name: 'a list', bytes: text(`[\n${readingsJson.join(',\n')}\n]\n`), kind: 'readings', records: 25 },
  { name: 'one after another', bytes: text(readingsJson.join('')), kind: 'readings', records: 25 },
  {
    name: 'pretty-printed',
    bytes: text(
      JSON.stringify(
        readingsJson.map((r) => JSON.parse(r) as unknown),
        null,
        2,
      ),
    ),
    kind: 'readings',
    records: 25,
  },
  {
    name: 'a list inside an object',
    bytes: text(`{"count":25,"data":{"items":[${readingsJson.join(',')}]},"next":[{"a":1}]}`),
    kind: 'readings',
    records: 25,
  },
  { name: 'Zeek JSON', bytes: await written('ndjson', flows), kind: 'flows', records: 40 },
])
adapterContract('parquet', [
  { name: 'flows', bytes: await written('parquet', flows), kind: 'flows', records: 40 },
])
adapterContract('nfdump', [{ name: 'long', bytes: text(nfdumpLong), kind: 'flows', records: 30 }])
adapterContract('pcap', [{ name: 'one connection', bytes: tinyCapture(), kind: 'flows', records: 1 }])

describe('flows written by us', () => {
  it.each(['zeek', 'csv', 'json', 'ndjson', 'parquet'] as const)('come back from %s', async (format) => {
    const back = await readBytes(await written(format, flows))
    const zeek = await readBytes(await written('zeek', flows))
    expect(back.rows).toHaveLength(40)
    for (let i = 0; i < 40; i++) {
      for (const [name, value] of Object.entries(zeek.rows[i]!)) {
        if (typeof value === 'number' && !Number.isNaN(value))
          expect(back.rows[i]![name], name).toBeCloseTo(value, 5)
        else expect(back.rows[i]![name], name).toEqual(value)
      }
    }
    expect(zeek.rows[0]).toMatchObject({ orig_h: '192.168.1.2', orig_bytes: 0, label: 'benign', proto: 6 })
    expect(zeek.rows[3]).toMatchObject({ label: 'malicious', detailed_label: 'C&C', duration: Number.NaN })
    expect(zeek.rows[2]!.resp_bytes).toBe(4_096_000_002)
  })
})

describe('compressed data', () => {
  it('cut off after good bytes is read as far as it goes, with a note', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `d${i % 5},${i},${(i * 7919) % 10_007}\n`).join('')
    const whole = gzipSync(`device,time,x\n${rows}`)
    const { report } = await readBytes(whole.subarray(0, whole.length >> 1))
    expect(report.used).toBeGreaterThan(1000)
    expect(report.notes.join()).toMatch(/cut off or damaged after \d+ good bytes/)
  })
})
