import type { AffectedFeature, Anomaly } from '../schema/anomaly.ts'
import type { CoveredValues, FeedbackScope } from '../schema/feedback.ts'
import type { Incident } from '../schema/incident.ts'
import { peerClass, peerNetwork, placeOf } from './place.ts'

/** Different values that an incident counts one by one; of more it is the number that matters. */
const MOST_LISTED = 10
/** Features that tell that a device went to many targets, and what it is of which there were many. */
const MANY_PEERS = 'destinations_10m'
const MANY_SERVICES = 'ports_10m'
/** Features that grow for as long as something goes on: more of them is not more of it. */
const lasting = (feature: string) => feature === 'regular_contacts' || feature.endsWith(' unchanged')
/** The hour by itself: wherever the device turned to, it is the time that was judged. */
const timely = (feature: string) => feature === 'hour' || feature === 'weekday'

/** The like of an anomaly or an incident. */
export function scopeOf(subject: Anomaly | Incident): FeedbackScope {
  return 'strongest' in subject ? scopeOfIncident(subject) : scopeOfAnomaly(subject)
}

function scopeOfAnomaly(anomaly: Anomaly): FeedbackScope {
  const { device, type } = anomaly
  const values = coveredBy([anomaly])
  const place = placeOf(anomaly)
  if (!place) return { devices: [device], types: [type], values }
  const many = (feature: string) => type === 'port scan' && feature === anomaly.affected_features[0]?.feature
  return {
    devices: [device],
    types: [type],
    values,
    flow: {
      direction: place.direction,
      services: many(MANY_SERVICES) ? null : [place.service],
      peers: many(MANY_PEERS)
        ? [peerClass(place.peer)]
        : values.every(({ feature }) => timely(feature))
          ? null
          : [peerNetwork(place.peer)],
    },
  }
}

function scopeOfIncident(incident: Incident): FeedbackScope {
  const { strongest, first_anomaly, last_anomaly, devices, addresses, ports } = incident
  const shown = [strongest, first_anomaly, last_anomaly]
  const values = coveredBy(shown)
  const place = placeOf(strongest)
  const common = {
    devices: devices.map(({ device }) => device),
    types: [...new Set([incident.type, ...incident.types])],
    values,
  }
  if (!place) return common
  const listed = (all: Incident['ports']) => all.distinct <= MOST_LISTED && all.top.length > 0
  const met = addresses.top.map(({ value }) => value)
  return {
    ...common,
    flow: {
      direction: place.direction,
      services: listed(ports) ? ports.top.map(({ value }) => value) : null,
      peers: [...new Set(met.map(listed(addresses) ? peerNetwork : peerClass))],
    },
  }
}

/** For each feature that was named as a cause, what values of it belong to what was judged. */
function coveredBy(anomalies: readonly Anomaly[]): CoveredValues[] {
  const covered = new Map<string, CoveredValues>()
  for (const { affected_features } of anomalies) {
    for (const affected of affected_features) {
      const known = covered.get(affected.feature)
      const now = coveredValues(affected)
      covered.set(affected.feature, known ? union(known, now) : now)
    }
  }
  return [...covered.values()]
}

/**
 * The usual range, and beyond it as far as the judged value and as much again (at least by the width of the usual
 * range): up to twice as far out.
 */
function coveredValues({ feature, value, typical }: AffectedFeature): CoveredValues {
  if ('usual' in typical)
    return { feature, categories: [...new Set([...typical.usual, String(value)])].sort() }
  const { low, high } = typical
  if (typeof value === 'string') return { feature, range: { low, high }, categories: [value] }
  const margin = (excess: number) => Math.max(excess, high - low)
  const top = value > high ? value + margin(value - high) : high
  return {
    feature,
    range: {
      low: value < low ? value - margin(low - value) : low,
      high: value > high && lasting(feature) ? null : top,
    },
    categories: [],
  }
}

function union(a: CoveredValues, b: CoveredValues): CoveredValues {
  const categories = [...new Set([...a.categories, ...b.categories])].sort()
  const ranges = [a.range, b.range].filter((range) => range !== undefined)
  if (ranges.length === 0) return { feature: a.feature, categories }
  const outer = (pick: (...values: number[]) => number, ends: readonly (number | null)[]) =>
    ends.includes(null) ? null : pick(...(ends as number[]))
  const range = {
    low: outer(
      Math.min,
      ranges.map(({ low }) => low),
    ),
    high: outer(
      Math.max,
      ranges.map(({ high }) => high),
    ),
  }
  return { feature: a.feature, range, categories }
}

/** Whether a value is among those covered. */
export function isCovered({ range, categories }: CoveredValues, value: number | string): boolean {
  if (typeof value === 'string') return categories.includes(value)
  if (!range) return false
  return (range.low === null || value >= range.low) && (range.high === null || value <= range.high)
}

/** Whether a value is out of the usual in the way that was judged: on the same side of the range, or such a category. */
export function isUnusualAlike(
  { range, categories }: CoveredValues,
  { value, typical }: AffectedFeature,
): boolean {
  if ('usual' in typical || typeof value === 'string') {
    return (
      categories.includes(String(value)) && !('usual' in typical && typical.usual.includes(String(value)))
    )
  }
  if (!range) return false
  const above = value > typical.high && (range.high === null || range.high > typical.high)
  return above || (value < typical.low && (range.low === null || range.low < typical.low))
}
