import type { Anomaly } from '../schema/anomaly.ts'
import { FLOW_FLOAT_COLUMNS } from '../schema/flow-batch.ts'
import { featureText } from './feature-text.ts'
import type { Column } from './layout.ts'
import { rfc3339 } from './time.ts'

type Anomalies = readonly Anomaly[]
type AnomalyColumn = Column<Anomalies>

/** Fields of a flow that get a column of their own; whatever else a record has goes to `fields`. */
const FLOW_FIELDS = [
  'ts',
  'uid',
  'orig_h',
  'orig_p',
  'resp_h',
  'resp_p',
  'proto',
  'service',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
  'history',
  'missed_bytes',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
  'orig_l2_addr',
  'resp_l2_addr',
] as const
const OWN_COLUMN: ReadonlySet<string> = new Set([...FLOW_FIELDS, 'label', 'detailed_label', 'device'])
const NUMERIC: ReadonlySet<string> = new Set([...FLOW_FLOAT_COLUMNS, 'orig_p', 'resp_p'])

function text(name: string, value: (a: Anomaly) => string): AnomalyColumn {
  return { name, kind: 'text', at: (batch, i) => value(batch[i]!) }
}

function number(name: string, value: (a: Anomaly) => number): AnomalyColumn {
  return { name, kind: 'number', at: (batch, i) => value(batch[i]!) }
}

/**
 * An anomaly as a row. The columns are the same whatever was read, so that outputs of several runs can be
 * put together; a reading's metrics are in `fields` as `name=value; …`.
 */
export const anomalyColumns: readonly AnomalyColumn[] = [
  text('device', (a) => a.device),
  text('device_name', (a) => a.device_name ?? ''),
  text('timestamp', (a) => rfc3339(a.timestamp)),
  text('type', (a) => a.type),
  number('confidence', (a) => digits(a.confidence, 4)),
  number('p_value', (a) => digits(a.p_value, 4)),
  text('description', (a) => a.description),
  text('affected_features', (a) => a.affected_features.map(featureText).join('; ')),
  { name: 'incident', kind: 'integer', at: (batch, i) => batch[i]!.incident },
  text('source', (a) => a.source),
  { name: 'record', kind: 'integer', at: (batch, i) => batch[i]!.record },
  text('label', (a) => a.label ?? ''),
  ...FLOW_FIELDS.map((name): AnomalyColumn => {
    if (!NUMERIC.has(name)) return text(name, (a) => String(a.fields[name] ?? ''))
    const kind = name === 'ts' || name === 'duration' ? 'micros' : 'number'
    return { name, kind, at: (batch, i) => numberOf(batch[i]!.fields[name]) }
  }),
  text('fields', (a) =>
    Object.entries(a.fields)
      .filter(([name]) => !OWN_COLUMN.has(name))
      .map(([name, value]) => `${name}=${value}`)
      .join('; '),
  ),
]

/** An anomaly as JSON: the timestamp in RFC 3339 or null, everything else as it is. */
export function anomalyJson(batch: Anomalies, i: number): string {
  const anomaly = batch[i]!
  return JSON.stringify({ ...anomaly, timestamp: rfc3339(anomaly.timestamp) || null })
}

function numberOf(value: string | number | undefined): number {
  return typeof value === 'number' ? value : Number.NaN
}

function digits(value: number, precision: number): number {
  return Number(value.toPrecision(precision))
}
