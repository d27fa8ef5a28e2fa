import { describe, expect, it } from 'vitest'
import { type Cause, classifyFlow, classifyReading } from '../../src/anomalies/classify.ts'
import { causeText, describeFlow, describeReading, subject } from '../../src/anomalies/describe.ts'
import { counter, FlowHistory } from '../../src/anomalies/flow-evidence.ts'
import { ReadingHistory } from '../../src/anomalies/reading-history.ts'
import type { FeatureSpec } from '../../src/features/feature-columns.ts'
import type { AffectedFeature } from '../../src/schema/anomaly.ts'
import { FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'
import type { ReadingBatch } from '../../src/schema/reading-batch.ts'

const base: FlowRecord = {
  orig_h: '10.0.0.5',
  resp_h: '10.9.9.9',
  resp_p: 443,
  proto: 6,
  conn_state: 'SF',
  orig_bytes: 500,
  resp_bytes: 900,
  orig_pkts: 5,
  resp_pkts: 6,
}
const failed: FlowRecord = { conn_state: 'S0', orig_bytes: 0, resp_bytes: 0, orig_pkts: 1, resp_pkts: 0 }

/** The evidence after `n` unusual flows, the i-th made by `flow`. */
function evidenceOf(n: number, flow: (i: number) => FlowRecord) {
  const builder = new FlowBatchBuilder(n)
  for (let i = 0; i < n; i++) builder.add({ ...base, ts: 1000 + i, ...flow(i) })
  const batch = builder.finish()
  const history = new FlowHistory()
  let evidence = history.add(batch, 0)
  for (let i = 1; i < n; i++) evidence = history.add(batch, i)
  return evidence
}

function cause(spec: Partial<FeatureSpec>, affected: Partial<AffectedFeature>): Cause {
  const name = spec.name ?? 'x'
  return {
    spec: { name, unit: '', scale: 'linear', direction: 'both', words: name, ...spec },
    affected: {
      feature: name,
      value: 9,
      unit: spec.unit ?? '',
      typical: { low: 0, high: 1 },
      contribution: 1,
      ...affected,
    },
  }
}

describe('the type of an unusual flow', () => {
  it.each([
    [
      'many addresses without an answer',
      'port scan',
      30,
      (i: number) => ({ ...failed, resp_h: `10.1.${i}.1`, resp_p: 23 }),
    ],
    ['many ports of one host', 'port scan', 30, (i: number) => ({ ...failed, conn_state: 'REJ', resp_p: i })],
    [
      'many unanswered flows to one target',
      'flood',
      100,
      (i: number) => ({ ...failed, ts: 1000 + i / 50, resp_p: 80 }),
    ],
    [
      'a flood on random ports',
      'flood',
      100,
      (i: number) => ({
        conn_state: 'S0',
        ts: 1000 + i / 50,
        resp_p: 2000 + i,
        proto: 17,
        orig_bytes: 9000,
        resp_bytes: 0,
      }),
    ],
    ['one flow of very many packets', 'flood', 1, () => ({ ...failed, orig_pkts: 90_000 })],
    ['many logins at one host', 'brute force', 20, () => ({ resp_p: 22 })],
    ['the same target every minute', 'beaconing', 8, (i: number) => ({ ts: 1000 + 60 * i })],
    ['megabytes out, little in', 'exfiltration', 1, () => ({ orig_bytes: 2e7, resp_bytes: 4000 })],
    [
      'look-ups that carry data',
      'exfiltration',
      15,
      () => ({ resp_p: 53, proto: 17, orig_bytes: 180, resp_bytes: 200 }),
    ],
    [
      'a flood on more random ports than any scanner tries, without a refusal',
      'flood',
      2500,
      (i: number) => ({ ...failed, ts: 1000 + i / 50, resp_p: 1024 + ((i * 7919) % 60_000) }),
    ],
    [
      'a name server that does not answer',
      'unusual connection',
      40,
      (i: number) => ({ ...failed, ts: 1000 + 20 * i, resp_p: 53, proto: 17 }),
    ],
    ['a single flow', 'unusual connection', 1, () => ({})],
  ] as const)('%s: %s', (_, type, n, flow) => {
    expect(classifyFlow(evidenceOf(n, flow), [])).toBe(type)
  })

  it('keeps devices and minutes apart', () => {
    expect(
      classifyFlow(
        evidenceOf(30, (i) => ({ ...failed, orig_h: `10.0.0.${i}`, resp_p: i })),
        [],
      ),
    ).toBe('unusual connection')
    expect(evidenceOf(30, (i) => ({ ts: 1000 + 300 * i })).flows).toBe(1)
  })

  it('falls back on the strongest feature that is out of range', () => {
    const one = evidenceOf(1, () => ({}))
    const service = { group: 'service', name: 'service=chat' }
    const strange = { value: 'chat', typical: { usual: ['web'] } }
    expect(classifyFlow(one, [cause(service, strange)])).toBe('new service')
    expect(
      classifyFlow(one, [
        cause(service, { value: 'web', typical: { usual: ['web'] } }),
        cause({ unit: 'bytes' }, {}),
      ]),
    ).toBe('unusual volume')
    expect(classifyFlow(one, [cause({ cycle: 'day' }, { value: 30 })])).toBe('unusual hour')
    expect(classifyFlow(one, [cause({ unit: 'bytes' }, { value: 0.5 })])).toBe('unusual connection')
  })
})

describe('the type of an unusual reading', () => {
  const t = { metric: 'temperature' }
  it.each([
    ['drift', [cause({ ...t, aspect: 'level' }, {})]],
    ['spike', [cause({ ...t, aspect: 'level' }, {}), cause({ ...t, aspect: 'change' }, { value: -4 })]],
    ['spike', [cause({ ...t, aspect: 'change' }, {})]],
    ['stuck', [cause({ ...t, aspect: 'spread' }, { value: -1 })]],
    ['stuck', [cause({ ...t, aspect: 'spread', direction: 'high' }, {})]],
    ['noise', [cause({ ...t, aspect: 'spread' }, {})]],
    ['dropout', [cause({ aspect: 'gap' }, {})]],
    ['dropout', [cause({ ...t, aspect: 'level' }, { value: 'missing' })]],
    ['dropout', [cause({ ...t, aspect: 'change' }, { value: 'missing' })]],
    ['spike', [cause({ ...t, aspect: 'relation' }, {}), cause({ ...t, aspect: 'change' }, { value: 9 })]],
    ['correlation break', [cause({ ...t, aspect: 'relation' }, {})]],
    ['unusual reading', [cause({}, {})]],
    ['unusual reading', []],
  ] as const)('%s', (type, causes) => {
    expect(classifyReading(causes)).toBe(type)
  })
})

describe('readings that others do not explain', () => {
  const spec = { metric: 'temperature', aspect: 'relation' } as const
  const now = cause({ ...spec, name: 'temperature unexpected' }, {})
  const average = cause({ ...spec, name: 'temperature average unexpected' }, {})
  const moves = { jumps: 0, quiet: 0, returns: 0, stays: 0, apart: 20, turns: 0 }

  it('drift where they went aside without a jump, always to one side', () => {
    expect(classifyReading([now, average], moves)).toBe('drift')
    expect(classifyReading([now, average], { ...moves, jumps: 1 })).toBe('correlation break')
    expect(classifyReading([now, average], { ...moves, turns: 9 })).toBe('correlation break')
  })

  it('stand alone where the average is as it should be', () => {
    expect(classifyReading([now], moves)).toBe('spike')
    expect(classifyReading([now], { ...moves, turns: 9 })).toBe('noise')
  })
})

describe('restless readings', () => {
  const spec = { metric: 'temperature', aspect: 'spread' } as const
  const spread = cause(spec, {})
  const small = cause({ ...spec, aspect: 'change' }, { value: 10 })

  it('are spikes where the metric goes back and is quiet between, else noise', () => {
    const steady = { apart: 0, turns: 0 }
    const moves = { jumps: 8, quiet: 4, returns: 4, stays: 1, ...steady }
    expect(classifyReading([spread, small], moves)).toBe('spike')
    expect(classifyReading([spread], moves)).toBe('spike')
    expect(classifyReading([spread, small], { ...moves, returns: 2, stays: 3 })).toBe('noise')
    expect(classifyReading([spread], { ...moves, jumps: 2, quiet: 1, returns: 0, stays: 0 })).toBe('spike')
    expect(classifyReading([spread], { ...moves, jumps: 9, quiet: 1, returns: 0, stays: 0 })).toBe('noise')
  })

  it('follow each metric of a device, and begin anew after a pause', () => {
    const history = new ReadingHistory(counter())
    const values = [20, 60, 20, 20, 61, 20]
    const ts = values.map((_, i) => 60 * i)
    const batch: ReadingBatch = {
      kind: 'readings',
      length: values.length,
      ts: Float64Array.from(ts),
      device: { codes: new Uint32Array(values.length), values: ['a'] },
      metrics: new Map([['temperature', Float64Array.from(values)]]),
    }
    const told = [1, 2, 4, 5].map((i) =>
      history.add(batch, i, [cause({ ...spec, aspect: 'change' }, { value: values[i]! - values[i - 1]! })]),
    )
    expect(told.map((t) => t.incident)).toEqual([1, 1, 1, 1])
    expect(told.at(-1)!.moves).toMatchObject({ jumps: 4, quiet: 0, returns: 2, stays: 0 })
    const later = { ...batch, ts: Float64Array.from(ts, (t) => t + 90_000) }
    expect(history.add(later, 0, []).incident).toBe(2)
  })
})

describe('descriptions', () => {
  const facts = {
    who: subject('10.0.0.5', 'camera-1'),
    opened: true,
    proto: 'tcp',
    service: 'ssl',
    state: 'SF',
  }

  it('tell who, what, how many and what is usual', () => {
    const e = evidenceOf(30, (i) => ({ ...failed, resp_h: `10.1.${i}.1`, resp_p: 23 }))
    const count = cause(
      { words: 'destinations in 10 min', unit: 'destinations' },
      { value: 30, typical: { low: 0, high: 6 } },
    )
    expect(describeFlow('port scan', { ...facts, service: '' }, e, [count])).toBe(
      'camera-1 (10.0.0.5) seems to scan: 30 unusual connections to 30 addresses and 1 port within two minutes, 30 without success, now 10.1.29.1:23 (tcp). Destinations in 10 min 30 destinations, usually 0–6 destinations.',
    )
  })

  it('say it the other way round when the device was contacted', () => {
    const e = evidenceOf(12, () => ({ resp_p: 22 }))
    expect(describeFlow('brute force', { ...facts, opened: false }, e, [])).toBe(
      '10.9.9.9 tries to log in to camera-1 (10.0.0.5) (port 443) again and again: 12 connections within two minutes.'.replace(
        '443',
        '22',
      ),
    )
  })

  it('show categories, constants and things never seen', () => {
    expect(
      causeText(cause({ words: 'protocol' }, { value: 'icmp', typical: { usual: ['tcp', 'udp'] } })),
    ).toBe('protocol icmp, usually tcp, udp')
    expect(causeText(cause({ words: 'errors' }, { typical: { low: 0, high: 0 } }))).toBe(
      'errors 9, always 0 in training',
    )
    expect(causeText(cause({ words: 'zone' }, { value: 'x', typical: { usual: [] } }))).toBe(
      'zone x, never seen in training',
    )
  })

  it('tell of readings with unit and range', () => {
    const spec = {
      name: 'temperature',
      words: 'temperature',
      unit: '°C',
      metric: 'temperature',
      aspect: 'level',
    } as const
    const hot = cause(spec, { value: 81.234, typical: { low: 18, high: 31 } })
    expect(describeReading('spike', 'device1', [hot])).toBe(
      'device1: sudden jump in temperature. Temperature 81.2 °C, usually 18–31 °C.',
    )
    const gap = { name: 'gap', words: 'time since the last reading', unit: 's', aspect: 'gap' } as const
    const late = cause(gap, { value: 120, typical: { low: 58, high: 62 } })
    expect(describeReading('dropout', 'device1', [late])).toBe(
      'device1: no readings for a while. Time since the last reading 2 min, usually 58–62 s.',
    )
  })
})
