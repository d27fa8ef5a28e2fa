import { InputError, type ReadReport } from '../adapters/read-report.ts'
import { labelOf } from '../anomalies/fields.ts'
import { evidenceAt } from '../models/calibration.ts'
import { averagePrecision, rocAuc } from '../models/metrics.ts'
import type { CalibratedModel, ModelBundle } from '../store/model-bundle.ts'
import { DEFAULT_CONTAMINATION } from './options.ts'
import { benignCodes } from './rows.ts'
import type { ScoredRows } from './scorer.ts'
import type { PreparedBatch } from './stages.ts'

/** How well one model, or the ensemble, tells attacks from benign rows. A share without rows is null. */
export interface Measures {
  readonly rocAuc: number | null
  readonly averagePrecision: number | null
  /** Share of the attack rows at or above the threshold. */
  readonly recall: number | null
  /** Share of the benign rows at or above the threshold. */
  readonly falseAlarmRate: number | null
  /** Recall by the finest label there is, attacks only. */
  readonly byLabel: Readonly<Record<string, { readonly rows: number; readonly recall: number }>>
}

/** What `evaluate` says; JSON-able. */
export interface Evaluation {
  readonly rows: number
  readonly benign: number
  readonly malicious: number
  /** Rows without a label, or benign ones that `after` excludes. */
  readonly leftOut: number
  readonly threshold: number
  readonly ensemble: Measures
  readonly models: Readonly<Record<string, Measures>>
  /** What each threshold promises (p) and what it gave on these rows. */
  readonly thresholds: readonly {
    readonly threshold: number
    readonly p: number
    readonly recall: number | null
    readonly falseAlarmRate: number | null
  }[]
  readonly reports: readonly ReadReport[]
}

interface Scored extends PreparedBatch, ScoredRows {
  readonly bundle: ModelBundle
  readonly models: readonly CalibratedModel[]
  readonly ceiling: number
}

/** Collects evidence and labels of scored batches and compares them. */
export class Evaluator {
  rows = 0
  #leftOut = 0
  #contamination = DEFAULT_CONTAMINATION
  #ceiling = Infinity
  readonly #threshold: number
  readonly #after: number
  readonly #ensemble = new Numbers()
  readonly #models = new Map<string, Numbers>()
  readonly #classes: string[] = []
  readonly #classOf = new Map<string, number>()
  /** Class of each labelled row; -1 benign. */
  readonly #truth = new Numbers()

  /** @param after benign rows up to this time do not count */
  constructor(threshold: number, after = -Infinity) {
    this.#threshold = threshold
    this.#after = after
  }

  add({ batch, evidence, combined, models, bundle, ceiling }: Scored): void {
    this.rows += batch.length
    this.#contamination = bundle.summary.contamination
    this.#ceiling = ceiling
    if (!batch.label) {
      this.#leftOut += batch.length
      return
    }
    const benign = benignCodes(batch.label)
    const names = models.map((m) => m.detector.name)
    for (const name of names) if (!this.#models.has(name)) this.#models.set(name, new Numbers())
    for (let i = 0; i < batch.length; i++) {
      const code = batch.label.codes[i]!
      if (batch.label.values[code] === '' || (benign[code] && batch.ts[i]! <= this.#after)) {
        this.#leftOut++
        continue
      }
      this.#truth.push(benign[code] ? -1 : this.#class(labelOf(batch, i)!))
      this.#ensemble.push(combined[i]!)
      names.forEach((name, m) => {
        this.#models.get(name)!.push(evidence[m]![i]!)
      })
    }
  }

  /** @throws InputError when no row is labelled */
  finish(reports: readonly ReadReport[]): Evaluation {
    const truth = this.#truth.values
    if (truth.length === 0) {
      const sources = reports.map((r) => r.source).join(', ')
      throw new InputError(
        `${sources} expects a label column (benign or the attack's name), got none; \`motewatch inspect\` shows how columns map`,
      )
    }
    const ensemble = this.#ensemble.values
    const malicious = truth.reduce((sum, c) => sum + (c >= 0 ? 1 : 0), 0)
    return {
      rows: this.rows,
      benign: truth.length - malicious,
      malicious,
      leftOut: this.#leftOut,
      threshold: this.#threshold,
      ensemble: this.#measures(ensemble),
      models: Object.fromEntries([...this.#models].map(([name, n]) => [name, this.#measures(n.values)])),
      thresholds: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99].map((threshold) => {
        const least = this.#least(threshold)
        return {
          threshold,
          p: 10 ** -evidenceAt(threshold, this.#contamination),
          ...rates(ensemble, truth, least),
        }
      }),
      reports,
    }
  }

  #measures(evidence: Float64Array): Measures {
    const truth = this.#truth.values
    const least = this.#least(this.#threshold)
    const rows = new Float64Array(this.#classes.length)
    const found = new Float64Array(this.#classes.length)
    for (let i = 0; i < truth.length; i++) {
      if (truth[i]! < 0) continue
      rows[truth[i]!]!++
      if (evidence[i]! >= least) found[truth[i]!]!++
    }
    const isAttack = truth.map((c) => (c >= 0 ? 1 : 0))
    return {
      rocAuc: orNull(rocAuc(evidence, isAttack)),
      averagePrecision: orNull(averagePrecision(evidence, isAttack)),
      ...rates(evidence, truth, least),
      byLabel: Object.fromEntries(
        this.#classes.map((name, c) => [name, { rows: rows[c]!, recall: found[c]! / rows[c]! }]),
      ),
    }
  }

  /** Evidence from which a row is an anomaly; none may be claimed above the ceiling. */
  #least(threshold: number): number {
    const least = evidenceAt(threshold, this.#contamination)
    return least > this.#ceiling ? Infinity : least
  }

  #class(name: string): number {
    let c = this.#classOf.get(name)
    if (c === undefined) {
      c = this.#classes.push(name) - 1
      this.#classOf.set(name, c)
    }
    return c
  }
}

function rates(
  evidence: Float64Array,
  truth: Float64Array,
  least: number,
): { recall: number | null; falseAlarmRate: number | null } {
  const rows = [0, 0]
  const alarms = [0, 0]
  for (let i = 0; i < truth.length; i++) {
    const attack = truth[i]! >= 0 ? 1 : 0
    rows[attack]!++
    if (evidence[i]! >= least) alarms[attack]!++
  }
  return { recall: orNull(alarms[1]! / rows[1]!), falseAlarmRate: orNull(alarms[0]! / rows[0]!) }
}

function orNull(share: number): number | null {
  return Number.isFinite(share) ? share : null
}

/** A list of numbers that grows without boxing them. */
class Numbers {
  #data = new Float64Array(4096)
  #length = 0

  push(value: number): void {
    if (this.#length === this.#data.length) {
      const bigger = new Float64Array(this.#length * 2)
      bigger.set(this.#data)
      this.#data = bigger
    }
    this.#data[this.#length++] = value
  }

  get values(): Float64Array {
    return this.#data.subarray(0, this.#length)
  }
}
