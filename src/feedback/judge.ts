import type { Anomaly } from '../schema/anomaly.ts'
import type { Feedback, FeedbackScope, Judgement } from '../schema/feedback.ts'
import type { Undo } from '../schema/undo.ts'
import { type Place, peerClass, peerNetwork, placeOf } from './place.ts'
import { isCovered, isUnusualAlike } from './scope.ts'

/** Evidence by which the line is lowered for the like of what was confirmed: p may be 3.2 times as large. */
export const SOONER = 0.5
/**
 * Evidence above the judged strength that is still expected: the same again differs by a power of ten, and what
 * was far out by more.
 */
const MARGIN = 1
const RELATIVE_MARGIN = 0.25
/**
 * How many a day of the like of it are expected: twice as many as were judged, and at least so many. More of the
 * same is another matter.
 */
const MORE = 2
const FEWEST = 5
const DAY = 86_400
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

/** What a judge has counted. */
export interface JudgeState {
  readonly suppressed: number
  readonly sooner: number
  readonly byEntry: readonly (readonly [string, number])[]
  readonly lately: readonly (readonly [string, { readonly count: number; readonly ts: number }])[]
}

/** What feedback says about the anomalies of one kind of data. Of several that fit, the last said counts. */
export class FeedbackJudge {
  readonly by = SOONER
  /** By device, in the order in which they were said. */
  #judgements: ReadonlyMap<string, readonly Judgement[]> = new Map()
  #suppressed = 0
  #sooner = 0
  readonly #byEntry = new Map<string, number>()
  /** Of each entry that expects: anomalies covered in the last day, fading, and the time of the newest. */
  readonly #lately = new Map<string, { count: number; ts: number }>()

  constructor(entries: readonly Feedback[] = []) {
    this.replace(entries)
  }

  /** From now on these entries count, in place of those before. */
  replace(entries: readonly Feedback[]): void {
    const judgements = new Map<string, Judgement[]>()
    for (const entry of entries.filter(isJudgement).sort(inOrder)) {
      for (const device of entry.scope.devices) {
        const own = judgements.get(device)
        if (own) own.push(entry)
        else judgements.set(device, [entry])
      }
    }
    this.#judgements = judgements
  }

  /**
   * The anomalies that are to be told; counts the others.
   *
   * @param undo where given, learns how to put the counts back as they were
   */
  told(anomalies: readonly Anomaly[], undo?: Undo): readonly Anomaly[] {
    if (this.#judgements.size === 0 || anomalies.length === 0) return anomalies
    if (undo) {
      const before = this.save()
      undo.push(() => this.restore(before))
    }
    return anomalies.filter((anomaly) => {
      const expected = this.#expects(anomaly)
      if (expected !== undefined) this.#suppressed++
      else if (anomaly.confirmed_by !== undefined) this.#sooner++
      const by = expected ?? anomaly.confirmed_by
      if (by !== undefined) this.#byEntry.set(by, (this.#byEntry.get(by) ?? 0) + 1)
      return expected === undefined
    })
  }

  /** All that was counted, for {@link restore}. */
  save(): JudgeState {
    return {
      suppressed: this.#suppressed,
      sooner: this.#sooner,
      byEntry: [...this.#byEntry],
      lately: [...this.#lately].map(([id, { count, ts }]) => [id, { count, ts }]),
    }
  }

  restore({ suppressed, sooner, byEntry, lately }: JudgeState): void {
    this.#suppressed = suppressed
    this.#sooner = sooner
    this.#byEntry.clear()
    for (const [id, n] of byEntry) this.#byEntry.set(id, n)
    this.#lately.clear()
    for (const [id, { count, ts }] of lately) this.#lately.set(id, { count, ts })
  }

  get counts(): FeedbackCounts {
    const byEntry = Object.fromEntries([...this.#byEntry].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { suppressed: this.#suppressed, sooner: this.#sooner, byEntry }
  }

  /** Whether anything that could be the like of a confirmed anomaly comes from this device. */
  concerns(device: string): boolean {
    return this.#judgements.get(device)?.some(({ verdict }) => verdict === 'confirmed') ?? false
  }

  /** The id of the feedback because of which an anomaly under the line is one; undefined where there is none. */
  confirms(row: Pick<Anomaly, 'device' | 'fields' | 'affected_features'>): string | undefined {
    const place = placeOf(row)
    const found = this.#judgements
      .get(row.device)
      ?.findLast(
        ({ verdict, scope }) => verdict === 'confirmed' && isThere(scope, place) && hasCause(scope, row),
      )
    return found?.id
  }

  /** The id of the feedback that expects this anomaly; undefined when it is to be told. */
  #expects(anomaly: Anomaly): string | undefined {
    const place = placeOf(anomaly)
    const found = this.#judgements
      .get(anomaly.device)
      ?.findLast((judgement) =>
        judgement.verdict === 'expected'
          ? covers(judgement, anomaly, place)
          : isThere(judgement.scope, place) && hasCause(judgement.scope, anomaly),
      )
    if (found?.verdict !== 'expected') return undefined
    return this.#isFew(found, anomaly.timestamp) ? found.id : undefined
  }

  /** Counts an anomaly that an entry covers, and tells whether there are no more of them than were judged. */
  #isFew({ id, perDay }: Judgement, timestamp: number): boolean {
    const lately = this.#lately.get(id) ?? { count: 0, ts: -Infinity }
    // Records without time all come at once.
    const ts = Number.isFinite(timestamp) ? timestamp : 0
    const ahead = ts - lately.ts
    if (ahead > 0) {
      lately.count *= Math.exp(-ahead / DAY)
      lately.ts = ts
    }
    lately.count++
    this.#lately.set(id, lately)
    return lately.count <= Math.max(FEWEST, MORE * perDay)
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
    isThere(scope, place) &&
    anomaly.affected_features.every(({ feature, value, contribution }, i) => {
      if (i > 0 && contribution < CAUSE) return true
      const covered = scope.values.find((v) => v.feature === feature)
      return covered !== undefined && isCovered(covered, value)
    })
  )
}

/** Whether a device turned to the same service and other side. */
function isThere({ flow }: FeedbackScope, place: Place | undefined): boolean {
  if (!flow || !place) return !flow === !place
  return (
    flow.direction === place.direction &&
    (flow.services?.includes(place.service) ?? true) &&
    (!flow.peers ||
      flow.peers.includes(peerNetwork(place.peer)) ||
      flow.peers.includes(peerClass(place.peer)))
  )
}

/** Whether what explains most of it is what made the judged one unusual, in the same way. */
function hasCause({ values }: FeedbackScope, row: Pick<Anomaly, 'affected_features'>): boolean {
  const [first] = row.affected_features
  return first !== undefined && values.some((v) => v.feature === first.feature && isUnusualAlike(v, first))
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
