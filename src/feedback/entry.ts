import { createHash } from 'node:crypto'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Adaptation, DriftDecision, Feedback, Judgement } from '../schema/feedback.ts'
import type { Incident } from '../schema/incident.ts'
import { parseFeedback } from './parse.ts'
import { scopeOf } from './scope.ts'

/** Beside the verdict. */
export interface SaidBy {
  readonly by?: string
  readonly note?: string
  /** Seconds since the epoch; now when left out. */
  readonly at?: number
}

/**
 * What a person says about an anomaly or a whole incident, as an entry to be kept: for everything like it, see
 * docs/feedback.md.
 */
export function feedbackOn(
  subject: Anomaly | Incident,
  verdict: Judgement['verdict'],
  said: SaidBy = {},
): Judgement {
  const { p_value, fields } = 'strongest' in subject ? subject.strongest : subject
  return entry<Judgement>({
    ...about(said),
    kind: fields.resp_h === undefined ? 'readings' : 'flows',
    verdict,
    scope: scopeOf(subject),
    strength: -Math.log10(Math.max(p_value, Number.MIN_VALUE)),
    perDay: 'strongest' in subject ? perDay(subject) : 1,
  })
}

function perDay({ count, first, last }: Incident): number {
  return count / Math.max(1, last - first > 0 ? (last - first) / 86_400 : 1)
}

/** How much further than before `follow` allows, about standard deviations. */
const FURTHER = 1

/**
 * What a person says about a step by which a slow change was followed: `hold` takes it back, and the device's normal goes
 * no further than it had come before; `follow` lets it go one standard deviation further than it has come.
 */
export function feedbackOnAdaptation(
  { kind, device, from, to }: Adaptation,
  verdict: DriftDecision['verdict'],
  said: SaidBy = {},
): DriftDecision {
  const limit = verdict === 'hold' ? from : to + FURTHER
  return entry<DriftDecision>({ ...about(said), kind, verdict, device, limit })
}

/**
 * The bundle with these entries in place of those it has: the ones about its kind of data, each once, in the order
 * in which they were said.
 *
 * @throws TypeError for an entry that is not as {@link feedbackOn} makes it
 */
export function withFeedback<
  B extends { readonly kind: Feedback['kind']; readonly feedback?: readonly Feedback[] },
>(bundle: B, entries: readonly Feedback[]): B {
  const own = new Map(entries.filter(({ kind }) => kind === bundle.kind).map((e) => [e.id, e]))
  return { ...bundle, feedback: parseFeedback([...own.values()]) }
}

function about({
  by,
  note,
  at = Math.round(Date.now() / 1000),
}: SaidBy): Omit<SaidBy, 'at'> & { at: number } {
  return { at, ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
}

function entry<E extends Feedback>(rest: Omit<E, 'id'>): E {
  const id = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 8)
  return { id, ...rest } as E
}
