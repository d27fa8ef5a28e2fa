import { InputError, type ReadReport } from '../adapters/read-report.ts'
import { labelOf } from '../anomalies/fields.ts'
import { evidenceAt } from '../models/calibration.ts'
import { type CurvePoint, Ranking } from '../models/metrics.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { CalibratedModel, ModelBundle } from '../store/model-bundle.ts'
import { AlarmCounter, Watch } from './alarms.ts'
import { INCIDENT_GAP, type LabelledIncidents, labelledIncidents } from './labelled-incidents.ts'
import { DEFAULT_CONTAMINATION, DEFAULT_THRESHOLD, thresholdOf } from './options.ts'
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
  /** Labelled incidents with at least one row at or above the threshold. */
  readonly incidents: {
    readonly labelled: number
    readonly found: number
    readonly recall: number | null
  }
  /** By the finest label there is, attacks only. */
  readonly byLabel: Readonly<Record<string, LabelMeasures>>
  /** Points of the ROC and the precision-recall curve, strictest first, at most a few hundred. */
  readonly curve: readonly EvaluationPoint[]
}

/** What was found of one label. */
export interface LabelMeasures {
  readonly rows: number
  /** Share of the rows at or above the threshold. */
  readonly recall: number
  /** Labelled incidents, and those with at least one row at or above the threshold. */
  readonly incidents: number
  readonly incidentsFound: number
}

/** What alarming every row at most as probable as `p` gives. */
export interface EvaluationPoint extends Omit<CurvePoint, 'score'> {
  readonly p: number
}

/** What `evaluate` says; JSON-able. */
export interface Evaluation {
  readonly rows: number
  readonly benign: number
  readonly malicious: number
  /** Rows without a label, or benign ones that `after` excludes. */
  readonly leftOut: number
  readonly threshold: number
  /** Seconds without attack rows of a label on a device after which the next begins another labelled incident. */
  readonly incidentGap: number
  readonly ensemble: Measures
  readonly models: Readonly<Record<string, Measures>>
  /** What each threshold promises (p) and what it gave on these rows. */
  readonly thresholds: readonly {
    readonly threshold: number
    readonly p: number
    readonly recall: number | null
    readonly falseAlarmRate: number | null
    /** Alarms a device-day among benign rows; null where rows have no time. */
    readonly falseAlarmsPerDeviceDay: number | null
  }[]
  /** False alarms at the threshold as a person gets them: bursts of one device are one. */
  readonly falseAlarms: {
    readonly perDeviceDay: number | null
    /** What the model was trained for. */
    readonly promised: number | null
    readonly deviceDays: number
    readonly devices: number
    /** Most alarms first, at most 1000 devices: alarms, and days for which the device was watched. */
    readonly byDevice: Readonly<Record<string, { readonly alarms: number; readonly days: number }>>
  }
  /** Share of the benign rows at most as probable as p says. */
  readonly calibration: readonly { readonly p: number; readonly measured: number | null }[]
  readonly reports: readonly ReadReport[]
}

