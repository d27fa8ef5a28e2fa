import { LEARNING } from '../features/encoder.ts'
import type { FeatureColumns } from '../features/feature-columns.ts'
import type { FeatureSpace } from '../features/feature-space.ts'
import { type Matrix, selectRows } from '../kernels/matrix.ts'
import { type Calibration, confidenceOf } from '../models/calibration.ts'
import type { FittedDetector } from '../models/detector.ts'
import type { AffectedFeature, Anomaly, Counterfactual } from '../schema/anomaly.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { Undo } from '../schema/undo.ts'
import { type Cause, classifyFlow, classifyReading } from './classify.ts'
import { describeFlow, describeReading, subject } from './describe.ts'
import { fieldsOf, labelOf, transportOf } from './fields.ts'
import { counter, FlowHistory } from './flow-evidence.ts'
import { ReadingHistory } from './reading-history.ts'
import { type ShownFeature, shownFeatures } from './shown-features.ts'
import { surroundingsIn } from './surroundings.ts'
import { WhatIf, type WhatIfModels, type WhatIfState } from './what-if.ts'

/** Features named in an anomaly at most, and the least share of the score worth naming. */
const MOST_CAUSES = 5
const LEAST_SHARE = 0.05

/** Rows with their scores. */
export interface ScoredSource {
  readonly batch: Batch
  readonly features: FeatureColumns
  readonly X: Matrix
  /** Of each model, unlimited. */
  readonly evidence: readonly Float64Array[]
  /** Of all models together, unlimited. */
  readonly combined: Float64Array
  readonly source: string
}

export interface ExplainerOptions {
  readonly contamination: number
  /** Evidence from which a row is an anomaly. */
  readonly least: number
  /** Most evidence that may be claimed. */
  readonly ceiling: number
  /** Gives the id of each new incident; 1, 2, … when left out. */
  readonly nextIncident?: () => number
  readonly sooner?: Sooner
  /** To tell what would have been ordinary; not told when left out. */
  readonly whatIf?: WhatIfModels | undefined
}

/** Rows that are anomalies with less evidence than others, as the like of them was confirmed before. */
export interface Sooner {
  /** Evidence by which the line is lower for them. */
  readonly by: number
  /** Whether there can be any of this device. */
  concerns(device: string): boolean
  /** The id of the confirmation; undefined where the row is not one of them. */
  confirms(row: Pick<Anomaly, 'device' | 'fields' | 'affected_features'>): string | undefined
}

interface Model {
  readonly detector: FittedDetector
  readonly calibration: Calibration
}

/** How rows were scored: by which models, from which evidence on a row is an anomaly, and the most that may be claimed. */
interface Judged extends Pick<ExplainerOptions, 'least' | 'ceiling'> {
  readonly models: readonly Model[]
}

export interface ExplainerState {
  readonly flows: ReturnType<FlowHistory['save']>
  readonly readings: ReturnType<ReadingHistory['save']>
  readonly highest: number
  readonly whatIf?: WhatIfState
}

/** Turns rows whose evidence reaches the threshold into explained anomalies, in input order. */
export class Explainer {
  readonly #space: FeatureSpace
  readonly #usual: Judged
  readonly #options: ExplainerOptions
  readonly #shown: readonly ShownFeature[]
  /** Matrix column -> index into #shown. */
  readonly #shownOf: Int32Array
  readonly #flows: FlowHistory
  readonly #readings: ReadingHistory
  readonly #whatIf: WhatIf | undefined
  readonly #around: ReturnType<typeof surroundingsIn>
  /** Highest confidence of any row so far, anomaly or not. */
  highest = 0

  constructor(space: FeatureSpace, models: readonly Model[], options: ExplainerOptions) {
    this.#space = space
    this.#usual = { models, least: options.least, ceiling: options.ceiling }
    this.#options = options
    const nextIncident = options.nextIncident ?? counter()
    this.#flows = new FlowHistory(nextIncident)
    this.#readings = new ReadingHistory(nextIncident)
    const { shown, of } = shownFeatures(space)
    this.#shown = shown
    this.#shownOf = of
    this.#around = surroundingsIn(space)
    if (options.whatIf) this.#whatIf = new WhatIf(space, shown, of, options.whatIf, options.least)
  }

