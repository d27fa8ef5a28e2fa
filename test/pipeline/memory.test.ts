import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Stages } from '../../src/pipeline/stages.ts'
import { type FlowBatch, FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const DEVICES = 110_000
const BATCH = 10_000

/** Megabytes in use, once what can be is given back. */
function megabytes(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 2 ** 20
}

/** Flows of devices from..: each with a MAC and an address of its own, to one of a thousand servers. */
function flows(from: number): FlowBatch {
  const builder = new FlowBatchBuilder(BATCH)
  for (let d = from; d < from + BATCH; d++) {
    const hex = d.toString(16).padStart(6, '0')
    builder.add({
      ts: 1e9 + d / 100,
      orig_h: `10.${d >> 16}.${(d >> 8) & 255}.${d & 255}`,
      orig_l2_addr: `02:00:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`,
      resp_h: `198.51.${d % 100}.${d % 10}`,
      resp_p: 443,
      proto: 6,
      conn_state: 'SF',
      orig_pkts: 3,
      resp_pkts: 3,
    })
  }
  return builder.finish()
}

function readings(from: number, round: number): ReadingBatch {
  const builder = new ReadingBatchBuilder(BATCH)
  for (let d = from; d < from + BATCH; d++) {
    const metrics = { temperature: 20 + (d % 7) + round, humidity: 40 + (d % 11), pressure: 1000 + (d % 13) }
    builder.add({ ts: 1e9 + 3600 * round + d / 100, device: `sensor-${d}`, metrics })
  }
  return builder.finish()
}

it('110,000 devices with flows and readings fit, and more do not take more', () => {
  const before = megabytes()
  const stages = new Stages(undefined, true)
  for (let from = 0; from < DEVICES; from += BATCH) stages.prepare(flows(from))
  const withFlows = megabytes()
  // Tables of behaviour (103 MB at most) and MAC addresses.
  expect(withFlows - before).toBeLessThan(250)
  for (let round = 0; round < 2; round++) {
    for (let from = 0; from < DEVICES; from += BATCH) stages.prepare(readings(from, round))
  }
  const withReadings = megabytes()
  // Three metrics of each, without the pasts that twenty readings would begin.
  expect(withReadings - withFlows).toBeLessThan(400)
  // At least 100,000 devices are remembered; those unseen for longest make room.
  expect(stages.acquaintance('readings', `sensor-${DEVICES - 100_000}`)?.seen).toBe(2)
  for (let from = DEVICES; from < 2 * DEVICES; from += BATCH) stages.prepare(readings(from, 2))
  expect(megabytes() - withReadings).toBeLessThan(200)
  expect(stages.acquaintance('readings', 'sensor-0')).toBeUndefined()
}, 60_000)
