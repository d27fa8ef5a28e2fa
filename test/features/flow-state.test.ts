import { describe, expect, test } from 'vitest'
import { DeviceResolver } from '../../src/devices/device-resolver.ts'
import type { FeatureColumns } from '../../src/features/feature-columns.ts'
import { createFlowExtractor, type FlowExtractor } from '../../src/features/flow/extractor.ts'
import { Random } from '../../src/kernels/random.ts'
import { type FlowBatch, FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'

function batchOf(flows: readonly FlowRecord[]): FlowBatch {
  const builder = new FlowBatchBuilder(Math.max(1, flows.length))
  for (const flow of flows) builder.add(flow)
  return new DeviceResolver().assign(builder.finish())
}

/** Two days of a few devices: regular and irregular contacts, uploads, failures, late and timeless flows. */
function someFlows(n: number, seed: number): FlowRecord[] {
  const random = new Random(seed)
  return Array.from({ length: n }, (_, i) => ({
    ts: random.int(50) === 0 ? Number.NaN : 1e9 + (i * 172_800) / n - (random.int(9) === 0 ? 900 : 0),
    duration: random.float(),
    orig_h: `192.168.1.${2 + random.int(4)}`,
    resp_h: `203.0.113.${random.int(1 + i / 20)}`,
    resp_p: [443, 53, 6667][random.int(3)]!,
    proto: 6,
    conn_state: random.int(4) === 0 ? 'S0' : 'SF',
    orig_pkts: 1 + random.int(9),
    resp_pkts: random.int(9),
    orig_ip_bytes: random.int(200_000),
    resp_ip_bytes: random.int(5000),
  }))
}

function slice(columns: FeatureColumns, from: number): Float64Array[] {
  return columns.columns.map((column) => column.subarray(from))
}

function restored(buffer: ArrayBuffer): FlowExtractor {
  const extractor = createFlowExtractor()
  extractor.restore(buffer)
  return extractor
}

describe('saved state', () => {
  const flows = someFlows(900, 1)
  const whole = createFlowExtractor().extract(batchOf(flows))

  test('a restored extractor goes on with the same values, wherever the stream was cut', () => {
    const active = (name: string) => whole.columns[whole.specs.findIndex((s) => s.name === name)]!
    for (const name of ['same_target_10m', 'bytes_out_1h_usual', 'bytes_out_1h_new']) {
      expect(active(name).filter((x) => x > 0).length, name).toBeGreaterThan(50)
    }
    for (const cut of [0, 1, 333, 450, 899]) {
      const before = createFlowExtractor()
      before.extract(batchOf(flows.slice(0, cut)))
      const after = restored(before.toBuffer())
      expect(slice(after.extract(batchOf(flows.slice(cut))), 0), `cut at ${cut}`).toEqual(slice(whole, cut))
    }
  })

  test('saving changes nothing and what is saved stays as it was', () => {
    const extractor = createFlowExtractor()
    extractor.extract(batchOf(flows.slice(0, 500)))
    const saved = extractor.toBuffer()
    const copy = saved.slice(0)
    const next = slice(extractor.extract(batchOf(flows.slice(500))), 0)
    expect(next).toEqual(slice(whole, 500))
    restored(saved).extract(batchOf(flows.slice(500)))
    expect(new Uint8Array(saved)).toEqual(new Uint8Array(copy))
  })

  test('damage is told', () => {
    const saved = createFlowExtractor().toBuffer()
    const other = saved.slice(0)
    new Uint32Array(other)[1] = 99
    const resized = saved.slice(0)
    new Uint32Array(resized)[4]! = 5000
    for (const bad of [new ArrayBuffer(0), new ArrayBuffer(7), saved.slice(0, -8), other, resized]) {
      expect(() => restored(bad)).toThrow(RangeError)
    }
  })
})

test('memory stays within its bound at 100,000 devices, and what is forgotten does not depend on batches', () => {
  const devices = 100_000
  const flows = 150_000
  const flow = (i: number): FlowRecord => {
    const device = i % devices
    return {
      ts: 1e9 + i / 10,
      orig_h: `10.${device >> 16}.${(device >> 8) & 255}.${device & 255}`,
      resp_h: `198.18.${i % 251}.${(i * 7) % 241}`,
      resp_p: 443 + (i % 11),
      proto: 6,
      conn_state: 'SF',
    }
  }
  const run = (size: number): FlowExtractor => {
    const extractor = createFlowExtractor()
    for (let at = 0; at < flows; at += size) {
      extractor.extract(batchOf(Array.from({ length: size }, (_, k) => flow(at + k))))
    }
    return extractor
  }
  const coarse = run(50_000)
  const { now, most } = coarse.bytes
  expect(now).toBeGreaterThan(20e6)
  expect(now).toBeLessThanOrEqual(most)
  expect(most).toBeLessThan(110e6)
  expect(coarse.toBuffer().byteLength).toBeLessThan(most + 1000)
  const fine = run(10_000)
  expect(Buffer.compare(Buffer.from(fine.toBuffer()), Buffer.from(coarse.toBuffer()))).toBe(0)
})