  /** What would have been ordinary instead of the strongest anomaly of an incident; undefined when unknown. */
  counterfactual(strongest: Anomaly): Counterfactual | undefined {
    return this.#whatIf?.strongest(strongest)
  }

  /**
   * @param firstRecord number of the batch's first row among all records used
   * @param undo where given, learns how to put the histories back as they were
   * @param judged how the rows were scored, where that is not how this explainer usually judges
   */
  explain(rows: ScoredSource, firstRecord: number, undo?: Undo, judged: Judged = this.#usual): Anomaly[] {
    const { contamination, sooner } = this.#options
    const { least, ceiling } = judged
    const near = least - (sooner?.by ?? 0)
    const above: number[] = []
    let most = 0
    for (let i = 0; i < rows.combined.length; i++) {
      const evidence = Math.min(rows.combined[i]!, ceiling)
      if (evidence > most) most = evidence
      if (evidence >= least || (evidence >= near && sooner?.concerns(deviceOf(rows.batch, i)))) above.push(i)
    }
    const before = this.highest
    undo?.push(() => {
      this.highest = before
    })
    this.highest = Math.max(before, confidenceOf(most, contamination))
    if (above.length === 0) return []
    const shares = this.#shares(rows, above, judged.models)
    const width = this.#shown.length
    return above.flatMap(
      (i, k) => this.#anomaly(rows, i, shares.subarray(k * width), firstRecord + i, undo, judged) ?? [],
    )
  }

