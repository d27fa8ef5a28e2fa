import type { Inputs } from '../src/pipeline.ts'
import { FlowBatchBuilder, type FlowRecord } from '../src/schema/flow-batch.ts'
import { ReadingBatchBuilder, type ReadingRecord } from '../src/schema/reading-batch.ts'
import { ATTACK_NAMES, FAULT_NAMES, simulate } from '../src/simulate/simulation.ts'

/** Weeks of a simulated home and factory whose normal changes slowly after the first; attacks come late in it. */
export interface Drifting {
  readonly name: string
  readonly kind: 'flows' | 'readings'
  readonly inputs: (from: number, to: number) => Inputs
  /** Seconds since the epoch: of the first record, the end of what is learned from, and the last record. */
  readonly start: number
  readonly learned: number
  readonly end: number
}

export const DAY = 86_400
const WEEKS = 4
const DEVICES = 8
/** Every so many readings of the simulation, one a minute, is taken. */
const THINNED = 5
const GROWING = [
  'orig_bytes',
  'resp_bytes',
  'orig_ip_bytes',
  'resp_ip_bytes',
  'orig_pkts',
  'resp_pkts',
] as const
/** How long an attacker takes from what is normal to what he is after, seconds. */
const PUSHES = { fast: 3600, medium: DAY, 'over days': 3 * DAY }
/** What he then goes on with, seconds. */
const GOES_ON = 6 * 3600

const ATTACKS = [...ATTACK_NAMES, ...ATTACK_NAMES]
const FAULTS = [...FAULT_NAMES, ...FAULT_NAMES]

/**
 * Flows with content that grow by a share a day, 21 days long, and an exfiltration by a device each: a flow in ten minutes to a server outside,
 * from 4 KB to 40 MB over the time of the push. Those over 1 MB are labelled.
 *
 * @param growth share by which the bytes and packets of everything grow in a day
 */
export function driftingFlows(seed: number, growth: number): Drifting {
  const simulation = simulate({
    seed,
    devices: DEVICES,
    hours: WEEKS * 7 * 24,
    attacks: ATTACKS,
    quiet: 0.75,
  })
  const { start } = simulation.options
  const learned = start + 7 * DAY
  const records: FlowRecord[] = []
  for (const flow of simulation.flows()) {
    const by = (1 + growth) ** (Math.max(0, flow.ts! - learned) / DAY)
    records.push(
      flow.label === 'Malicious' ? { ...flow, detailed_label: flow.detailed_label ?? '' } : grown(flow, by),
    )
  }
  const hosts = simulation.hosts.filter(({ kind }) => !kind.metrics)
  Object.entries(PUSHES).forEach(([name, ramp], p) => {
    const host = hosts[p % hosts.length]!
    const at = start + 22 * DAY + p * 3600
    for (let t = at; t < at + ramp + GOES_ON; t += 600) {
      const bytes = 4000 * 10_000 ** Math.min(1, (t - at) / ramp)
      records.push({
        ...exfiltration(host, t, bytes),
        label: bytes >= 1e6 ? 'Malicious' : 'unsure',
        detailed_label: `push ${name}`,
      })
    }
  })
  records.sort((a, b) => a.ts! - b.ts!)
  return drifting(
    'flows',
    `flows +${Math.round(100 * growth)} % a day`,
    records,
    start,
    learned,
    () => new FlowBatchBuilder(8192),
  )
}

function grown(flow: FlowRecord, by: number): FlowRecord {
  // What has a fixed size, as looking up a name or the time, keeps it.
  if ((flow.orig_bytes ?? 0) + (flow.resp_bytes ?? 0) < 1000) return flow
  const grown = { ...flow }
  for (const name of GROWING) if (grown[name] !== undefined) grown[name] = Math.round(grown[name] * by)
  return grown
}

function exfiltration(
  host: { readonly ip: string; readonly mac: string },
  ts: number,
  bytes: number,
): FlowRecord {
  const packets = Math.ceil(bytes / 1400)
  return {
    ts,
    uid: `P${ts}`,
    orig_h: host.ip,
    orig_p: 40_000 + (Math.round(ts / 600) % 20_000),
    resp_h: '198.51.100.77',
    resp_p: 443,
    proto: 6,
    service: 'ssl',
    conn_state: 'SF',
    duration: 1 + bytes / 1e6,
    orig_bytes: Math.round(bytes),
    resp_bytes: 3000,
    orig_pkts: packets + 6,
    orig_ip_bytes: Math.round(bytes) + 40 * (packets + 6),
    resp_pkts: Math.ceil(packets / 2) + 6,
    resp_ip_bytes: 3000 + 40 * (Math.ceil(packets / 2) + 6),
    orig_l2_addr: host.mac,
  }
}

