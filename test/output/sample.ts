import type { Sink } from '../../src/output/sink.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { type FlowBatch, FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'

/** A sink that keeps what it is given. */
export function memory(): Sink & { bytes(): Uint8Array; text(): string; aborted: boolean } {
  const chunks: Uint8Array[] = []
  return {
    aborted: false,
    write(chunk) {
      chunks.push(chunk)
    },
    close() {},
    abort() {
      this.aborted = true
    },
    bytes: () => Buffer.concat(chunks),
    text: () => Buffer.concat(chunks).toString(),
  }
}

export function flows(...records: FlowRecord[]): FlowBatch {
  const builder = new FlowBatchBuilder(Math.max(1, records.length))
  for (const record of records) builder.add(record)
  return builder.finish()
}

export const fullFlow: FlowRecord = {
  ts: 1540469302.53864,
  duration: 0.114184,
  uid: 'CGm6jB4dXK71ZDWUDh',
  orig_h: '192.168.1.132',
  orig_p: 58687,
  resp_h: '2001:db8::1',
  resp_p: 123,
  proto: 17,
  service: 'ntp',
  conn_state: 'SF',
  history: 'Dd',
  orig_bytes: 48,
  resp_bytes: 4096000000,
  missed_bytes: 0,
  orig_pkts: 1,
  orig_ip_bytes: 76,
  resp_pkts: 1,
  resp_ip_bytes: 76,
}

export function anomaly(change: Partial<Anomaly> = {}): Anomaly {
  return {
    device: '192.168.1.132',
    timestamp: 1540469302.53864,
    type: 'unusual volume',
    confidence: 0.812345,
    p_value: 0.0000123456,
    incident: 1,
    model_confidence: { 'isolation-forest': 0.8, lof: 0.9 },
    affected_features: [
      {
        feature: 'orig_bytes',
        value: 1234567,
        unit: 'bytes',
        typical: { low: 40, high: 1500 },
        contribution: 0.62,
      },
      { feature: 'proto', value: 'udp', unit: '', typical: { usual: ['tcp', 'icmp'] }, contribution: 0.2 },
    ],
    description: '192.168.1.132 sent an unusual amount.',
    record: 7,
    source: 'conn.log',
    fields: { ts: 1540469302.53864, orig_h: '192.168.1.132', orig_p: 58687, orig_bytes: 1234567 },
    ...change,
  }
}
