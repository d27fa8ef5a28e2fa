import type { WhatIfModels } from '../anomalies/what-if.ts'
import type { FeatureColumns } from '../features/feature-columns.ts'
import { type Matrix, selectRows } from '../kernels/matrix.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import type { Calibration } from '../models/calibration.ts'
import { combine, withNews } from '../models/ensemble.ts'
import { FittedLocalOutlierFactor } from '../models/local-outlier-factor.ts'
import { scoreParallel } from '../models/parallel.ts'
import type { Score } from '../models/together.ts'
import { type CalibratedModel, ensembleKey, type ModelBundle } from '../store/model-bundle.ts'
import { type ModelChoice, modelsOf, OptionError } from './options.ts'

/** The member that tells what begins, not what is. */
const NEWS = 'surprise'

/** Scores of a batch as evidence: -log10 of the tail probability among benign rows; NaN for rows that are not scored. */
export interface ScoredRows {
  readonly X: Matrix
  /** Of each model, in the order of {@link Scorer.models}; unlimited, so that it ranks. */
  readonly evidence: readonly Float64Array[]
  /** Of the ensemble, or of the only model; unlimited. */
  readonly combined: Float64Array
}

/** Scores batches with the models of a bundle that were asked for. */
export class Scorer {
  readonly bundle: ModelBundle
  readonly models: readonly CalibratedModel[]
  /** Most evidence the training data allows. */
  readonly ceiling: number
  readonly #ensemble: Calibration | undefined
  readonly #score: Score

  /**
   * @param choice models asked for; the bundle's own when left out
   * @param by threads to score with, or how else
   * @throws OptionError when the bundle lacks a model
   */
  constructor(bundle: ModelBundle, choice: ModelChoice | undefined, by: WorkerPool | Score) {
    this.bundle = bundle
    const names = bundle.models.map((m) => m.detector.name)
    // News is told beside several models; one that is asked for speaks alone.
    const asked = choice ? modelsOf(choice) : names
    const wanted = choice && asked.length > 1 && names.includes(NEWS) ? [...asked, NEWS] : asked
    const missing = wanted.filter((name) => !names.includes(name))
    if (missing.length > 0) {
      throw new OptionError(
        `the ${bundle.kind} model has ${names.join(', ')}, not ${missing.join(', ')}; train with --model ${choice}`,
      )
    }
    this.models = bundle.models.filter((m) => wanted.includes(m.detector.name))
    this.#ensemble = bundle.ensembles.get(ensembleKey(wanted.filter((name) => name !== NEWS)))
    this.ceiling = (this.#ensemble ?? this.models[0]!.calibration).ceiling
    this.#score = typeof by === 'function' ? by : (detector, X) => scoreParallel(detector, X, by)
  }

  /** @param without (rows) 1 for rows that are not to be scored; all are when left out */
  async score(features: FeatureColumns, without?: Uint8Array): Promise<ScoredRows> {
    const X = this.bundle.space.transform(features)
    if (!without) return { X, ...(await this.#evidenceOf(X)) }
    const rows = Array.from(without.keys()).filter((i) => !without[i])
    const { evidence, combined } = await this.#evidenceOf(selectRows(X, rows))
    const inPlace = (values: Float64Array) => {
      const all = new Float64Array(X.nSamples).fill(Number.NaN)
      for (const [k, i] of rows.entries()) all[i] = values[k]!
      return all
    }
    return { X, evidence: evidence.map(inPlace), combined: inPlace(combined) }
  }

  async #evidenceOf(X: Matrix): Promise<Pick<ScoredRows, 'evidence' | 'combined'>> {
    const evidence = await Promise.all(
      this.models.map(async ({ detector, calibration }) =>
        calibration.evidence(X.nSamples > 0 ? await this.#score(detector, X) : new Float64Array()),
      ),
    )
    return { evidence, combined: this.#combined(evidence) }
  }

  /** As {@link score}, at once on this thread. @param X rows of the bundle's space */
  scoreNow(X: Matrix): Pick<ScoredRows, 'evidence' | 'combined'> {
    const evidence = this.models.map((m) => m.calibration.evidence(m.detector.score(X)))
    return { evidence, combined: this.#combined(evidence) }
  }

  /**
   * To tell what would have been ordinary: the rows that LOF keeps of training, scored on this thread. Undefined
   * for a bundle without LOF, as other models keep no rows.
   */
  get whatIf(): WhatIfModels | undefined {
    const lof = this.bundle.models.find((m) => m.detector instanceof FittedLocalOutlierFactor)?.detector
    if (!(lof instanceof FittedLocalOutlierFactor)) return undefined
    return {
      rows: lof.reference,
      evidenceOf: (X) => this.scoreNow(X).combined,
    }
  }

  #combined(evidence: readonly Float64Array[]): Float64Array {
    const news = this.models.findIndex((m) => m.detector.name === NEWS)
    const states = evidence.filter((_, m) => m !== news)
    const state = this.#ensemble ? this.#ensemble.evidence(combine(states)) : states[0]!
    return news < 0 ? state : withNews(state, evidence[news]!, this.models[0]!.calibration.n)
  }
}
