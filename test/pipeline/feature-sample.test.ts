import { describe, expect, it } from 'vitest'
import type { FeatureColumns } from '../../src/features/feature-columns.ts'
import { FeatureSample, fromEnd, keepRows, toEnd } from '../../src/pipeline/feature-sample.ts'

function columns(values: Record<string, number[]>): FeatureColumns {
  return {
    length: Object.values(values)[0]!.length,
    specs: Object.keys(values).map((name) => ({
      name,
      unit: '',
      scale: 'linear',
      direction: 'both',
      words: name,
    })),
    columns: Object.values(values).map((column) => Float64Array.from(column)),
  }
}

/** Offers the numbers 0 to n - 1, in batches, each at the time of its value. */
function offer(sample: FeatureSample, n: number, batch: number): void {
  for (let from = 0; from < n; from += batch) {
    const values = Array.from({ length: Math.min(batch, n - from) }, (_, i) => from + i)
    sample.add(columns({ x: values }), Float64Array.from(values))
  }
}

describe('a sample of features', () => {
  it('keeps everything up to its capacity, in order of time', () => {
    const sample = new FeatureSample(10, 0)
    sample.add(columns({ x: [1, 2, 3] }), Float64Array.of(30, 10, Number.NaN))
    sample.add(columns({ x: [4], y: [40] }), Float64Array.of(20))
    const { features, ts } = sample.finish()
    expect([...ts]).toEqual([Number.NaN, 10, 20, 30])
    expect(features.columns.map((c) => [...c])).toEqual([
      [3, 2, 4, 1],
      [Number.NaN, Number.NaN, 40, Number.NaN],
    ])
  })

  it('is uniform beyond', () => {
    const sample = new FeatureSample(1000, 1)
    offer(sample, 50_000, 777)
    const { features } = sample.finish()
    const kept = [...features.columns[0]!]
    expect(sample.seen).toBe(50_000)
    expect(new Set(kept).size).toBe(1000)
    expect(kept.reduce((a, b) => a + b) / 1000).toBeGreaterThan(23_500)
    expect(kept.reduce((a, b) => a + b) / 1000).toBeLessThan(26_500)
  })

  it('does not depend on how the stream is cut into batches', () => {
    const [a, b] = [new FeatureSample(100, 2), new FeatureSample(100, 2)]
    offer(a, 5000, 13)
    offer(b, 5000, 4096)
    expect(a.finish()).toEqual(b.finish())
  })

  it('keeps its first part in time, in no more memory than that takes', () => {
    const sample = new FeatureSample(1000, 3)
    offer(sample, 500, 64)
    const { features, ts } = sample.finish(0.1)
    expect([...ts]).toEqual(Array.from({ length: 50 }, (_, i) => i))
    expect(features.length).toBe(50)
    expect(features.columns[0]!.buffer.byteLength).toBe(50 * 8)
  })

  it('keeps some of its rows', () => {
    const sample = new FeatureSample(1000, 4)
    offer(sample, 100, 100)
    const { features, ts } = keepRows(sample.finish(), Uint32Array.of(7, 3, 99))
    expect([...ts]).toEqual([7, 3, 99])
    expect([...features.columns[0]!]).toEqual([7, 3, 99])
  })
})

describe('rows moved to the end', () => {
  it('leave the others in their order, and come back', () => {
    const column = Float64Array.from({ length: 10 }, (_, i) => i)
    for (const [start, end] of [
      [0, 3],
      [4, 9],
      [6, 10],
    ] as const) {
      toEnd([column], start, end)
      const moved = [...column.subarray(10 - (end - start))]
      expect(moved).toEqual(Array.from({ length: end - start }, (_, i) => start + i))
      const others = [...column.subarray(0, 10 - (end - start))]
      expect(others).toEqual([...Array(10).keys()].filter((i) => i < start || i >= end))
      fromEnd([column], start, end)
      expect([...column]).toEqual([...Array(10).keys()])
    }
  })
})
