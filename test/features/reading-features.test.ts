import { describe, expect, test } from 'vitest'
import { extractFeatures, rawFeatures } from '../../src/features/extract-features.ts'
import { type FeatureColumns, UNKNOWN_YET } from '../../src/features/feature-columns.ts'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { createReadingExtractor } from '../../src/features/reading/extractor.ts'
import { unitOf } from '../../src/features/reading/units.ts'
import { Random } from '../../src/kernels/random.ts'
import { type ReadingBatch, ReadingBatchBuilder, type ReadingRecord } from '../../src/schema/reading-batch.ts'

function batchOf(readings: readonly ReadingRecord[]): ReadingBatch {
  const builder = new ReadingBatchBuilder(Math.max(1, readings.length))
  for (const r of readings) builder.add(r)
  return builder.finish()
}
const features = (readings: readonly ReadingRecord[]) => rawFeatures(batchOf(readings))
const judged = (readings: readonly ReadingRecord[]) => createReadingExtractor(true).extract(batchOf(readings))
function values(columns: FeatureColumns, name: string): number[] {
  const j = columns.specs.findIndex((s) => s.name === name)
  expect(j, name).toBeGreaterThanOrEqual(0)
  return [...columns.columns[j]!]
}
const series = (xs: readonly number[], device = 'a', step = 10): ReadingRecord[] =>
  xs.map((x, i) => ({ ts: 1e9 + i * step, device, metrics: { temperature: x } }))

test('change, average, spread, standing still and gap', () => {
  const columns = features(series([20, 21, 21, 21, 25]))
  expect(values(columns, 'temperature')).toEqual([20, 21, 21, 21, 25])
  expect(values(columns, 'temperature change')).toEqual([0, 1, 0, 0, 4])
  expect(values(columns, 'temperature average').map((x) => +x.toFixed(3))).toEqual([
    20, 20.5, 20.667, 20.75, 21.6,
  ])
  expect(values(columns, 'temperature spread')[4]).toBeCloseTo(Math.sqrt((2.56 + 3 * 0.36 + 11.56) / 5), 10)
  expect(values(columns, 'temperature unchanged').map((x) => Math.round(Math.expm1(x)))).toEqual([
    0, 0, 1, 2, 0,
  ])
  expect(values(columns, 'gap').map((x) => Math.round(Math.expm1(x)))).toEqual([0, 10, 10, 10, 10])
})

test('what needs a past is not known before there is one', () => {
  const xs = Array.from({ length: 25 }, (_, i) => i % 3)
  const both = xs.flatMap((x, i) => [...series([x]), ...series([x], 'b')].map((r) => ({ ...r, ts: 1e9 + i })))
  const columns = judged(both)
  const known = (name: string) =>
    values(columns, name)
      .filter((_, i) => i % 2 === 0)
      .findIndex((x) => x !== UNKNOWN_YET)
  expect(known('temperature change')).toBe(1)
  expect(known('gap')).toBe(1)
  for (const name of ['average', 'shift', 'spread']) expect(known(`temperature ${name}`), name).toBe(20)
})

test('what is not known yet is neither missing nor unusual, and teaches nothing', () => {
  const random = new Random(4)
  const long = series(Array.from({ length: 400 }, () => 20 + random.normal()))
  const columns = judged(long)
  const space = FeatureSpace.fit(
    'readings',
    columns,
    Float64Array.from(long, (r) => r.ts!),
  )
  expect(space.featureNames.filter((name) => name.includes('missing'))).toEqual([])
  const fresh = judged(series([21]))
  const X = space.transform(fresh)
  const of = (name: string) => space.featureNames.indexOf(name)
  for (const name of ['average', 'spread', 'change']) {
    expect(X.data[of(`temperature ${name}`)], name).toBe(0)
    expect(space.shown(of(`temperature ${name}`), fresh, 0), name).toBe('learning')
  }
  expect(X.data[of('temperature')]).not.toBe(0)
})

test('devices do not mix', () => {
  const a = series([20, 20, 20, 20, 20, 20])
  const b = series([80, 80, 80, 80, 80, 30], 'b')
  const columns = features(a.flatMap((r, i) => [r, b[i]!]))
  const change = values(columns, 'temperature change')
  expect(change.filter((_, i) => i % 2 === 0)).toEqual([0, 0, 0, 0, 0, 0])
  expect(change[11]).toBe(-50)
})

