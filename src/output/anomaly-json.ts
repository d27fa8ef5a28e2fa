import type { Anomaly } from '../schema/anomaly.ts'
import { timeOf } from './time.ts'

/** What lists of anomalies tell of one, for JSON: values that JSON lacks are null. */
export function anomalyInShort(anomaly: Anomaly) {
  const { device, type, confidence, p_value, description, affected_features } = anomaly
  return {
    device,
    timestamp: timeOf(anomaly.timestamp),
    type,
    confidence,
    p_value,
    description,
    affected_features: affected_features.map((f) => ({
      ...f,
      value: finite(f.value),
      typical: 'usual' in f.typical ? { usual: [...f.typical.usual] } : f.typical,
    })),
  }
}

/** An anomaly with all that explains it, for JSON. */
export function anomalyInFull(anomaly: Anomaly) {
  const { device_name, model_confidence, counterfactual, fields } = anomaly
  return {
    ...anomalyInShort(anomaly),
    device_name: device_name ?? null,
    model_confidence: { ...model_confidence },
    counterfactual: counterfactual
      ? { ...counterfactual, changes: counterfactual.changes.map((change) => ({ ...change })) }
      : null,
    fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, finite(value)])),
  }
}

/** An anomaly among records that were sent along; `record` is which of them. */
export function foundAnomaly(anomaly: Anomaly, record = anomaly.record) {
  return { ...anomalyInFull(anomaly), record }
}

function finite<T extends number | string | null>(value: T): T | null {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value
}
