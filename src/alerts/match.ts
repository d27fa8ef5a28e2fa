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
  return quiet !== undefined && !isExcepted({ quiet }, { confidence }) && isQuietHour(quiet, now)
}

/** Whether a rule tells of something this certain in its quiet hours too. */
export function isExcepted(
  { quiet }: Pick<Limits, 'quiet'>,
  { confidence }: { readonly confidence: number },
): boolean {
  return quiet?.except !== undefined && confidence >= quiet.except
}

/** Whether a moment, seconds since the epoch, is in quiet hours. */
export function isQuietHour({ from, to, zone }: NonNullable<Limits['quiet']>, at: number): boolean {
  const time = timeOfDay(at, zone)
  // From 22:00 to 07:00 goes over midnight.
  return from <= to ? time >= from && time < to : time >= from || time < to
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
