import type { Anomaly, AnomalyType } from '../../src/schema/anomaly.ts'

/** An anomalous flow of 192.168.1.2: an upload of 1 MB, where up to 10 KB are usual, to a server outside. */
export function oddFlow({
  device = '192.168.1.2',
  orig_h = '192.168.1.2',
  resp_h = '203.0.113.5',
  resp_p = 443,
  proto = 'tcp',
  type = 'unusual volume' as AnomalyType,
  feature = 'bytes_out',
  bytes = 1e6,
  p = 1e-3,
  ts = 1000,
} = {}): Anomaly {
  return odd({
    device,
    ts,
    type,
    p,
    feature,
    value: bytes,
    high: 10_000,
    fields: { orig_h, resp_h, resp_p, proto },
  })
}

/** An anomalous reading of `sensor`, where 10 to 20 are usual. */
export function oddReading({
  device = 'sensor',
  type = 'drift' as AnomalyType,
  feature = 'temperature',
  value = 30,
  p = 1e-3,
} = {}): Anomaly {
  return odd({ device, ts: 1000, type, p, feature, value, low: 10, high: 20, fields: { [feature]: value } })
}

function odd(a: {
  device: string
  ts: number
  type: AnomalyType
  p: number
  feature: string
  value: number
  low?: number
  high: number
  fields: Anomaly['fields']
}): Anomaly {
  const { device, ts, type, p, feature, value, low = 0, high, fields } = a
  return {
    incident: 1,
    device,
    timestamp: ts,
    type,
    confidence: 0.01 / (0.01 + p),
    p_value: p,
    model_confidence: {},
    affected_features: [{ feature, value, unit: '', typical: { low, high }, contribution: 0.8 }],
    description: 'Something was odd.',
    record: 0,
    source: 'test',
    fields,
  }
}
