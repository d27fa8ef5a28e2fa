import { z } from 'zod'
import { anomalyInFull, anomalyInShort } from '../../output/anomaly-json.ts'
import type { Anomaly } from '../../schema/anomaly.ts'
import type { StoredAnomaly } from '../../store/anomalies.ts'
import { Time } from '../schemas.ts'

/** The kinds of anomaly; one more in src/schema/anomaly.ts does not compile here until it is named. */
const TYPES: Readonly<Record<Anomaly['type'], true>> = {
  'port scan': true,
  flood: true,
  beaconing: true,
  exfiltration: true,
  'brute force': true,
  'new destination': true,
  'new service': true,
  'unusual volume': true,
  'unusual hour': true,
  'unusual connection': true,
  spike: true,
  drift: true,
  stuck: true,
  noise: true,
  dropout: true,
  'correlation break': true,
  'unusual reading': true,
  'unusual row': true,
}
export const AnomalyType = z.enum(Object.keys(TYPES) as [Anomaly['type'], ...Anomaly['type'][]])

const Value = z.union([z.number(), z.string(), z.null()])

export const AffectedFeature = z
  .object({
    feature: z.string(),
    value: Value,
    unit: z.string(),
    typical: z
      .union([z.object({ low: z.number(), high: z.number() }), z.object({ usual: z.array(z.string()) })])
      .describe('what training showed: a 1 %–99 % range, or the usual categories'),
    contribution: z.number().describe('share of the score that it explains, 0–1'),
  })
  .meta({ id: 'AffectedFeature' })

export const Counterfactual = z
  .object({
    changes: z.array(
      z.object({
        feature: z.string(),
        value: Value,
        ordinary: Value,
        unit: z.string(),
        bound: z.enum(['at most', 'at least']).optional(),
      }),
    ),
    description: z.string(),
  })
  .describe('what would have had to be different for it to be no anomaly')
  .meta({ id: 'Counterfactual' })

const EXAMPLE = {
  device: 'thermostat-1',
  timestamp: '2025-03-06T22:29:26.000Z',
  type: 'spike',
  confidence: 0.97,
  p_value: 0.00031,
  description: 'thermostat-1 reported temperature 41.2 °C, usually 18.1–23.4 °C.',
  affected_features: [
    {
      feature: 'temperature',
      value: 41.2,
      unit: '°C',
      typical: { low: 18.1, high: 23.4 },
      contribution: 0.62,
    },
  ],
} as const

/** What every list of anomalies tells of one. */
const SHORT = {
  device: z.string(),
  timestamp: Time.nullable().describe('of the record; null where it has none'),
  type: AnomalyType,
  confidence: z.number().min(0).max(1).describe('0.5 is the contamination boundary'),
  p_value: z.number().describe('how often a benign record looks at least this unusual'),
  description: z.string(),
  affected_features: z.array(AffectedFeature).describe('largest contribution first'),
}

/** What explains it in full. */
const FULL = {
  device_name: z.string().nullable().describe('host name where one was learned'),
  model_confidence: z.record(z.string(), z.number().nullable()).describe('by each model'),
  counterfactual: Counterfactual.nullable(),
  fields: z.record(z.string(), Value).describe('the record itself'),
}

/** As found in records that were sent along. */
export const FoundAnomaly = z
  .object({ ...SHORT, ...FULL, record: z.int().describe('which of the records, from 0') })
  .meta({
    id: 'FoundAnomaly',
    examples: [
      {
        ...EXAMPLE,
        device_name: null,
        model_confidence: { 'isolation-forest': 0.91, lof: 0.98 },
        counterfactual: null,
        fields: { temperature: 41.2 },
        record: 0,
      },
    ],
  })

const STORED = {
  id: z.int(),
  device_id: z.int(),
  incident_id: z.int().nullable(),
  state: z.enum(['open', 'acknowledged']),
  feedback: z.enum(['expected', 'confirmed']).nullable(),
  origin: z.string().describe('live, a job, or the command line'),
}
const STORED_EXAMPLE = {
  id: 42,
  device_id: 1,
  incident_id: 7,
  state: 'open',
  feedback: null,
  origin: 'live',
} as const

export const AnomalyOut = z
  .object({ ...STORED, ...SHORT })
  .meta({ id: 'Anomaly', examples: [{ ...STORED_EXAMPLE, ...EXAMPLE }] })

export const Comment = z.object({ id: z.int(), author: z.string(), text: z.string(), created: Time }).meta({
  id: 'Comment',
  examples: [{ id: 3, author: 'ada', text: 'The window was open.', created: '2025-03-07T08:12:00.000Z' }],
})

export const AnomalyDetail = z.object({ ...STORED, ...SHORT, ...FULL, comments: z.array(Comment) }).meta({
  id: 'AnomalyDetail',
  examples: [
    {
      ...STORED_EXAMPLE,
      ...EXAMPLE,
      device_name: null,
      model_confidence: { 'isolation-forest': 0.91, lof: 0.98, autoencoder: 0.88 },
      counterfactual: {
        changes: [
          { feature: 'temperature', value: 41.2, ordinary: 24.9, unit: '°C', bound: 'at most' as const },
        ],
        description: 'Ordinary with temperature at most 24.9 °C.',
      },
      fields: { temperature: 41.2, humidity: 44.8 },
      comments: [],
    },
  ],
})

function stored({ id, device_id, incident_id, state, feedback, origin }: StoredAnomaly) {
  return { id, device_id, incident_id, state, feedback, origin }
}

/** The anomaly that a row holds; its time is the row's, as JSON has no NaN. */
export function anomalyOf({ detail_json, ts }: Pick<StoredAnomaly, 'detail_json' | 'ts'>): Anomaly {
  return { ...(JSON.parse(detail_json) as Anomaly), timestamp: ts ?? Number.NaN }
}

export function anomalyOut(row: StoredAnomaly): z.input<typeof AnomalyOut> {
  return { ...stored(row), ...anomalyInShort(anomalyOf(row)) }
}

export function anomalyDetail(row: StoredAnomaly): Omit<z.input<typeof AnomalyDetail>, 'comments'> {
  const anomaly = anomalyOf(row)
  return { ...stored(row), ...anomalyInFull(anomaly) }
}
