import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { rfc3339 } from './time.ts'

/** An incident as an object for JSON: times in RFC 3339 or null, representative anomalies by source and record. */
export function incidentJson({ strongest, first_anomaly, last_anomaly, ...incident }: Incident) {
  const { first, last } = incident
  return {
    ...incident,
    first: rfc3339(first) || null,
    last: rfc3339(last) || null,
    strongest: place(strongest),
    first_anomaly: place(first_anomaly),
    last_anomaly: place(last_anomaly),
  }
}

function place({ source, record }: Anomaly) {
  return { source, record }
}
