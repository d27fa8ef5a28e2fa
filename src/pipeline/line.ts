import { Explainer } from '../anomalies/explainer.ts'
import type { FeatureSpace } from '../features/feature-space.ts'
import { FeedbackJudge } from '../feedback/judge.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import { evidenceAt } from '../models/calibration.ts'
import type { Score } from '../models/together.ts'
import type { Anomaly, AnomalyType } from '../schema/anomaly.ts'
import type { Feedback } from '../schema/feedback.ts'
import type { Undo } from '../schema/undo.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import { DriftFollower } from './drift.ts'
import type { KindState } from './engine-state.ts'
import { type ModelChoice, thresholdOf } from './options.ts'
import { type ScoredRows, Scorer } from './scorer.ts'
import type { PreparedBatch } from './stages.ts'

/** What is recognised by how often it happens, not by how unusual it is. */
export const ATTACKS: ReadonlySet<string> = new Set<AnomalyType>(['port scan', 'brute force', 'flood'])

/** A batch with its scores and the models that made them. */
export interface ScoredBatch extends PreparedBatch, ScoredRows {
  readonly kind: ModelBundle['kind']
  readonly source: string
  readonly bundle: ModelBundle
  readonly models: Scorer['models']
  /** Most evidence that may be claimed. */
  readonly ceiling: number
  readonly threshold: number
  /** (rows) 1 for records of devices that the models do not know; left out where they know all. */
  readonly strange?: Uint8Array | undefined
}

export interface LineOptions {
  readonly threshold?: number
  readonly model?: ModelChoice
  readonly score?: Score
  readonly drift?: boolean
}

/** What belongs to one kind of data: its models, what explains their findings, what people said of them, and what is followed. */
export class Line {
  readonly scorer: Scorer
  readonly explainer: Explainer
  readonly judge: FeedbackJudge
  readonly drift: DriftFollower | undefined
  readonly threshold: number
  /** Whether anything depends on a device's own past. */
  readonly usesPast: boolean
  /** With other models, as they were asked for. */
  readonly #scorers = new Map<ModelChoice, Scorer>()
  readonly #scoring: WorkerPool | Score

  /** @throws OptionError when the bundle lacks the model that is asked for */
  constructor(bundle: ModelBundle, options: LineOptions, pool: WorkerPool, nextIncident: () => number) {
    this.#scoring = options.score ?? pool
    const scorer = new Scorer(bundle, options.model, this.#scoring)
    const { kind, space, feedback } = bundle
    const { contamination } = bundle.summary
    this.scorer = scorer
    this.threshold = thresholdOf(bundle, options.threshold)
    this.usesPast = usesPast(space)
    this.judge = new FeedbackJudge(feedback)
    const least = evidenceAt(this.threshold, contamination)
    if (options.drift ?? true) {
      this.drift = new DriftFollower(kind, space, least, (X) => scorer.scoreNow(X), feedback)
    }
    this.explainer = new Explainer(space, scorer.models, {
      contamination,
      least,
      ceiling: scorer.ceiling,
      nextIncident,
      sooner: this.judge,
      whatIf: scorer.whatIf,
    })
  }

  /** The scorer with these models, kept for the next time; the line's own when left out. */
  scorerOf(model: ModelChoice | undefined): Scorer {
    if (model === undefined) return this.scorer
    let scorer = this.#scorers.get(model)
    if (!scorer) {
      scorer = new Scorer(this.scorer.bundle, model, this.#scoring)
      this.#scorers.set(model, scorer)
    }
    return scorer
  }

  /**
   * What is to be told of scored rows; follows what changes slowly.
   *
   * @param firstRecord number of the first row among all records
   * @param undo where given, learns how to put all back as it was
   */
  tell(rows: ScoredBatch, firstRecord: number, undo?: Undo): readonly Anomaly[] {
    const { models, ceiling, threshold, bundle, strange } = rows
    // What is followed is how far the line's own models find a device from its normal.
    if (models === this.scorer.models) this.drift?.follow(rows, undo)
    const judged = { models, ceiling, least: evidenceAt(threshold, bundle.summary.contamination) }
    const all = this.judge.told(this.explainer.explain(rows, firstRecord, undo, judged), undo)
    if (!strange) return all
    return all.filter(({ record, type }) => !strange[record - firstRecord] || ATTACKS.has(type))
  }

  /** @param entries what people said of this kind of data, in place of what was said before */
  useFeedback(entries: readonly Feedback[]): void {
    this.judge.replace(entries)
    this.drift?.decide(entries)
  }

  save(): KindState {
    return {
      kind: this.scorer.bundle.kind,
      explainer: this.explainer.save(),
      judge: this.judge.save(),
      ...(this.drift ? { drift: this.drift.save() } : {}),
    }
  }

  restore({ explainer, judge, drift }: KindState): void {
    this.explainer.restore(explainer)
    this.judge.restore(judge)
    if (drift) this.drift?.restore(drift)
  }
}

/** Whether any feature that the models look at depends on a device's own past. */
function usesPast(space: FeatureSpace): boolean {
  return space.specs.some(
    ({ span, aspect, metric, name }) => span !== undefined || (aspect !== undefined && name !== metric),
  )
}
