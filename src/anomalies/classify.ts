import type { FeatureSpec } from '../features/feature-columns.ts'
import type { AffectedFeature, AnomalyType } from '../schema/anomaly.ts'
import type { FlowEvidence } from './flow-evidence.ts'
import type { Restlessness } from './reading-history.ts'
import { searches } from './surroundings.ts'

/** Services with a login that is worth guessing, by responder port. */
const loginPorts = new Set([
  21, 22, 23, 25, 110, 143, 445, 992, 993, 1433, 2222, 2323, 3306, 3389, 5432, 5900,
])

/** Names, times, addresses, neighbours: asked again and again by every device. */
const lookupPorts = new Set([53, 67, 68, 123, 137, 547, 1900, 3702, 5353, 5355])

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

/** Packets in one flow to which nothing came back, from which no program is trying to connect. */
const BARRAGE = 1000
/** Ports of one silent host beyond a scanner's list. */
const ALL_PORTS = 1000

/**
 * What an unusual flow looks like. What it is part of tells more than the flow itself and is asked first:
 * many targets without an answer are a scan, much more sent than received exfiltration, many flows to one
 * target a flood, a steady repetition at a low rate beaconing; then the strongest features decide.
 *
 * @param causes strongest first
 */
export function classifyFlow(e: FlowEvidence, causes: readonly Cause[]): AnomalyType {
  const mostlyFailed = e.failed >= 0.5 * e.flows
  if (mostlyFailed && isScan(e)) return 'port scan'
  if (loginPorts.has(e.port) && isRepeated(e) && !mostlyFailed) return 'brute force'
  if (isExfiltration(e)) return 'exfiltration'
  if (isFlood(e)) return 'flood'
  if (isBeaconing(e)) return 'beaconing'
  for (const { spec, affected } of causes.slice(0, 3)) {
    if (sideOf(affected) === 0) continue
    if (spec.group === 'service' || spec.group === 'port' || spec.group === 'proto') return 'new service'
    if (spec.name === 'service_port') return 'new service'
    if (spec.cycle) return 'unusual hour'
    if (spec.unit.startsWith('bytes') || spec.unit.startsWith('packets')) return 'unusual volume'
  }
  return 'unusual connection'
}

/**
 * Who looks for open ports sends little to each and seldom comes back to one. A flood on random ports sends
 * much, or goes on after more ports than a scanner's list of a thousand without one refusal.
 */
function isScan(e: FlowEvidence): boolean {
  if (e.payload > 200 * e.flows || e.packets > 10 * e.flows) return false
  const silent = e.peers <= 2 && e.refused < 0.05 * e.flows
  if (silent && Math.max(e.ports, e.around.ports10m) > ALL_PORTS) return false
  // Answers to the odd flow of a search are what it is after; whoever is asked for names stays silent at times.
  if (searches(e.around, e.own.failed) && !lookupPorts.has(e.port)) return true
  const targets = Math.max(e.peers, e.ports)
  const slow = e.targets >= 30 && e.all <= 2 * e.targets && e.allFailed >= 0.9 * e.all
  if (targets < 10 && !slow) return false
  return targets >= ALL_PORTS || e.flows <= 5 * targets
}

/** Ten times in ten minutes, told as unusual or not. */
function isRepeated(e: FlowEvidence): boolean {
  return e.withPeer >= 10 || e.around.sameTarget10m >= 10
}

/** Very many flows or packets at one target, or fewer at two a second and more. */
function isFlood(e: FlowEvidence): boolean {
  const { own, around } = e
  const many = Math.max(e.withPeer, around.sameTarget1m) >= 60 || e.packets >= 50_000
  const bare = own.failed && own.packets >= BARRAGE && e.payload <= 100 * e.packets
  const allPorts = own.failed && around.ports10m > ALL_PORTS
  return many || bare || allPorts || (e.withPeer >= 20 && e.all >= 2 * e.age)
}

/** Always the same service again; but look-ups of names and times that get no answer are tried again by nature. */
function isBeaconing(e: FlowEvidence): boolean {
  const again = (e.times >= 5 && e.span >= 30) || e.around.regular >= 3
  return again && !(lookupPorts.has(e.port) && e.bytesIn === 0)
}

