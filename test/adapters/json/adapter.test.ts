import { describe, expect, it } from 'vitest'
import { readFlows } from '../../../src/adapters/read.ts'
import { sharedData } from '../../shared-data.ts'
import { readBytes } from '../contract.ts'

const read = (value: unknown) =>
  readBytes(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), {}, undefined, 'eve.json')
const reading = {
  id: 'device1',
  timestamp: '2023-03-01T08:00:00',
  temperature: 65.2,
  network: { packetLoss: 0.5, latency: 25 },
}

describe('JSON', () => {
  it('one reading, nested metrics joined with a dot', async () => {
    const { rows } = await read(reading)
    expect(rows).toEqual([
      {
        ts: Date.parse('2023-03-01T08:00:00Z') / 1000,
        device: 'device1',
        'metrics.temperature': 65.2,
        'metrics.network.packetLoss': 0.5,
        'metrics.network.latency': 25,
      },
    ])
  })

  it('a list of objects within a reading is a part of it, not the records', async () => {
    const { rows } = await read({ ...reading, events: [{ a: 1 }, { a: 2 }] })
    expect(rows).toHaveLength(1)
    expect(rows[0]!.device).toBe('device1')
  })

  it('broken lines are rejected with their number, the others read', async () => {
    const lines = Array.from({ length: 9 }, (_, i) => JSON.stringify({ ...reading, temperature: i }))
    lines[3] = '{"id":"device1","timestamp":'
    lines[5] = '[1,2]'
    lines[7] = JSON.stringify({ ...reading, temperature: 'hot' })
    const more = Array.from({ length: 20 }, () => JSON.stringify(reading))
    const { report } = await read([...lines, ...more].join('\n'))
    expect([report.used, report.rejected]).toEqual([26, 3])
    expect(report.problems.map((p) => p.place)).toEqual(['eve.json:4', 'eve.json:6', 'eve.json:8'])
    expect(report.problems[2]!.message).toBe(
      'temperature expects a number, got "hot"; correct or remove the row',
    )
  })

  it('a broken object within a list costs itself', async () => {
    const text = `[\n${JSON.stringify(reading)},\n{"id": },\n${JSON.stringify(reading)}\n]`
    const { report } = await read(text)
    expect([report.used, report.rejected]).toEqual([2, 1])
    expect(report.problems[0]!.place).toBe('eve.json:3')
  })

  it('a metric that comes late is missing before', async () => {
    const early = Array.from({ length: 1500 }, () => JSON.stringify(reading))
    const { rows } = await read([...early, JSON.stringify({ ...reading, vibration: 3 })].join('\n'))
    expect(rows.at(-1)!['metrics.vibration']).toBe(3)
    expect(rows).toHaveLength(1501)
  })

  it('very deep nesting and endless records are rejected, in bounded time', async () => {
    const deep = `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const endless = `{"id":"a","x":"${'y'.repeat(3_000_000)}`
    const started = performance.now()
    const { report } = await read([...Array(20).fill(JSON.stringify(reading)), deep, endless].join('\n'))
    expect([report.used, report.rejected]).toEqual([
      20 + Number(report.used === 21),
      1 + Number(report.used === 20),
    ])
    const brackets = await read('{\n'.repeat(30_000)).catch((error: Error) => error)
    expect(brackets).toBeInstanceOf(Error)
    expect(performance.now() - started).toBeLessThan(20_000)
  })
})

describe('Suricata EVE', () => {
  const flow = {
    timestamp: '2021-06-06T15:57:37.272281+0200',
    flow_id: 445_348_883_402_532,
    event_type: 'flow',
    src_ip: '192.168.1.132',
    src_port: 1900,
    dest_ip: '192.168.1.129',
    dest_port: 44_232,
    proto: 'UDP',
    app_proto: 'failed',
    flow: {
      pkts_toserver: 12,
      pkts_toclient: 0,
      bytes_toserver: 4056,
      bytes_toclient: 0,
      start: '2021-06-06T16:38:55.855844+0200',
      end: '2021-06-06T16:38:56.963027+0200',
      state: 'new',
    },
  }

  it('uses flow and netflow events and counts the others', async () => {
    const netflow = {
      ...flow,
      event_type: 'netflow',
      flow: undefined,
      netflow: { pkts: 3, bytes: 180, start: flow.flow.start, end: flow.flow.end },
    }
    const icmp = {
      ...flow,
      proto: 'ICMP',
      src_port: undefined,
      dest_port: undefined,
      icmp_type: 8,
      icmp_code: 0,
    }
    const dns = { ...flow, event_type: 'dns', flow: undefined, dns: { answers: [{ a: 1 }] } }
    const { rows, report } = await read([flow, netflow, dns, icmp].map((e) => JSON.stringify(e)).join('\n'))
    expect(report.dialect).toBe('Suricata EVE')
    expect(Object.fromEntries(report.reasons)).toEqual({ 'Suricata event dns is no flow': 1 })
    expect(rows[0]).toMatchObject({
      orig_p: 1900,
      proto: 17,
      service: '',
      conn_state: 'S0',
      orig_ip_bytes: 4056,
    })
    expect(rows[0]!.duration).toBeCloseTo(1.107183, 5)
    expect(rows[1]).toMatchObject({ orig_pkts: 3, orig_ip_bytes: 180, resp_pkts: Number.NaN })
    expect(rows[2]).toMatchObject({ orig_p: 8, resp_p: 0, proto: 1 })
  })

  it('without flows says what to enable', async () => {
    await expect(read({ ...flow, event_type: 'alert' })).rejects.toThrow(
      /EVE log without flow events; enable "flow"/,
    )
  })

  it.skipIf(!sharedData('adapters/suricata-eve.json'))('a real log: every flow event', async () => {
    expect((await readFlows(sharedData('adapters/suricata-eve.json')!)).length).toBe(3512)
    expect((await readFlows(sharedData('adapters/zeek-conn.json.log')!)).length).toBe(576)
  })
})

it.each([
  '{"ts":{"0":1600000000,"1":1600000001,"2":1600000002},"temp":{"0":20.5,"1":20.6,"2":20.7}}',
  '{"0":{"ts":1600000000,"temp":20.5},"1":{"ts":1600000001,"temp":20.6}}',
  `{"ts":[${Array.from({ length: 20 }, (_, i) => 1_600_000_000 + i).join()}],"temp":[1,2]}`,
  '{"columns":["ts","temp"],"index":[0,1],"data":[[1600000000,1],[1600000001,2]]}',
])('a table that is no list of records is refused with the remedy: %s', async (table) => {
  await expect(readBytes(Buffer.from(table))).rejects.toThrow('orient="records"')
})
