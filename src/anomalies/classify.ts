import type { FeatureSpec } from '../features/feature-columns.ts'
import type { AffectedFeature, AnomalyType } from '../schema/anomaly.ts'
import type { FlowEvidence } from './flow-evidence.ts'

/** Services with a login that is worth guessing, by responder port. */
const loginPorts = new Set([
  21, 22, 23, 25, 110, 143, 445, 992, 993, 1433, 2222, 2323, 3306, 3389, 5432, 5900,
])

/** An affected feature with the spec it comes from. */
export interface Cause {
  readonly spec: FeatureSpec
  readonly affected: AffectedFeature
}

/** Whether the value lies outside of what training showed: above 1, below -1, inside 0; a strange category is 1. */
export function sideOf({ value, typical }: AffectedFeature): -1 | 0 | 1 {
  if ('usual' in typical) return typeof value === 'string' && typical.usual.includes(value) ? 0 : 1
  if (typeof value === 'string') return 1
  return value > typical.high ? 1 : value < typical.low ? -1 : 0
}

/**
 * What an unusual flow looks like. Behaviour over time tells more than the flow itself and is asked first:
 * many targets without an answer are a scan, many flows to one target a flood, a steady repetition at a
 * low rate beaconing; then the strongest features decide.
 *
 * @param causes strongest first
 */
export function classifyFlow(e: FlowEvidence, causes: readonly Cause[]): AnomalyType {
  if ((e.peers >= 10 || e.ports >= 10) && e.failed >= 0.5 * e.flows && e.withPeer < 0.9 * e.flows)
    return 'port scan'
  if (e.ports >= 10 && e.peers <= 3 && e.failed >= 0.5 * e.flows) return 'port scan'
  if (loginPorts.has(e.port) && e.withPeer >= 10 && e.failed < 0.5 * e.flows) return 'brute force'
  if (e.withPeer >= 60 || e.packets >= 50_000) return 'flood'
  if (e.times >= 5 && e.span >= 30 && e.withPeer < 60) return 'beaconing'
  for (const { spec, affected } of causes.slice(0, 3)) {
    const side = sideOf(affected)
    if (side === 0) continue
    if (spec.name === 'bytes_out' && side > 0) return 'exfiltration'
    if (spec.group === 'service' || spec.group === 'port' || spec.group === 'proto') return 'new service'
    if (spec.cycle) return 'unusual hour'
    if (spec.group === undefined && (spec.unit.startsWith('bytes') || spec.unit.startsWith('packets'))) {
      return 'unusual volume'
    }
  }
  return 'unusual connection'
}

/** What an unusual reading looks like, from the aspect of the metric that explains most of it. */
export function classifyReading(causes: readonly Cause[]): AnomalyType {
  const [first] = causes
  if (!first?.spec.aspect) {
    if (first && first.affected.value === 'missing') return 'dropout'
    return 'unusual reading'
  }
  const { metric, aspect } = first.spec
  const side = sideOf(first.affected)
  switch (aspect) {
    case 'gap':
      return 'dropout'
    case 'relation':
      return 'correlation break'
    case 'spread':
      return side < 0 ? 'stuck' : 'noise'
    case 'change':
      return 'spike'
    case 'level': {
      if (first.affected.value === 'missing') return 'dropout'
      const sudden = causes.some(
        (c) => c.spec.metric === metric && c.spec.aspect === 'change' && sideOf(c.affected) !== 0,
      )
      return sudden ? 'spike' : 'drift'
    }
  }
}
