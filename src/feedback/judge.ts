import type { Anomaly } from '../schema/anomaly.ts'
import type { Feedback, FeedbackScope, Judgement } from '../schema/feedback.ts'
import { type Place, peerClass, peerNetwork, placeOf } from './place.ts'
import { isCovered } from './scope.ts'

/** Evidence by which the line is lowered for the like of what was confirmed: p may be 3.2 times as large. */
export const SOONER = 0.5
/**
 * Evidence above the judged strength that is still expected: the same again differs by a power of ten, and what
 * was far out by more.
 */
const MARGIN = 1
const RELATIVE_MARGIN = 0.25
/** Share of the score from which a feature must be among those judged. */
const CAUSE = 0.2

/** What feedback did to a stream of anomalies. */
export interface FeedbackCounts {
  /** Anomalies that were not told, as they were expected. */
  readonly suppressed: number
  /** Anomalies that were told only because the like of them was confirmed. */
  readonly sooner: number
  /** Both, by the id of the entry. */
  readonly byEntry: Readonly<Record<string, number>>
}

/** What feedback says about the anomalies of one kind of data. Of several that fit, the last said counts. */
export class FeedbackJudge {
  readonly by = SOONER
  readonly #judgements: readonly Judgement[]
  readonly #confirmedDevices: ReadonlySet<string>
  #suppressed = 0
  #sooner = 0
  readonly #byEntry = new Map<string, number>()

  constructor(entries: readonly Feedback[] = []) {
    this.#judgements = entries.filter(isJudgement).sort(inOrder)
    const confirmed = this.#judgements.filter(({ verdict }) => verdict === 'confirmed')
    this.#confirmedDevices = new Set(confirmed.flatMap(({ scope }) => scope.devices))
  }

  /** The anomalies that are to be told; counts the others. */
  told(anomalies: readonly Anomaly[]): readonly Anomaly[] {
    if (this.#judgements.length === 0) return anomalies
    return anomalies.filter((anomaly) => {
      const expected = this.expects(anomaly)
      if (expected !== undefined) this.#suppressed++
      else if (anomaly.confirmed_by !== undefined) this.#sooner++
      const by = expected ?? anomaly.confirmed_by
      if (by !== undefined) this.#byEntry.set(by, (this.#byEntry.get(by) ?? 0) + 1)
      return expected === undefined
    })
  }

  get counts(): FeedbackCounts {
    const byEntry = Object.fromEntries([...this.#byEntry].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { suppressed: this.#suppressed, sooner: this.#sooner, byEntry }
  }

  /** Whether anything that could be the like of a confirmed anomaly comes from this device. */
  concerns(device: string): boolean {
    return this.#confirmedDevices.has(device)
  }

  /** The id of the feedback because of which an anomaly under the line is one; undefined where there is none. */
  confirms(row: Pick<Anomaly, 'device' | 'fields' | 'affected_features'>): string | undefined {
    const place = placeOf(row)
    const found = this.#judgements.findLast(
      ({ verdict, scope }) =>
        verdict === 'confirmed' && isThere(scope, row.device, place) && hasCause(scope, row),
    )
    return found?.id
  }

  /** The id of the feedback that expects this anomaly; undefined when it is to be told. */
  expects(anomaly: Anomaly): string | undefined {
    const place = placeOf(anomaly)
    const found = this.#judgements.findLast((judgement) =>
      judgement.verdict === 'expected'
        ? covers(judgement, anomaly, place)
        : isThere(judgement.scope, anomaly.device, place) && hasCause(judgement.scope, anomaly),
    )
    return found?.verdict === 'expected' ? found.id : undefined
  }
}

function isJudgement(entry: Feedback): entry is Judgement {
  return entry.verdict === 'expected' || entry.verdict === 'confirmed'
}

/** The order in which things were said. */
export function inOrder(a: Feedback, b: Feedback): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** Whether an anomaly is the like of what was expected, and hardly stronger. */
function covers({ scope, strength }: Judgement, anomaly: Anomaly, place: Place | undefined): boolean {
  const evidence = -Math.log10(Math.max(anomaly.p_value, Number.MIN_VALUE))
  const most = strength + Math.max(MARGIN, RELATIVE_MARGIN * strength)
  return (
    evidence <= most &&
    scope.types.includes(anomaly.type) &&
    isThere(scope, anomaly.device, place) &&
    anomaly.affected_features.every(({ feature, value, contribution }, i) => {
      if (i > 0 && contribution < CAUSE) return true
      const covered = scope.values.find((v) => v.feature === feature)
      return covered !== undefined && isCovered(covered, value)
    })
  )
}

/** Whether it was this device, and the same service and other side. */
function isThere({ devices, flow }: FeedbackScope, device: string, place: Place | undefined): boolean {
  if (!devices.includes(device) || !flow !== !place) return false
  if (!flow || !place) return true
  return (
    flow.direction === place.direction &&
    (flow.services?.includes(place.service) ?? true) &&
    (!flow.peers ||
      flow.peers.includes(peerNetwork(place.peer)) ||
      flow.peers.includes(peerClass(place.peer)))
  )
}

/** Whether what explains most of it is among what made the judged one unusual. */
function hasCause(
  { values }: FeedbackScope,
  { affected_features }: Pick<Anomaly, 'affected_features'>,
): boolean {
  return values.some(({ feature }) => feature === affected_features[0]?.feature)
}

/** The counts of several judges together. */
export function sumOfCounts(all: readonly FeedbackCounts[]): FeedbackCounts {
  return {
    suppressed: all.reduce((sum, { suppressed }) => sum + suppressed, 0),
    sooner: all.reduce((sum, { sooner }) => sum + sooner, 0),
    // An entry is about one kind of data, so it is counted by one judge.
    byEntry: Object.assign({}, ...all.map(({ byEntry }) => byEntry)) as Record<string, number>,
  }
}
