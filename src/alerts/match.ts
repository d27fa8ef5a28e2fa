import type { Incident } from '../schema/incident.ts'
import type { StoredIncident } from '../store/incidents.ts'
import type { Limits, Match } from './rule.ts'

/** Whether a rule is about an incident. */
export function matches(
  { devices, types, confidence = 0, origins }: Match,
  incident: StoredIncident,
): boolean {
  if (incident.confidence < confidence) return false
  if (!(origins as readonly string[]).includes(incident.origin.split(':', 1)[0]!)) return false
  if (types && !types.includes(incident.type)) return false
  if (!devices) return true
  const wanted = new Set(devices)
  const detail = JSON.parse(incident.detail_json) as Incident
  return detail.devices.some(({ device, name }) => wanted.has(device) || (name && wanted.has(name)))
}

/**
 * Whether a rule keeps quiet about an incident of this confidence.
 *
 * @param now seconds since the epoch
 * @param last when it told something last, likewise
 */
export function keepsQuiet(
  { pause, quiet }: Limits,
  confidence: number,
  now: number,
  last: number | undefined,
): boolean {
  if (last !== undefined && now - last < pause) return true
  if (!quiet || confidence >= (quiet.except ?? Number.POSITIVE_INFINITY)) return false
  const time = timeOfDay(now, quiet.zone)
  // From 22:00 to 07:00 goes over midnight.
  return quiet.from <= quiet.to
    ? time >= quiet.from && time < quiet.to
    : time >= quiet.from || time < quiet.to
}

/** `22:05` in a time zone. */
function timeOfDay(seconds: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(seconds * 1000)
}
