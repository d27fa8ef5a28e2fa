import type { Anomaly } from '../../src/schema/anomaly.ts'
import type { Incident } from '../../src/schema/incident.ts'
import type { Store } from '../../src/store/store.ts'

/** 2025-03-06T00:00:00Z. */
export const DAY = 1_741_219_200

/** An anomaly as the pipeline makes them. */
export function anomaly(device: string, timestamp: number, more: Partial<Anomaly> = {}): Anomaly {
  return {
    incident: 1,
    device,
    timestamp,
    type: 'spike',
    confidence: 0.9,
    p_value: 0.001,
    model_confidence: { 'isolation-forest': 0.8, lof: 0.95 },
    affected_features: [
      {
        feature: 'temperature',
        value: 41.2,
        unit: '°C',
        typical: { low: 18, high: 24 },
        contribution: 0.7,
      },
    ],
    description: `${device} was hot.`,
    record: 0,
    source: 'test',
    fields: { temperature: 41.2 },
    ...more,
  }
}

/** An incident of one anomaly. */
export function incident(of: Anomaly): Incident {
  const none = { distinct: 0, top: [] }
  return {
    id: 1,
    kind: 'readings',
    type: of.type,
    types: [of.type],
    devices: [{ device: of.device, count: 1 }],
    first: of.timestamp,
    last: of.timestamp,
    count: 1,
    addresses: none,
    ports: none,
    features: { distinct: 1, top: [{ value: 'temperature', count: 1 }] },
    highest_confidence: of.confidence,
    confidence: of.confidence,
    evidence: 3,
    description: of.description,
    strongest: of,
    first_anomaly: of,
    last_anomaly: of,
  }
}

/** Keeps anomalies of one incident as a live detection does; returns their numbers. */
export async function keep(store: Store, anomalies: readonly Anomaly[]): Promise<number[]> {
  const ids = await store.devices.ensure(anomalies.map((a) => a.device))
  return store.transaction(async (tx) => {
    const uid = `live:incident:${anomalies[0]!.timestamp}`
    const incidents = await tx.incidents.upsert([
      { uid, origin: 'live', incident: { ...incident(anomalies[0]!), count: anomalies.length } },
    ])
    const rows = anomalies.map((a, i) => ({
      uid: `live:${a.timestamp}:${i}`,
      deviceId: ids.get(a.device)!,
      incidentId: incidents.get(uid)!,
      origin: 'live',
      anomaly: a,
    }))
    return (await tx.anomalies.insert(rows)).map(({ id }) => id)
  })
}
