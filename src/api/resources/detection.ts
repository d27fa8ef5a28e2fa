import { z } from 'zod'
import type { IntakeResult } from '../../live/intake/intake.ts'
import { confidenceOf } from '../../models/calibration.ts'
import type { Processed } from '../../pipeline/engine.ts'
import { stringAt } from '../../schema/dictionary.ts'
import { Time, timeOf } from '../schemas.ts'
import { FoundAnomaly, foundAnomaly } from './anomaly.ts'

export const Stored = z
  .object({
    read: z.int().describe('records in the request'),
    accepted: z.int().describe('on disk when this is answered'),
    duplicates: z.int().describe('there already, with the same values'),
    rejected: z.int(),
    problems: z
      .array(z.object({ record: z.int(), path: z.string(), message: z.string() }))
      .describe('the first that were rejected'),
  })
  .meta({
    id: 'Stored',
    examples: [{ read: 2, accepted: 1, duplicates: 1, rejected: 0, problems: [] }],
  })

const Result = z
  .object({
    device: z.string(),
    timestamp: Time.nullable(),
    confidence: z.number().min(0).max(1),
    score: z.number().describe('evidence: -log10 of the p-value'),
    anomaly: z.boolean(),
  })
  .meta({ id: 'Result' })

export const DetectAnswer = z
  .object({
    kind: z.enum(['readings', 'flows']),
    scored: z.int(),
    threshold: z.number(),
    models: z.array(z.string()),
    results: z.array(Result).describe('one a record, in order'),
    anomalies: z.array(FoundAnomaly),
    stored: Stored.nullable().describe('what became of the records; null where they are not stored'),
  })
  .meta({
    id: 'Detection',
    examples: [
      {
        kind: 'readings',
        scored: 1,
        threshold: 0.7,
        models: ['isolation-forest', 'lof'],
        results: [
          {
            device: 'device1',
            timestamp: '2023-03-01T08:00:00.000Z',
            confidence: 0.021,
            score: 0.33,
            anomaly: false,
          },
        ],
        anomalies: [],
        stored: null,
      },
    ],
  })

export const StoredDetection = z
  .object({
    device_id: z.int(),
    device: z.string(),
    from: Time,
    to: Time,
    scored: z.int(),
    thresholds: z.record(z.string(), z.number()).describe('by kind of record'),
    found: z.int().describe('anomalies; the first 1,000 are told'),
    anomalies: z.array(FoundAnomaly),
    kept: z.int().describe('anomalies that were not known yet and are kept now'),
  })
  .meta({
    id: 'StoredDetection',
    examples: [
      {
        device_id: 1,
        device: 'thermostat-1',
        from: '2025-03-06T00:00:00.000Z',
        to: '2025-03-07T00:00:00.000Z',
        scored: 1437,
        thresholds: { readings: 0.7 },
        found: 0,
        anomalies: [],
        kept: 0,
      },
    ],
  })

/** The JSON of a {@link DetectAnswer}. */
export function detectAnswer(rows: Processed, stored: IntakeResult | undefined): string {
  const { batch, combined, ceiling, threshold, bundle, kind, models, anomalies } = rows
  const { contamination } = bundle.summary
  const found = new Set(anomalies.map(({ record }) => record - rows.firstRecord))
  let results = ''
  let lastTs = Number.NaN
  let time = ''
  for (let i = 0; i < batch.length; i++) {
    const evidence = Math.min(combined[i]!, ceiling)
    const ts = batch.ts[i]!
    if (ts !== lastTs) {
      time = JSON.stringify(timeOf(ts))
      lastTs = ts
    }
    const device = batch.device ? quoted(stringAt(batch.device, i)) : '""'
    const confidence = short(confidenceOf(evidence, contamination))
    results += `${i === 0 ? '' : ','}{"device":${device},"timestamp":${time},"confidence":${confidence},"score":${short(evidence)},"anomaly":${found.has(i)}}`
  }
  const explained = anomalies.map((anomaly) => ({
    ...foundAnomaly(anomaly),
    record: anomaly.record - rows.firstRecord,
  }))
  const names = models.map(({ detector }) => detector.name)
  return `{"kind":"${kind}","scored":${batch.length},"threshold":${threshold},"models":${JSON.stringify(names)},"results":[${results}],"anomalies":${JSON.stringify(explained)},"stored":${JSON.stringify(stored ?? null)}}`
}

/** A millionth is more than a confidence can tell, and short numbers are written much faster. */
function short(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

/** Plain names, as nearly all are, need no escaping. */
function quoted(name: string): string {
  return /^[\w .:@/-]*$/.test(name) ? `"${name}"` : JSON.stringify(name)
}
