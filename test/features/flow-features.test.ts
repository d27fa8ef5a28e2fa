import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeviceResolver } from '../../src/devices/device-resolver.ts'
import { rawFeatures } from '../../src/features/extract-features.ts'
import type { FeatureColumns } from '../../src/features/feature-columns.ts'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { createFlowExtractor } from '../../src/features/flow/extractor.ts'
import { type FlowBatch, FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'

function batchOf(flows: readonly FlowRecord[]): FlowBatch {
  const builder = new FlowBatchBuilder(Math.max(1, flows.length))
  for (const flow of flows) builder.add(flow)
  return new DeviceResolver().assign(builder.finish())
}

/** One row as name -> stored value. */
function rowOf(columns: FeatureColumns, i: number): Record<string, number> {
  return Object.fromEntries(columns.specs.map((s, j) => [s.name, columns.columns[j]![i]!]))
}
const features = (flows: readonly FlowRecord[]) => rawFeatures(batchOf(flows))

const https: FlowRecord = {
  ts: 1_600_000_000,
  duration: 2,
  orig_h: '192.168.1.7',
  orig_p: 40000,
  resp_h: '93.184.216.34',
  resp_p: 443,
  proto: 6,
  conn_state: 'SF',
  orig_bytes: 500,
  orig_pkts: 6,
  orig_ip_bytes: 760,
  resp_bytes: 1900,
  resp_pkts: 5,
  resp_ip_bytes: 2240,
}

describe('one flow', () => {
  test('sizes from the side of the device', () => {
    const row = rowOf(features([https]), 0)
    expect(Math.expm1(row.bytes_out!)).toBeCloseTo(760)
    expect(Math.expm1(row.bytes_in!)).toBeCloseTo(2240)
    expect(Math.expm1(row.duration!)).toBeCloseTo(2000)
    expect(row.bytes_ratio).toBeCloseTo(760 / 3000)
    expect(Math.expm1(row.packet_rate!)).toBeCloseTo(5)
    expect(Math.expm1(row.bytes_per_pkt_in!)).toBeCloseTo(448)
    expect(row).toMatchObject({
      opened_by_peer: 0,
      service_port: 443,
      'proto=tcp': 1,
      'port=well-known': 1,
      'service=web': 1,
      'state=complete': 1,
      'peer=outside': 1,
    })
  })

  test('a flow opened by the peer is turned round', () => {
    const row = rowOf(features([{ ...https, orig_h: https.resp_h!, resp_h: https.orig_h! }]), 0)
    expect(Math.expm1(row.bytes_out!)).toBeCloseTo(2240)
    expect(Math.expm1(row.pkts_in!)).toBeCloseTo(6)
    expect(row.opened_by_peer).toBe(1)
  })

  test('a lone packet without duration has rate 0, not a missing value', () => {
    const syn = {
      ...https,
      duration: Number.NaN,
      orig_bytes: Number.NaN,
      resp_bytes: Number.NaN,
      orig_pkts: 1,
      orig_ip_bytes: 60,
      resp_pkts: 0,
      resp_ip_bytes: 0,
      conn_state: 'S0',
    }
    const row = rowOf(features([syn]), 0)
    expect(row).toMatchObject({
      duration: 0,
      packet_rate: 0,
      bytes_ratio: 1,
      bytes_per_pkt_in: 0,
      'state=no answer': 1,
    })
    expect(Object.values(row).every(Number.isFinite)).toBe(true)
  })

  test('what a source does not have is NaN, never 0', () => {
    const row = rowOf(features([{ orig_h: '10.0.0.1', resp_h: '10.0.0.2' }]), 0)
    for (const name of [
      'bytes_out',
      'bytes_in',
      'pkts_out',
      'duration',
      'packet_rate',
      'hour_sin',
      'same_target_1m',
    ]) {
      expect(row[name], name).toBeNaN()
    }
    expect(row['peer=local']).toBe(1)
  })

  test('payload bytes stand in for IP bytes', () => {
    const row = rowOf(features([{ ...https, orig_ip_bytes: Number.NaN, resp_ip_bytes: Number.NaN }]), 0)
    expect(Math.expm1(row.bytes_out!)).toBeCloseTo(500)
  })

  test.each([
    [{ resp_p: 1883 }, 'service=IoT messaging'],
    [{ resp_p: 40001, service: 'mqtt' }, 'service=IoT messaging'],
    [{ resp_p: 53, proto: 17, service: 'dns' }, 'service=name lookup'],
    [{ resp_p: 9999, service: 'ssl,http' }, 'service=web'],
    [{ resp_p: 23 }, 'service=remote login'],
    [{ resp_p: 53, proto: 1 }, 'service=other'],
    [{ resp_p: 50000 }, 'port=dynamic'],
    [{ resp_p: 8, proto: 1 }, 'port=none'],
    [{ proto: 58 }, 'proto=icmp'],
    [{ conn_state: 'RSTR' }, 'state=reset'],
    [{ conn_state: '' }, 'state=unknown'],
  ])('%o is %s', (change, name) => {
    expect(rowOf(features([{ ...https, ...change }]), 0)[name]).toBe(1)
  })

  test('every categorical feature has exactly one category', () => {
    const columns = features([https, { ...https, proto: 47, resp_p: 0, conn_state: 'X', service: 'x' }])
    for (const group of ['proto', 'port', 'service', 'state', 'peer']) {
      for (let i = 0; i < 2; i++) {
        const members = columns.specs.flatMap((s, j) => (s.group === group ? [columns.columns[j]![i]!] : []))
        expect(members.reduce((a, b) => a + b)).toBe(1)
      }
    }
  })

  test('hour and weekday lie on their circles', () => {
    // 2026-11-23 is a Monday; 06:00 UTC.
    const row = rowOf(features([{ ...https, ts: Date.UTC(2026, 10, 23, 6) / 1000 }]), 0)
    expect(row.hour_sin).toBeCloseTo(1)
    expect(row.hour_cos).toBeCloseTo(0)
    expect(Math.atan2(row.weekday_sin!, row.weekday_cos!) / (2 * Math.PI)).toBeCloseTo(0.25 / 7)
  })

  test('further columns of a data set are features', () => {
    const batch = { ...batchOf([https]), extra: new Map([['land', Float64Array.of(3)]]) }
    const columns = createFlowExtractor().extract(batch)
    expect(rowOf(columns, 0).land).toBe(3)
  })
})

describe('behaviour over time', () => {
  const last = (flows: readonly FlowRecord[]) => rowOf(features(flows), flows.length - 1)
  const many = (n: number, step: number, change: (i: number) => Partial<FlowRecord> = () => ({})) =>
    Array.from({ length: n }, (_, i) => ({ ...https, ts: 1e9 + i * step, ...change(i) }))

  test('connections to one target at a steady rate', () => {
    const row = last(many(2000, 2))
    // 1 every 2 s: 30 in a minute, 300 in ten, plus half of the one that counts itself.
    expect(Math.expm1(row.same_target_1m!)).toBeCloseTo(30.5, 1)
    expect(Math.expm1(row.same_target_10m!)).toBeGreaterThan(290)
    expect(Math.expm1(row.destinations_10m!)).toBeLessThan(1.01)
    expect(Math.expm1(row.failed_10m!)).toBe(0)
  })

  test('a scan over hosts counts destinations and failures, not target repeats', () => {
    const row = last(many(200, 0.1, (i) => ({ resp_h: `45.1.${i}.9`, resp_p: 23, conn_state: 'S0' })))
    expect(Math.expm1(row.destinations_10m!)).toBeGreaterThan(190)
    expect(Math.expm1(row.failed_10m!)).toBeGreaterThan(190)
    expect(Math.expm1(row.same_target_10m!)).toBeCloseTo(1)
    expect(Math.expm1(row.ports_10m!)).toBeCloseTo(1)
  })

  test('a scan over ports counts ports', () => {
    expect(Math.expm1(last(many(200, 0.1, (i) => ({ resp_p: i + 1 }))).ports_10m!)).toBeGreaterThan(190)
  })

  test('an attack on one port leaves the counts of another alone', () => {
    const flood = many(500, 0.01)
    const ntp = { ...https, ts: 1e9 + 6, resp_h: '1.2.3.4', resp_p: 123, proto: 17 }
    const row = last([...flood, ntp])
    for (const name of ['same_target_1m', 'destinations_10m', 'ports_10m']) {
      expect(Math.expm1(row[name]!), name).toBeCloseTo(1)
    }
  })

  test('two devices do not mix', () => {
    const row = last([...many(500, 0.01), { ...https, ts: 1e9 + 6, orig_h: '192.168.1.8' }])
    expect(Math.expm1(row.same_target_1m!)).toBeCloseTo(1)
  })

  test('a late flow counts, and does not turn time back', () => {
    const rows = [...many(10, 1), { ...https, ts: 1e9 + 3 }, { ...https, ts: 1e9 + 10 }]
    const late = rowOf(features(rows), 10)
    const next = rowOf(features(rows), 11)
    expect(Math.expm1(late.same_target_1m!)).toBeGreaterThan(
      Math.expm1(rowOf(features(rows), 9).same_target_1m!),
    )
    expect(Math.expm1(next.same_target_1m!)).toBeGreaterThan(10)
    expect(Math.expm1(next.same_target_1m!)).toBeLessThan(12)
  })

  test('a flow whose time is unknown has no behaviour and changes none', () => {
    const rows = [https, { ...https, ts: Number.NaN }, https]
    const columns = features(rows)
    expect(rowOf(columns, 1).same_target_1m).toBeNaN()
    expect(Math.expm1(rowOf(columns, 2).same_target_1m!)).toBeCloseTo(2)
  })
})

describe('what is new or more than usual for a device', () => {
  const HOUR = 3600
  /** A day of ordinary contacts: one every 5 min, 20 kB each, to a server known from the beginning. */
  const ordinary = Array.from({ length: 288 }, (_, i) => ({
    ...https,
    ts: 1e9 + i * 300,
    orig_ip_bytes: 20_000,
  }))
  const after = 1e9 + 24 * HOUR
  const behind = (flows: readonly FlowRecord[]) => {
    const all = [...ordinary, ...flows].sort((a, b) => a.ts! - b.ts!)
    return rowOf(features(all), all.length - 1)
  }
  const every = (n: number, step: (i: number) => number, change: Partial<FlowRecord>) =>
    Array.from({ length: n }, (_, i) => ({ ...https, ts: after + step(i), ...change }))

  test('regular contacts with a new destination count, irregular ones and those with a known one do not', () => {
    const beacon = (i: number) => i * 600 + (i % 3) * 60
    const row = behind(every(20, beacon, { resp_h: '203.0.113.9' }))
    expect(Math.expm1(row.regular_contacts!)).toBeCloseTo(20)
    expect(behind(every(5, beacon, { resp_h: '203.0.113.9' })).regular_contacts).toBe(0)
    expect(behind(every(20, beacon, {})).regular_contacts).toBe(0)
    const bursts = (i: number) => Math.floor(i / 5) * 3600 + (i % 5) * 20
    expect(behind(every(20, bursts, { resp_h: '203.0.113.9' })).regular_contacts).toBe(0)
  })

  test('an upload stands out against what the device usually sends, more so to a new destination', () => {
    const upload = { orig_ip_bytes: 9e6, resp_h: '203.0.113.9' }
    const row = behind(every(3, (i) => i * 60, upload))
    // 240 kB an hour were usual, fading a little; to a new destination nothing was, so 64 KiB stand in.
    expect(Math.expm1(row.bytes_out_1h_usual!)).toBeGreaterThan(90)
    expect(Math.expm1(row.bytes_out_1h_usual!)).toBeLessThan(130)
    expect(Math.expm1(row.bytes_out_1h_new!)).toBeCloseTo((27e6 / 65536) * 0.983, -1)
    // For at least an hour it does not become usual while it lasts, after two it does.
    const long = behind(every(60, (i) => i * 60, upload))
    expect(Math.expm1(long.bytes_out_1h_usual!)).toBeGreaterThan(500)
    const days = behind(every(600, (i) => i * 60, upload))
    expect(Math.expm1(days.bytes_out_1h_usual!)).toBeLessThan(1.2)
  })

  test('a flood that nobody answers is no upload', () => {
    const flood = {
      orig_ip_bytes: 9e6,
      resp_h: '203.0.113.9',
      resp_pkts: 0,
      resp_ip_bytes: 0,
      conn_state: 'S0',
    }
    const row = behind(every(30, (i) => i, flood))
    expect(row.bytes_out_1h_usual).toBe(0)
    expect(row.bytes_out_1h_new).toBe(0)
  })

  test('nothing is new or more than usual while a device is being got to know', () => {
    const flows = every(60, (i) => i * 300, {
      orig_h: '192.168.1.99',
      orig_ip_bytes: 9e6,
      resp_h: '203.0.113.9',
    })
    const row = behind(flows)
    for (const name of ['regular_contacts', 'bytes_out_1h_usual', 'bytes_out_1h_new'])
      expect(row[name]).toBe(0)
  })

  test('training too short to show them drops them, and says so', () => {
    const short = batchOf(ordinary.slice(0, 100))
    const space = FeatureSpace.fit('flows', rawFeatures(short), short.ts)
    expect(space.dropped).toContainEqual({
      name: 'regular_contacts',
      reason: expect.stringMatching(/needs 12 h of training, it covers 8\.3 h/),
    })
    const long = batchOf(ordinary)
    expect(FeatureSpace.fit('flows', rawFeatures(long), long.ts).featureNames).toContain('regular_contacts')
  })

  test('counts are shown whole', () => {
    const long = batchOf(ordinary)
    const columns = rawFeatures(long)
    const space = FeatureSpace.fit('flows', columns, long.ts)
    const j = space.featureNames.indexOf('same_target_10m')
    expect(space.shown(j, columns, 200)).toBe(3)
    expect(space.typical(j)).toEqual({ low: 2, high: 3 })
  })
})

test('cutting into batches changes no value', () => {
  const flow = fc.record({
    ts: fc.double({ min: 1e9, max: 1e9 + 2000, noNaN: true }),
    duration: fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 100, noNaN: true })),
    orig_h: fc.constantFrom('192.168.1.2', '192.168.1.3', '8.8.8.8'),
    resp_h: fc.constantFrom('192.168.1.2', '1.1.1.1', '1.0.0.1', '239.1.1.1'),
    resp_p: fc.constantFrom(53, 80, 443, 6667, 50000),
    proto: fc.constantFrom(6, 17, 1),
    service: fc.constantFrom('', 'dns', 'http'),
    conn_state: fc.constantFrom('SF', 'S0', 'REJ', ''),
    orig_pkts: fc.nat(20),
    resp_pkts: fc.nat(20),
    orig_ip_bytes: fc.nat(5000),
    resp_ip_bytes: fc.nat(5000),
  })
  fc.assert(
    fc.property(
      fc.array(flow, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (flows, size) => {
        const whole = features(flows)
        const extractor = createFlowExtractor()
        const resolver = new DeviceResolver()
        for (let at = 0; at < flows.length; at += size) {
          const builder = new FlowBatchBuilder(size)
          for (const f of flows.slice(at, at + size)) builder.add(f)
          const part = extractor.extract(resolver.assign(builder.finish()))
          part.columns.forEach((column, j) => {
            expect(column).toEqual(whole.columns[j]!.subarray(at, at + size))
          })
        }
      },
    ),
    { numRuns: 60, seed: 40 },
  )
})