/** Bulk sent over answered connections, or name look-ups that carry more than names. */
function isExfiltration({ times, port, bytesOut, bytesIn }: FlowEvidence): boolean {
  if (port === 53) return times >= 10 && bytesOut >= 90 * times
  return bytesIn > 0 && bytesOut >= 1e6 && bytesOut >= 4 * bytesIn && bytesOut >= 50_000 * times
}

/**
 * What an unusual reading looks like, from the aspect of the metric that explains most of it.
 *
 * @param causes strongest first
 * @param moves how that metric moved lately
 */
export function classifyReading(causes: readonly Cause[], moves?: Restlessness): AnomalyType {
  const [first] = causes
  // Whichever of a metric's features says so: without a value it has no change either.
  if (causes.slice(0, 2).some((c) => c.affected.value === 'missing')) return 'dropout'
  if (!first?.spec.aspect) return 'unusual reading'
  const { metric, aspect, direction } = first.spec
  const side = sideOf(first.affected)
  const of = (wanted: FeatureSpec['aspect']) =>
    causes.find((c) => c.spec.metric === metric && c.spec.aspect === wanted && sideOf(c.affected) !== 0)
  const change = of('change')
  const spread = of('spread')
  const jumps = isSpike(change, spread, moves)
  switch (aspect) {
    case 'gap':
      return 'dropout'
    case 'relation':
      if (change) return jumps ? 'spike' : 'noise'
      return apartFrom(causes, moves)
    case 'spread':
      // Of readings without a change many are suspicious, of spread little.
      if ((direction === 'high') === side > 0) return 'stuck'
      return jumps ? 'spike' : 'noise'
    case 'change':
      return jumps ? 'spike' : 'noise'
    case 'level':
      return change ? (jumps ? 'spike' : 'noise') : 'drift'
  }
}

/**
 * Single values far off, rather than noise: they go back to where they came from, and between them the metric is
 * quiet. Without such a history: one jump makes the recent spread large too, but stands far out of it; noise
 * jumps as far as it spreads.
 */
function isSpike(change: Cause | undefined, spread: Cause | undefined, moves?: Restlessness): boolean {
  if (moves && moves.returns + moves.stays >= 3) return moves.returns >= 2 * moves.stays
  if (!change)
    return moves !== undefined && moves.jumps > 0 && moves.quiet > 0.3 * (moves.jumps + moves.quiet)
  return !spread || size(change) >= 2 * size(spread)
}

/**
 * A reading that others do not explain, without a jump out of range. Where its recent average is as they imply, it stands
 * alone: a small spike, or noise where it goes to and fro. What lasts and began without a jump, always to one side, is a drift.
 */
function apartFrom(causes: readonly Cause[], moves: Restlessness | undefined): AnomalyType {
  if (causes.some((c) => wentSlowly(c, causes))) return 'drift'
  if (!moves) return 'correlation break'
  const { metric } = causes[0]!.spec
  const lasts = causes.some(
    ({ spec, affected }) =>
      spec.metric === metric &&
      spec.aspect === 'relation' &&
      spec.name.includes(' average ') &&
      sideOf(affected) !== 0,
  )
  if (!lasts) return moves.turns > 0.25 * moves.apart ? 'noise' : 'spike'
  return moves.jumps === 0 && moves.turns <= 0.1 * moves.apart ? 'drift' : 'correlation break'
}

/** Whether a metric leaves both its own usual average and what the others imply, without a jump. */
function wentSlowly({ spec, affected }: Cause, causes: readonly Cause[]): boolean {
  const { metric, aspect, name } = spec
  if (metric === undefined || aspect !== 'level' || name === metric || sideOf(affected) === 0) return false
  const also = causes.filter((c) => c.spec.metric === metric && sideOf(c.affected) !== 0)
  return also.some((c) => c.spec.aspect === 'relation') && !also.some((c) => c.spec.aspect === 'change')
}

function size({ affected }: Cause): number {
  return typeof affected.value === 'number' ? Math.abs(affected.value) : 0
}
