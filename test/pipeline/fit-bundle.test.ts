import { describe, expect, it } from 'vitest'
import type { FeatureColumns } from '../../src/features/feature-columns.ts'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { fitBundle } from '../../src/pipeline/fit-bundle.ts'
import { Scorer } from '../../src/pipeline/scorer.ts'

const pool = new WorkerPool(1)
const options = { kind: 'readings', contamination: 0.01, model: 'all', seed: 0 } as const

function columns(...values: Float64Array[]): FeatureColumns {
  return {
    length: values[0]!.length,
    specs: values.map((_, j) => ({
      name: `x${j}`,
      unit: '',
      scale: 'linear',
      direction: 'both',
      words: `x${j}`,
    })),
    columns: values,
  }
}

function learn(features: FeatureColumns) {
  const ts = Float64Array.from({ length: features.length }, (_, i) => i)
  return fitBundle(
    features,
    ts,
    options,
    { sources: [], devices: 1, warnings: [], seen: features.length },
    pool,
  )
}

function normal(n: number, seed: number): Float64Array {
  const random = new Random(seed)
  return Float64Array.from({ length: n }, () => random.normal())
}

describe('fitting a bundle', () => {
  it('says that rows do not differ', async () => {
    await expect(learn(columns(new Float64Array(200).fill(7)))).rejects.toThrow(
      /training expects readings that differ/,
    )
    const late = new Float64Array(200)
    late.set(normal(10, 1), 190)
    await expect(learn(columns(late))).rejects.toThrow(/differ/)
  })

  it('warns when there are few rows', async () => {
    const { summary } = await learn(columns(normal(60, 1), normal(60, 2)))
    expect(summary.warnings.join()).toMatch(/only 60 rows/)
    await expect(learn(columns(normal(49, 1)))).rejects.toThrow(/at least 50 readings, got 49/)
  })

  it('holds the promised rate on fresh rows, for each model and the ensemble, over several trainings', async () => {
    const alarms = new Float64Array(4)
    let rows = 0
    for (let seed = 0; seed < 3; seed++) {
      const bundle = await learn(
        columns(normal(1000, 10 * seed), normal(1000, 10 * seed + 1), normal(1000, 10 * seed + 2)),
      )
      const fresh = columns(normal(4000, 999 - seed), normal(4000, 899 - seed), normal(4000, 799 - seed))
      const scored = await new Scorer(bundle, 'all', pool).score(fresh)
      for (const [m, evidence] of [...scored.evidence, scored.combined].entries()) {
        for (const e of evidence) if (e >= 2) alarms[m]!++
      }
      rows += 4000
    }
    for (const count of alarms) {
      expect(count / rows).toBeLessThan(0.015)
      expect(count / rows).toBeGreaterThan(0.001)
    }
  })
})
