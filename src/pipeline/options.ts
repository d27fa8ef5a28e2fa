import type { ReadReport } from '../adapters/read-report.ts'
import type { FeedbackCounts } from '../feedback/judge.ts'
import type { AnomalyType } from '../schema/anomaly.ts'
import type { Adaptation } from '../schema/feedback.ts'
import type { Incident } from '../schema/incident.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import type { Learning } from './engine.ts'

export const MODEL_CHOICES = ['isolation-forest', 'lof', 'autoencoder', 'both', 'all'] as const
/** Which models score: one of them, `both` = forest + LOF, `all` = the three. */
export type ModelChoice = (typeof MODEL_CHOICES)[number]

/** The models behind a choice. */
export function modelsOf(choice: ModelChoice): readonly string[] {
  if (choice === 'all') return ['isolation-forest', 'lof', 'autoencoder']
  return choice === 'both' ? ['isolation-forest', 'lof'] : [choice]
}

/** Share of benign records taken to be unusual: where confidence is 0.5. */
export const DEFAULT_CONTAMINATION = 0.01
/** Confidence from which a flow is an anomaly; chosen by measurement, see docs/confidence.md. */
export const DEFAULT_THRESHOLD = 0.75
/** Likewise of readings: a fault shows in a hundred of them that are each a little unusual, not in one. */
export const DEFAULT_READINGS_THRESHOLD = 0.5

/** How input is read, the same for every command. */
export interface InputOptions {
  /** Name of an adapter, to overrule recognition by content. */
  readonly adapter?: string
  /** Standard field -> column of the source. */
  readonly map?: Readonly<Record<string, string>>
  /** Local networks in CIDR form; the private ranges when left out. */
  readonly local?: readonly string[]
  /** Worker threads, 1 = none; all cores when left out. Results do not depend on it. */
  readonly workers?: number
  readonly onProgress?: (bytesRead: number, bytesTotal: number | undefined, source: string) => void
}

export interface TrainOptions extends InputOptions {
  /** See {@link DEFAULT_CONTAMINATION}; between 0 and 0.5. */
  readonly contamination?: number
  /**
   * How many false alarms are accepted, `1/device-day`, `2/device-week`, `3/day`: decides the threshold that
   * `detect` uses unless told another. See `parseAcceptedAlarms`.
   */
  readonly falseAlarms?: string
  readonly model?: ModelChoice
  readonly seed?: number
  /** Learn only from rows that the source labels benign; the others are as if they had never been there. */
  readonly benign?: boolean
  /** Learn only from this first part of the rows in time, 0–1. */
  readonly first?: number
}

export interface TrainResult {
  /** One for flows, one for readings, as the input has them. */
  readonly bundles: readonly ModelBundle[]
  readonly reports: readonly ReadReport[]
  readonly seconds: number
}

export interface DetectOptions extends InputOptions {
  /**
   * Confidence from which a record is an anomaly, 0–1; that of the model where it was trained for a number of
   * false alarms, else {@link DEFAULT_THRESHOLD}.
   */
  readonly threshold?: number
  readonly model?: ModelChoice
  /** Records of a kind up to this time, seconds since the epoch, are history: scored, never told. */
  readonly after?: Partial<Record<ModelBundle['kind'], number>>
  /** Whether a slow change of each device's normal is followed, see docs/feedback.md; true when left out. */
  readonly drift?: boolean
  /** Hears of each batch before its anomalies come. */
  readonly onBatch?: (batch: Batch) => void
}

export interface EvaluateOptions extends Omit<DetectOptions, 'after' | 'onBatch' | 'drift'> {
  /**
   * Leave out benign rows up to this time, seconds since the epoch: those the models have learned from when
   * training and evaluation share a source.
   */
  readonly after?: number
}

export interface DetectSummary {
  readonly reports: readonly ReadReport[]
  readonly scored: number
  readonly anomalies: number
  readonly byDevice: Readonly<Record<string, number>>
  readonly byType: Readonly<Partial<Record<AnomalyType, number>>>
  /** What people's feedback changed: anomalies suppressed are not among `anomalies`, those told sooner are. */
  readonly feedback: FeedbackCounts
  /** Steps by which slow changes of single devices were followed, in order of kinds and event time. */
  readonly adaptations: readonly Adaptation[]
  /** The lowest one, where flows and readings have thresholds of their own. */
  readonly threshold: number
  /** The threshold of each kind of data that was scored. */
  readonly thresholds: Readonly<Record<string, number>>
  /** Highest confidence of any record, anomaly or not: what a lower threshold would find. */
  readonly highest: number
  readonly seconds: number
  /**
   * Devices without a past of their own so far, judged by what the others are like; and the records that they
   * still need.
   */
  readonly learning: Learning
  /** Anomalies of one behaviour together, most evidence first; at most 2000. */
  readonly incidents: readonly Incident[]
  /** Further incidents, weaker than all of these, that were counted only. */
  readonly incidentsLeftOut: number
}

/** The threshold for a bundle: as asked, else the one it was trained for, else the default. */
export function thresholdOf({ kind, summary }: ModelBundle, asked: number | undefined): number {
  const usual = kind === 'flows' ? DEFAULT_THRESHOLD : DEFAULT_READINGS_THRESHOLD
  return asked ?? summary.promise?.threshold ?? usual
}

/** A value outside of what an option takes. */
export class OptionError extends RangeError {
  override readonly name = 'OptionError'
}

/** @throws OptionError naming the option, what it takes and what it got */
export function expectBetween(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new OptionError(`${name} expects a number from ${low} to ${high}, got ${value}`)
  }
}
