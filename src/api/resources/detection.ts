import { z } from 'zod'
import { Time } from '../schemas.ts'
import { FoundAnomaly } from './anomaly.ts'

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
    notes: z
      .array(z.string())
      .describe('what to know about the answer: devices of which the models know nothing'),
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
        notes: [
          'device1 is no device that the models learned: it is compared with what is normal for others',
        ],
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
