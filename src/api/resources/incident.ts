import { z } from 'zod'
import type { Incident } from '../../schema/incident.ts'
import type { StoredIncident } from '../../store/incidents.ts'
import { Time, timeOf } from '../schemas.ts'
import { AnomalyType, Counterfactual } from './anomaly.ts'

const Technique = z.object({ id: z.string(), name: z.string() }).describe('of MITRE ATT&CK')
const TopValues = z
  .object({
    distinct: z.number().describe('number of different values'),
    top: z.array(z.object({ value: z.string(), count: z.int() })).describe('most frequent first'),
  })
  .meta({ id: 'TopValues' })

const SHORT = {
  id: z.int(),
  kind: z.enum(['flows', 'readings']),
  type: AnomalyType,
  technique: Technique.nullable(),
  devices: z
    .array(z.object({ device: z.string(), name: z.string().nullable(), count: z.int() }))
    .describe('most active first'),
  first: Time.nullable(),
  last: Time.nullable(),
  count: z.int().describe('anomalies in it'),
  confidence: z.number().min(0).max(1).describe('of all its anomalies together'),
  evidence: z.number().describe('-log10 p of the strongest, and half of log10 of how many came at a time'),
  description: z.string(),
  state: z.enum(['open', 'acknowledged']),
  origin: z.string(),
  updated: Time,
}
const EXAMPLE = {
  id: 7,
  kind: 'flows',
  type: 'exfiltration',
  technique: { id: 'T1048', name: 'Exfiltration Over Alternative Protocol' },
  devices: [{ device: '00:80:f4:0b:c3:56', name: null, count: 8 }],
  first: '2025-03-06T22:29:26.000Z',
  last: '2025-03-06T22:55:02.000Z',
  count: 8,
  confidence: 0.99,
  evidence: 6.1,
  description: '00:80:f4:0b:c3:56 carried data away to 203.0.113.56:443 (tcp): 73 MB sent.',
  state: 'open',
  origin: 'live',
  updated: '2025-03-06T22:55:04.112Z',
} as const

export const IncidentOut = z.object(SHORT).meta({
  id: 'Incident',
  examples: [{ ...EXAMPLE, devices: [...EXAMPLE.devices] }],
})

export const IncidentDetail = z
  .object({
    ...SHORT,
    types: z.array(AnomalyType).describe('what its single anomalies look like'),
    addresses: TopValues.describe('the other side of its flows'),
    ports: TopValues,
    features: TopValues.describe('features named as causes'),
    highest_confidence: z.number().describe('of a single anomaly'),
    counterfactual: Counterfactual.nullable(),
  })
  .meta({
    id: 'IncidentDetail',
    examples: [
      {
        ...EXAMPLE,
        devices: [...EXAMPLE.devices],
        types: ['exfiltration', 'unusual volume'],
        addresses: { distinct: 1, top: [{ value: '203.0.113.56', count: 8 }] },
        ports: { distinct: 1, top: [{ value: '443/tcp', count: 8 }] },
        features: { distinct: 1, top: [{ value: 'bytes_out_1h_new', count: 8 }] },
        highest_confidence: 0.98,
        counterfactual: null,
      },
    ],
  })

export function incidentOut(row: StoredIncident): z.input<typeof IncidentOut> {
  const { id, kind, count, confidence, evidence, description, state, origin } = row
  const { technique, devices } = JSON.parse(row.detail_json) as Incident
  return {
    id,
    kind,
    type: row.type as Incident['type'],
    technique: technique ?? null,
    devices: devices.map(({ device, name, count }) => ({ device, name: name ?? null, count })),
    first: timeOf(row.first),
    last: timeOf(row.last),
    count,
    confidence,
    evidence,
    description,
    state,
    origin,
    updated: timeOf(row.updated),
  }
}

export function incidentDetail(row: StoredIncident): z.input<typeof IncidentDetail> {
  const incident = JSON.parse(row.detail_json) as Incident
  const { types, addresses, ports, features, highest_confidence, counterfactual } = incident
  return {
    ...incidentOut(row),
    types: [...types],
    addresses: { ...addresses, top: [...addresses.top] },
    ports: { ...ports, top: [...ports.top] },
    features: { ...features, top: [...features.top] },
    highest_confidence,
    counterfactual: counterfactual ? { ...counterfactual, changes: [...counterfactual.changes] } : null,
  }
}
