import { Random } from '../../src/kernels/random.ts'
import type { BatchSource } from '../../src/pipeline.ts'
import { type FlowBatch, FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'
import { type Batch, type ReadingBatch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'

/** Batches as an input of `train` and `detect`. */
export function sourceOf(...batches: Batch[]): BatchSource {
  return {
    name: 'some data',
    async *batches() {
      for (const batch of batches) yield { source: 'some data', batch }
    },
  }
}

const START = 1_750_000_000

/**
 * Flows of four devices with MAC addresses, IPv4 and IPv6, and names for some of the addresses; a flow every 30 s.
 *
 * @param attack with a scan, a flood and a beacon in the second half
 * @param from seconds after the start
 */
export function someFlows(n: number, { seed = 1, attack = false, from = 0 } = {}): FlowBatch {
  const random = new Random(seed)
  const flows: FlowRecord[] = []
  for (let i = 0; i < n; i++) {
    const d = random.int(4)
    const v6 = random.int(4) === 0
    const orig_h = v6 ? `fd00::${d + 2}` : `192.168.1.${d + 2}`
    const common = { ts: START + from + 30 * i, orig_h, orig_l2_addr: `02:00:00:00:00:0${d}`, proto: 6 }
    if (attack && i > n / 2 && i % 3 === 0) {
      const scan = { resp_h: `192.168.1.${10 + (i % 150)}`, resp_p: 23 }
      const flood = { resp_h: '203.0.113.66', resp_p: 80 }
      flows.push({
        ...common,
        ...(i % 2 ? scan : flood),
        conn_state: 'S0',
        orig_pkts: 1,
        resp_pkts: 0,
        orig_ip_bytes: 40,
      })
      continue
    }
    if (attack && i % 20 === 0) {
      flows.push({ ...common, ...answered(300, 200), resp_h: '198.51.100.9', resp_p: 6667 })
      continue
    }
    const wobble = Math.exp(0.3 * random.normal())
    const web = { resp_h: `52.1.2.${random.int(5)}`, resp_p: 443, service: 'ssl' }
    const time = { resp_h: '81.2.248.189', resp_p: 123, proto: 17, service: 'ntp' }
    flows.push(
      random.int(3) === 0
        ? { ...common, ...answered(76, 76), ...time }
        : { ...common, ...answered(800 * wobble, 5000 * wobble), ...web, duration: 2 * wobble },
    )
  }
  const builder = new FlowBatchBuilder(n)
  for (const flow of flows) builder.add(flow)
  const names = new Map([
    ['fd00::3', 'porch-camera'],
    ['02:00:00:00:00:02', 'kettle'],
  ])
  return { ...builder.finish(), names }
}

function answered(out: number, back: number): FlowRecord {
  return {
    conn_state: 'SF',
    duration: 0.1,
    orig_bytes: Math.round(out),
    resp_bytes: Math.round(back),
    orig_ip_bytes: Math.round(out) + 160,
    resp_ip_bytes: Math.round(back) + 160,
    orig_pkts: 4,
    resp_pkts: 4,
  }
}

/**
 * Readings of three devices in turn, one every 20 s, with a temperature of their own and a humidity that follows it.
 *
 * @param faults with spikes, a drift and a metric that stands still
 * @param from seconds after the start
 */
export function someReadings(n: number, { seed = 1, faults = false, from = 0 } = {}): ReadingBatch {
  const random = new Random(seed)
  const builder = new ReadingBatchBuilder(n)
  for (let i = 0; i < n; i++) {
    const d = i % 3
    const ts = START + from + 20 * i
    const wave = Math.sin((2 * Math.PI * ts) / 86_400)
    let temperature = 18 + 3 * d + wave + 0.2 * random.normal()
    const humidity = 60 - temperature + 0.5 * random.normal()
    if (faults && d === 0 && i > n / 2 && i % 30 === 0) temperature += 15
    if (faults && d === 1 && i > n / 2) temperature += (8 * (i - n / 2)) / n
    if (faults && d === 2 && i > n / 2) temperature = 24
    builder.add({ ts, device: `sensor-${d}`, metrics: { temperature, humidity } })
  }
  return builder.finish()
}