/** Devices named in an evaluation. */
const MOST_DEVICES = 1000

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
  #threshold = DEFAULT_THRESHOLD
  #promised: number | null = null
  readonly #asked: number | undefined
  readonly #after: number
  readonly #ensemble = new Numbers()
  readonly #models = new Map<string, Numbers>()
  readonly #classes: string[] = []
  readonly #classOf = new Map<string, number>()
  /** Class of each labelled row; -1 benign. */
  readonly #truth = new Numbers()
  /** Time and device of each labelled row. */
  readonly #ts = new Numbers()
  readonly #device = new Numbers()
  readonly #devices: string[] = []
  readonly #deviceOf = new Map<string, number>()

  /**
   * @param asked threshold; that of the model when left out
   * @param after benign rows up to this time do not count
   */
  constructor(asked?: number, after = -Infinity) {
    this.#asked = asked
    this.#after = after
  }

  add({ batch, evidence, combined, models, bundle, ceiling }: Scored): void {
    this.rows += batch.length
    this.#contamination = bundle.summary.contamination
    this.#ceiling = ceiling
    this.#threshold = thresholdOf(bundle, this.#asked)
    this.#promised = bundle.summary.promise?.perDeviceDay ?? null
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
      this.#ts.push(batch.ts[i]!)
      this.#device.push(
        numberOf(batch.device ? stringAt(batch.device, i) : '', this.#devices, this.#deviceOf),
      )
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
    const incidents = labelledIncidents(truth, this.#device.values, this.#ts.values)
    const measures = ({ values }: Numbers) => this.#measures(values, incidents)
    const malicious = truth.reduce((sum, c) => sum + (c >= 0 ? 1 : 0), 0)
    return {
      rows: this.rows,
      benign: truth.length - malicious,
      malicious,
      leftOut: this.#leftOut,
      threshold: this.#threshold,
      incidentGap: INCIDENT_GAP,
      ensemble: measures(this.#ensemble),
      models: Object.fromEntries([...this.#models].map(([name, n]) => [name, measures(n)])),
      thresholds: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99].map((threshold) => {
        const least = this.#least(threshold)
        return {
          threshold,
          p: 10 ** -evidenceAt(threshold, this.#contamination),
          ...rates(ensemble, truth, least),
          falseAlarmsPerDeviceDay: this.#falseAlarms(least).perDeviceDay,
        }
      }),
      falseAlarms: this.#falseAlarms(this.#least(this.#threshold)),
      calibration: Array.from({ length: 19 }, (_, k) => 0.5 + k / 4).map((least) => ({
        p: 10 ** -least,
        measured: rates(ensemble, truth, least).falseAlarmRate,
      })),
      reports,
    }
  }

  #falseAlarms(least: number): Evaluation['falseAlarms'] {
    const truth = this.#truth.values
    const evidence = this.#ensemble.values
    const [devicesOf, times] = [this.#device.values, this.#ts.values]
    const watch = new Watch()
    const counter = new AlarmCounter()
    for (let i = 0; i < truth.length; i++) {
      if (truth[i]! >= 0) continue
      const [device, ts] = [devicesOf[i]!, times[i]!]
      watch.add(device, ts)
      if (evidence[i]! >= least) counter.add(device, ts)
    }
    const { deviceDays } = watch
    const devices = [...watch.devices].map((d) => {
      return [this.#devices[Number(d)]!, { alarms: counter.of(d), days: watch.daysOf(d) }] as const
    })
    devices.sort((a, b) => b[1].alarms - a[1].alarms)
    return {
      perDeviceDay: orNull(counter.total / deviceDays),
      promised: this.#promised,
      deviceDays,
      devices: devices.length,
      byDevice: Object.fromEntries(devices.slice(0, MOST_DEVICES)),
    }
  }

  #measures(evidence: Float64Array, incidents: LabelledIncidents): Measures {
    const truth = this.#truth.values
    const least = this.#least(this.#threshold)
    const byClass = this.#classes.map(() => ({ rows: 0, found: 0, incidents: 0, incidentsFound: 0 }))
    const noticed = new Set<number>()
    for (let i = 0; i < truth.length; i++) {
      if (truth[i]! < 0) continue
      const own = byClass[truth[i]!]!
      own.rows++
      if (!(evidence[i]! >= least)) continue
      own.found++
      noticed.add(incidents.of[i]!)
    }
    for (const c of incidents.classes) byClass[c]!.incidents++
    for (const incident of noticed) byClass[incidents.classes[incident]!]!.incidentsFound++
    const ranking = new Ranking(
      evidence,
      truth.map((c) => (c >= 0 ? 1 : 0)),
    )
    const labelled = incidents.classes.length
    return {
      rocAuc: orNull(ranking.rocAuc),
      averagePrecision: orNull(ranking.averagePrecision),
      ...rates(evidence, truth, least),
      incidents: { labelled, found: noticed.size, recall: orNull(noticed.size / labelled) },
      byLabel: Object.fromEntries(
        byClass.map(({ rows, found, ...incidentsOf }, c) => [
          this.#classes[c]!,
          { rows, recall: found / rows, ...incidentsOf },
        ]),
      ),
      curve: ranking.curve().map(({ score, ...point }) => ({ p: 10 ** -score, ...point })),
    }
  }

  /** Evidence from which a row is an anomaly; none may be claimed above the ceiling. */
  #least(threshold: number): number {
    const least = evidenceAt(threshold, this.#contamination)
    return least > this.#ceiling ? Infinity : least
  }

  #class(name: string): number {
    return numberOf(name, this.#classes, this.#classOf)
  }
}

/** The index of a name in `names`, where it is put when it is new. */
function numberOf(name: string, names: string[], known: Map<string, number>): number {
  let n = known.get(name)
  if (n === undefined) {
    n = names.push(name) - 1
    known.set(name, n)
  }
  return n
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