test('among several devices each is compared with its own usual; a lone one has no shift', () => {
  const a = series(Array(30).fill(20))
  const b = series([...Array(29).fill(80), 30], 'b')
  const several = values(features(a.flatMap((r, i) => [r, b[i]!])), 'temperature shift')
  expect(several.slice(40, 59)).toEqual(Array(19).fill(0))
  expect(several[59]).toBeLessThan(0)
  expect(new Set(values(features(a), 'temperature shift'))).toEqual(new Set([Number.NaN]))
  expect(new Set(values(judged(a), 'temperature shift'))).toEqual(new Set([UNKNOWN_YET]))
})

test('a metric that a device lacks is missing, and its past survives the gap', () => {
  const readings: ReadingRecord[] = [
    { ts: 1, device: 'a', metrics: { t: 1, h: 50 } },
    { ts: 2, device: 'a', metrics: { t: 2 } },
    { ts: 3, device: 'a', metrics: { t: 3, h: 60 } },
  ]
  expect(values(features(readings), 'h change')).toEqual([0, Number.NaN, 10])
})

test('a late reading changes nothing for the next', () => {
  const [first, second, third] = series([20, 21, 22]) as [ReadingRecord, ReadingRecord, ReadingRecord]
  const late = { ...first, ts: 1e9 + 5, metrics: { temperature: 99 } }
  const columns = features([first, second, late, third])
  expect(values(columns, 'temperature change')).toEqual([0, 1, 78, 1])
  expect(Math.round(Math.expm1(values(columns, 'gap')[2]!))).toBe(0)
})

test('a plain table has levels only', () => {
  const rows = Array.from({ length: 30 }, (_, i) => ({ device: 'table.csv', metrics: { x: i, y: i % 3 } }))
  expect(extractFeatures(batchOf(rows)).featureNames).toEqual(['x', 'y'])
})

test('cutting into batches changes no value', () => {
  const random = new Random(5)
  const readings = Array.from({ length: 200 }, (_, i) => ({
    ts: 1e9 + i * 10 + random.int(30),
    device: `d${random.int(3)}`,
    metrics: { t: Math.round(random.normal() * 2), h: random.int(4) === 0 ? Number.NaN : random.float() },
  }))
  const whole = features(readings)
  for (const size of [1, 13, 64]) {
    const extractor = createReadingExtractor()
    for (let at = 0; at < readings.length; at += size) {
      const part = extractor.extract(batchOf(readings.slice(at, at + size)))
      part.columns.forEach((column, j) => {
        expect(column).toEqual(whole.columns[j]!.subarray(at, at + size))
      })
    }
  }
})

describe('sensor faults stand out in the feature made for them', () => {
  const random = new Random(3)
  const normal = Array.from({ length: 600 }, () => 20 + 0.2 * random.normal())
  test.each([
    ['spike', 'temperature change', (x: number, i: number) => (i === 550 ? x + 10 : x)],
    ['drift', 'temperature average', (x: number, i: number) => x + (i - 500) * 0.02],
    ['stuck', 'temperature unchanged', () => 20],
    ['noise', 'temperature spread', (x: number) => 20 + (x - 20) * 8],
  ])('%s: %s', (_, name, fault) => {
    const readings = series(normal.map((x, i) => (i >= 500 ? fault(x, i) : x)))
    const columns = features(readings)
    const part = (from: number, to: number) => ({
      ...columns,
      length: to - from,
      columns: columns.columns.map((c) => c.subarray(from, to)),
    })
    const space = FeatureSpace.fit('readings', part(0, 500), batchOf(readings).ts.subarray(0, 500))
    const most = (from: number, to: number) => {
      const X = space.transform(part(from, to))
      const j = X.featureNames.indexOf(name)
      return Math.max(...Array.from({ length: to - from }, (_, i) => Math.abs(X.data[i * X.nFeatures + j]!)))
    }
    expect(most(500, 600)).toBeGreaterThan(most(20, 500) + 0.5)
  })
})

test.each([
  ['temperature', '°C'],
  ['network.packetLoss', '%'],
  ['network.latency', 'ms'],
  ['Volume Flow RateRMS', 'L/min'],
  ['Pressure', 'hPa'],
  ['vibration', 'mm/s'],
  ['value', ''],
])('unit of %s is "%s"', (metric, unit) => {
  expect(unitOf(metric)).toBe(unit)
})
