import { describe, expect, it } from 'vitest'
import { FlowHistory } from '../../src/anomalies/flow-evidence.ts'
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'
import { anomaly } from '../output/sample.ts'

const BOT = '10.0.0.5'
const unanswered = {
  conn_state: 'S0',
  resp_bytes: 0,
  resp_pkts: 0,
  orig_bytes: 0,
  orig_pkts: 1,
  orig_ip_bytes: 40,
}

/** An infected device: it searches for telnet, floods one victim, and calls its master once a minute, all at a time. */
function bot(): FlowRecord[] {
  const flows: FlowRecord[] = []
  for (let t = 0; t < 600; t++) {
    const at = (part: number, flow: FlowRecord) =>
      flows.push({ orig_h: BOT, proto: 6, ts: 1e9 + t + part, ...flow })
    at(0, { ...unanswered, resp_h: `52.${t % 200}.${t >> 2}.7`, resp_p: 23 })
    if (t >= 300 && t < 330)
      for (let k = 0; k < 20; k++) at(k / 20, { ...unanswered, resp_h: '9.9.9.9', resp_p: 80 })
    const answered = {
      conn_state: 'SF',
      orig_bytes: 90,
      resp_bytes: 60,
      orig_pkts: 5,
      resp_pkts: 4,
      orig_ip_bytes: 300,
    }
    if (t % 60 === 7) at(0.5, { ...answered, resp_h: '203.0.113.9', resp_p: 6667 })
  }
  return flows.sort((a, b) => a.ts! - b.ts!)
}

/** Incident ids of flows, cut into batches of `size`. */
function ids(flows: readonly FlowRecord[], size: number): number[] {
  const history = new FlowHistory()
  const out: number[] = []
  for (let from = 0; from < flows.length; from += size) {
    const part = flows.slice(from, from + size)
    const builder = new FlowBatchBuilder(part.length)
    for (const flow of part) builder.add(flow)
    const batch = builder.finish()
    for (let i = 0; i < part.length; i++) out.push(history.add(batch, i).behaviour)
  }
  return out
}

const summary = (anomalies: readonly Anomaly[]) => {
  const tracker = new IncidentTracker()
  tracker.add(anomalies)
  return tracker.finish()
}

describe('grouping', () => {
  it('keeps apart what one device does at a time', () => {
    const flows = bot()
    const found = ids(flows, flows.length)
    const of = (port: number) => found.filter((_, i) => flows[i]!.resp_p === port)
    const [scan, flood, master] = [of(23), of(80), of(6667)]
    expect([new Set(scan).size, new Set(master).size]).toEqual([1, 1])
    // The first few flows of a flood look like what the device searches for elsewhere.
    expect(new Set(flood.slice(6)).size).toBe(1)
    expect(new Set([scan[0], flood[6], master[0]]).size).toBe(3)
  })

  it('gives the same however the input is cut', () => {
    const flows = bot()
    expect(ids(flows, 7)).toEqual(ids(flows, flows.length))
  })

  it('takes a flood on random ports, and ports tried one after the other, each for one', () => {
    const flows = Array.from({ length: 300 }, (_, i) => ({
      ...unanswered,
      orig_h: BOT,
      proto: 17,
      ts: 1e9 + i / 20,
      resp_h: '9.9.9.9',
      resp_p: 10_000 + ((i * 7919) % 50_000),
    }))
    expect(new Set(ids(flows, 100)).size).toBe(1)
  })

  it('begins anew after a long silence', () => {
    const flow = { ...unanswered, orig_h: BOT, proto: 6, resp_h: '9.9.9.9', resp_p: 80 }
    expect(
      ids(
        [1e9, 1e9 + 60, 1e9 + 90_000].map((ts) => ({ ...flow, ts })),
        3,
      ),
    ).toEqual([1, 1, 2])
  })
})

describe('incidents', () => {
  it('count, tell targets, span and representatives, in one sentence', () => {
    const flow = (resp_h: string) => ({ orig_h: BOT, resp_h, resp_p: 23, proto: 'tcp', resp_bytes: 0 })
    const rows = Array.from({ length: 100 }, (_, i) =>
      anomaly({
        device: BOT,
        type: i < 8 ? 'new service' : 'port scan',
        timestamp: 1e9 + i,
        record: i,
        p_value: i === 50 ? 1e-6 : 1e-3,
        fields: flow(i < 3 ? '52.0.0.1' : `52.0.1.${i}`),
      }),
    )
    const { incidents, leftOut } = summary(rows)
    expect(leftOut).toBe(0)
    expect(incidents).toMatchObject([
      {
        id: 1,
        type: 'port scan',
        technique: { id: 'T1046' },
        count: 100,
        first: 1e9,
        last: 1e9 + 99,
        devices: [{ device: BOT, count: 100 }],
        ports: { distinct: 1, top: [{ value: '23/tcp', count: 100 }] },
        strongest: { record: 50 },
        first_anomaly: { record: 0 },
        last_anomaly: { record: 99 },
        description: expect.stringMatching(
          /^10\.0\.0\.5 searched about 9\d addresses on port 23\/tcp: 100 unusual connections within 99 s, all of them without an answer\.$/,
        ),
      },
    ])
    expect(incidents[0]!.addresses.top[0]).toEqual({ value: '52.0.0.1', count: 3 })
    expect(Math.abs(incidents[0]!.addresses.distinct - 98)).toBeLessThan(10)
  })

  it('are surer the more weak anomalies come at a time; a single one stays as weak as it is', () => {
    const weak = (n: number, apart: number) =>
      summary(
        Array.from({ length: n }, (_, i) =>
          anomaly({ p_value: 0.01, confidence: 0.5, timestamp: 1e9 + apart * i }),
        ),
      ).incidents[0]!.confidence
    expect(weak(1, 1)).toBeCloseTo(0.5, 12)
    expect(weak(100, 1)).toBeGreaterThan(0.65)
    expect(weak(100, 1)).toBeGreaterThan(weak(10, 1))
    expect(weak(100, 7200)).toBeLessThan(0.51)
  })

  it('keep the strongest and count the rest', () => {
    const rows = Array.from({ length: 50_000 }, (_, i) =>
      anomaly({ incident: i + 1, p_value: i === 17 ? 1e-9 : 1e-3, timestamp: 1e9 + i }),
    )
    const { incidents, leftOut } = summary(rows)
    expect(incidents).toHaveLength(2000)
    expect(incidents[0]!.id).toBe(18)
    expect(leftOut).toBe(48_000)
  })
})
