import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import type { NewEvent } from './events.ts'

/** What the feed tells of a stored anomaly. */
export function anomalyEvent(
  id: number,
  deviceId: number,
  incidentId: number | null,
  { device, type, confidence, timestamp, description }: Anomaly,
): NewEvent {
  const ts = Number.isNaN(timestamp) ? null : timestamp
  return {
    type: 'anomaly',
    deviceId,
    data: { id, device_id: deviceId, device, ts, type, confidence, incident_id: incidentId, description },
  }
}

/** What the feed tells of a stored incident. */
export function incidentEvent(id: number, { type, confidence, count, description }: Incident): NewEvent {
  return { type: 'incident', data: { id, type, confidence, count, description } }
}
