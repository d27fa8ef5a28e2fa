import { describe, expect, it } from 'vitest'
import { Explainer } from '../../src/anomalies/explainer.ts'
import { createReadingExtractor } from '../../src/features/reading/extractor.ts'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { confidenceOf } from '../../src/models/calibration.ts'
import { fitBundle } from '../../src/pipeline/fit-bundle.ts'
import { Scorer } from '../../src/pipeline/scorer.ts'
import { ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'
import type { ModelBundle } from '../../src/store/model-bundle.ts'

const pool = new WorkerPool(1)

/** Readings of three metrics; `planted` changes row `at`. */
function readings(n: number, seed: number, at = -1, planted: Record<string, number> = {}) {
  const random = new Random(seed)
  const builder = new ReadingBatchBuilder(n)
  for (let i = 0; i < n; i++) {
    const metrics = {
      temperature: 20 + random.normal(),
      humidity: 40 + 3 * random.normal(),
      power: 100 + 9 * random.normal(),
    }
    builder.add({
      ts: 1e9 + 60 * i,
      device: 'room-1',
      metrics: i === at ? { ...metrics, ...planted } : metrics,
    })
  }
  return builder.finish()
}

let trained: Promise<ModelBundle> | undefined

function bundleOfRoom(): Promise<ModelBundle> {
  const training = readings(2000, 1)
  const features = createReadingExtractor().extract(training)
  trained ??= fitBundle(
    features,
    training.ts,
    { kind: 'readings', contamination: 0.01, model: 'all', seed: 0 },
    { sources: [], devices: 1, warnings: [], seen: 2000 },
    pool,
  )
  return trained
}

async function explained(planted: Record<string, number>) {
  const bundle = await bundleOfRoom()
  const batch = readings(200, 2, 150, planted)
  const fresh = createReadingExtractor().extract(batch)
  const scorer = new Scorer(bundle, undefined, pool)
  const scored = await scorer.score(fresh)
  const explainer = new Explainer(bundle.space, scorer.models, {
    contamination: 0.01,
    least: 0,
    ceiling: scorer.ceiling,
  })
  const named = { codes: new Uint32Array(batch.length), values: ['Room'] }
  const anomalies = explainer.explain(
    { batch: { ...batch, device_name: named }, features: fresh, ...scored, source: 'room.csv' },
    1000,
  )
  return { anomalies, highest: explainer.highest, combined: scored.combined, ceiling: scorer.ceiling }
}

describe('an explained anomaly', () => {
  it.each([
    ['temperature', { temperature: 60 }],
    ['humidity', { humidity: 0 }],
    ['power', { power: 900 }],
  ])('names the planted metric %s first, in its unit, with value and range', async (metric, planted) => {
    const { anomalies } = await explained(planted)
    const anomaly = anomalies.find((a) => a.record === 1150)!
    expect(anomaly.affected_features[0]!.feature).toContain(metric)
    expect(anomaly.description).toContain(metric)
    expect(anomaly.description).toMatch(/^Room \(room-1\): sudden jump/)
    expect(anomaly.type).toBe('spike')
    expect(anomaly.fields).toMatchObject(planted)
    expect(anomaly.confidence).toBeGreaterThan(0.5)
  })

  it('carries p, confidence and shares that belong together', async () => {
    const { anomalies, highest, combined, ceiling } = await explained({ temperature: 60 })
    expect(anomalies.length).toBe(200)
    for (const [i, a] of anomalies.entries()) {
      expect(a.record).toBe(1000 + i)
      expect(-Math.log10(a.p_value)).toBeCloseTo(Math.min(combined[i]!, ceiling), 9)
      expect(a.confidence).toBeCloseTo(confidenceOf(-Math.log10(a.p_value), 0.01), 9)
      const sum = a.affected_features.reduce((total, f) => total + f.contribution, 0)
      expect(sum).toBeGreaterThan(0)
      expect(sum).toBeLessThanOrEqual(1 + 1e-9)
      expect(a).toMatchObject({ device: 'room-1', device_name: 'Room', source: 'room.csv' })
    }
    expect(highest).toBe(Math.max(...anomalies.map((a) => a.confidence)))
  })
})