  /** What was unusual lately and the highest confidence, for {@link restore}; what it refers to is not copied. */
  save(): ExplainerState {
    return {
      flows: this.#flows.save(),
      readings: this.#readings.save(),
      highest: this.highest,
      ...(this.#whatIf ? { whatIf: this.#whatIf.save() } : {}),
    }
  }

  restore({ flows, readings, highest, whatIf }: ExplainerState): void {
    this.#flows.restore(flows)
    this.#readings.restore(readings)
    this.highest = highest
    if (whatIf) this.#whatIf?.restore(whatIf)
  }

  /** Share of each shown feature in the evidence of each row, (rows, shown features); rows add up to 1. */
  #shares(rows: ScoredSource, above: readonly number[], models: readonly Model[]): Float64Array {
    const width = this.#shown.length
    const shares = new Float64Array(above.length * width)
    const X = selectRows(rows.X, above)
    const d = X.nFeatures
    models.forEach(({ detector }, m) => {
      const parts = detector.contributions(X)
      for (let k = 0; k < above.length; k++) {
        const weight = rows.evidence[m]![above[k]!]!
        let total = 0
        for (let j = k * d; j < (k + 1) * d; j++) total += Math.max(0, parts[j]!)
        if (!(total > 0 && weight > 0)) continue
        for (let j = 0; j < d; j++) {
          shares[k * width + this.#shownOf[j]!]! += (weight * Math.max(0, parts[k * d + j]!)) / total
        }
      }
    })
    for (let k = 0; k < above.length; k++) {
      const row = shares.subarray(k * width, (k + 1) * width)
      const total = row.reduce((sum, share) => sum + share, 0)
      if (total > 0) for (let s = 0; s < width; s++) row[s]! /= total
    }
    return shares
  }

  /** Undefined for a row under the line that nothing confirmed is like. */
  #anomaly(
    rows: ScoredSource,
    i: number,
    shares: Float64Array,
    record: number,
    undo: Undo | undefined,
    { models, least, ceiling }: Judged,
  ): Anomaly | undefined {
    const { contamination, sooner } = this.#options
    const { batch } = rows
    const device = deviceOf(batch, i)
    const name = nameOf(batch, i)
    const evidence = Math.min(rows.combined[i]!, ceiling)
    const causes = this.#causes(shares, rows.features, i)
    const affected_features = causes.map((cause) => cause.affected)
    const fields = fieldsOf(batch, i)
    // Asked before the row becomes part of an incident: one that is not told must leave no trace there.
    const confirmed_by =
      evidence >= least ? undefined : sooner?.confirms({ device, fields, affected_features })
    if (evidence < least && confirmed_by === undefined) return undefined
    const model_confidence: Record<string, number> = {}
    models.forEach(({ detector, calibration }, m) => {
      const own = Math.min(rows.evidence[m]![i]!, calibration.ceiling)
      model_confidence[detector.name] = confidenceOf(own, contamination)
    })
    const { incident, type, description } = this.#words(rows, i, subject(device, name), causes, undo)
    const label = labelOf(batch, i)
    const anomaly: Anomaly = {
      incident,
      device,
      ...(name === undefined ? {} : { device_name: name }),
      timestamp: batch.ts[i]!,
      type,
      confidence: confidenceOf(evidence, contamination),
      p_value: 10 ** -evidence,
      model_confidence,
      affected_features,
      description,
      record,
      source: rows.source,
      fields,
      ...(label === undefined ? {} : { label }),
      ...(confirmed_by === undefined ? {} : { confirmed_by }),
    }
    // A look ahead leaves nothing behind.
    if (undo || !this.#whatIf) return anomaly
    const { data, nFeatures } = rows.X
    const x = data.subarray(i * nFeatures, (i + 1) * nFeatures)
    const counterfactual = this.#whatIf.meet(anomaly, x, shares)
    return counterfactual ? { ...anomaly, counterfactual } : anomaly
  }

  /** The features that explain most, strongest first. */
  #causes(shares: Float64Array, features: FeatureColumns, row: number): Cause[] {
    const causes: Cause[] = []
    const taken = new Set<number>()
    while (causes.length < Math.min(MOST_CAUSES, this.#shown.length)) {
      let best = -1
      for (let s = 0; s < this.#shown.length; s++) {
        if (!taken.has(s) && (best < 0 || shares[s]! > shares[best]!)) best = s
      }
      if (best < 0 || (causes.length > 0 && shares[best]! < LEAST_SHARE)) break
      taken.add(best)
      const { name, spec, column } = this.#shown[best]!
      const value = this.#space.shown(column, features, row)
      // What is not known yet is no reason.
      if (value === LEARNING) continue
      const affected: AffectedFeature = {
        feature: name,
        value,
        unit: spec.unit,
        typical: this.#space.typical(column),
        contribution: shares[best]!,
      }
      causes.push({ spec, affected })
    }
    return causes
  }

  #words(
    { batch, features }: ScoredSource,
    i: number,
    who: string,
    causes: readonly Cause[],
    undo: Undo | undefined,
  ): Pick<Anomaly, 'incident' | 'type' | 'description'> {
    if (batch.kind === 'readings') {
      const { incident, moves } = this.#readings.add(batch, i, causes, undo)
      const type = classifyReading(causes, moves)
      return { incident, type, description: describeReading(type, who, causes) }
    }
    const evidence = this.#flows.add(batch, i, undo, this.#around(features, i))
    const type = classifyFlow(evidence, causes)
    const opened = !batch.device_is_orig || batch.device_is_orig[i] === 1
    const facts = {
      who,
      opened,
      proto: transportOf(batch.proto[i]!),
      service: stringAt(batch.service, i),
      state: stringAt(batch.conn_state, i),
    }
    return { incident: evidence.behaviour, type, description: describeFlow(type, facts, evidence, causes) }
  }
}

function nameOf(batch: Batch, i: number): string | undefined {
  const name = batch.device_name ? stringAt(batch.device_name, i) : ''
  return name === '' ? undefined : name
}

function deviceOf(batch: Batch, i: number): string {
  return batch.device ? stringAt(batch.device, i) : ''
}