/**
 * Readings of which every metric moves by a share of its usual deviation a day, and pushes: the first metric of a device
 * moves by ten deviations over the time of the push. From half of that on readings are labelled.
 */
export function driftingReadings(seed: number, rate: number): Drifting {
  const simulation = simulate({ seed, devices: DEVICES, hours: WEEKS * 7 * 24, faults: FAULTS, quiet: 0.75 })
  const { start } = simulation.options
  const learned = start + 7 * DAY
  const sensors = simulation.hosts.filter(({ kind }) => kind.metrics)
  const pushes = Object.entries(PUSHES).map(([name, ramp], p) => ({
    name,
    ramp,
    device: sensors[p % sensors.length]!.name,
    at: start + 22 * DAY + p * 3600,
  }))
  const counts = new Map<string, number>()
  const deviations = deviationsOf(seed)
  const records: ReadingRecord[] = []
  for (const reading of simulation.readings()) {
    const n = counts.get(reading.device) ?? 0
    counts.set(reading.device, n + 1)
    if (n % THINNED !== 0) continue
    const days = Math.max(0, reading.ts - learned) / DAY
    const metrics: Record<string, number> = {}
    let { label, detailed_label }: { label: string; detailed_label: string } = reading
    Object.entries(reading.metrics).forEach(([name, value], m) => {
      const deviation = deviations.get(`${reading.device}/${name}`)!
      let moved = value + rate * days * deviation
      const push = m === 0 ? pushes.find(({ device }) => device === reading.device) : undefined
      if (push && reading.ts >= push.at && reading.ts < push.at + push.ramp + GOES_ON) {
        const share = Math.min(1, (reading.ts - push.at) / push.ramp)
        moved += 10 * share * deviation
        label = share >= 0.5 ? 'Malicious' : 'unsure'
        detailed_label = `push ${push.name}`
      }
      metrics[name] = Math.round(moved * 1000) / 1000
    })
    records.push({ ts: reading.ts, device: reading.device, metrics, label, detailed_label })
  }
  return drifting(
    'readings',
    `readings +${rate} deviations a day`,
    records,
    start,
    learned,
    () => new ReadingBatchBuilder(8192),
  )
}

/** Standard deviation of each metric of each device in the first week. */
function deviationsOf(seed: number): Map<string, number> {
  const sums = new Map<string, [number, number, number]>()
  for (const { device, metrics } of simulate({ seed, devices: DEVICES, hours: 7 * 24 }).readings()) {
    for (const [name, value] of Object.entries(metrics)) {
      const key = `${device}/${name}`
      const sum = sums.get(key) ?? [0, 0, 0]
      sum[0]++
      sum[1] += value
      sum[2] += value * value
      sums.set(key, sum)
    }
  }
  return new Map([...sums].map(([key, [n, x, xx]]) => [key, Math.sqrt(xx / n - (x / n) ** 2)]))
}

interface Builder<R> {
  readonly full: boolean
  length: number
  add(record: R): void
  finish(): ReturnType<FlowBatchBuilder['finish']> | ReturnType<ReadingBatchBuilder['finish']>
}

function drifting<R extends { ts?: number }>(
  kind: Drifting['kind'],
  name: string,
  records: readonly R[],
  start: number,
  learned: number,
  builder: () => Builder<R>,
): Drifting {
  const inputs = (from: number, to: number): Inputs => ({
    name,
    async *batches() {
      let now = builder()
      for (const record of records) {
        if (record.ts! < from || record.ts! >= to) continue
        now.add(record)
        if (!now.full) continue
        yield { source: name, batch: now.finish() }
        now = builder()
      }
      if (now.length > 0) yield { source: name, batch: now.finish() }
    },
  })
  return { name, kind, inputs, start, learned, end: start + WEEKS * 7 * DAY }
}
