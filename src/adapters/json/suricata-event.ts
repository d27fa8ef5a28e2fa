import type { JsonObject } from './flatten.ts'
import { isObject } from './flatten.ts'

/** Whether a record is an event of Suricata's EVE log. */
export function isEveEvent(record: JsonObject): boolean {
  return (
    typeof record.event_type === 'string' &&
    ('src_ip' in record || 'flow_id' in record || 'timestamp' in record)
  )
}

/**
 * A `flow` or `netflow` event with its fields under the names of `flow`; undefined for other events,
 * which tell of parts of flows only.
 */
export function flowEvent(event: JsonObject): JsonObject | undefined {
  if (event.event_type === 'flow' && isObject(event.flow)) return withIcmp(event)
  if (event.event_type !== 'netflow' || !isObject(event.netflow)) return undefined
  const { netflow } = event
  return withIcmp({
    ...event,
    netflow: undefined,
    flow: {
      pkts_toserver: netflow.pkts,
      bytes_toserver: netflow.bytes,
      start: netflow.start,
      end: netflow.end,
    },
  })
}

/** ICMP events carry type and code where the others have ports. */
function withIcmp(event: JsonObject): JsonObject {
  if (event.icmp_type === undefined) return event
  return { ...event, src_port: event.icmp_type, dest_port: event.icmp_code }
}
