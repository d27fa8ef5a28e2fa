import { readBatches } from './adapters/read.ts'
import { InputError, type ReadReport } from './adapters/read-report.ts'
import { Explainer } from './anomalies/explainer.ts'
import { counter } from './anomalies/flow-evidence.ts'
import { FeedbackJudge, sumOfCounts } from './feedback/judge.ts'
import { IncidentTracker } from './incidents/incident-tracker.ts'
import { WorkerPool } from './kernels/worker-pool.ts'
import { evidenceAt } from './models/calibration.ts'
import { parseAcceptedAlarms } from './pipeline/alarms.ts'
import { type Evaluation, Evaluator } from './pipeline/evaluator.ts'
import { fitBundle } from './pipeline/fit-bundle.ts'
import { KnownMetrics } from './pipeline/known-metrics.ts'
import {
  DEFAULT_CONTAMINATION,
  type DetectOptions,
  type DetectSummary,
  type EvaluateOptions,
  expectBetween,
  type InputOptions,
  type TrainOptions,
  type TrainResult,
  thresholdOf,
} from './pipeline/options.ts'
import { benignRows } from './pipeline/rows.ts'
import { type ScoredRows, Scorer } from './pipeline/scorer.ts'
import { type PreparedBatch, Stages } from './pipeline/stages.ts'
import { Tally } from './pipeline/tally.ts'
import { TrainingData } from './pipeline/training-data.ts'
import type { Anomaly } from './schema/anomaly.ts'
import type { Batch } from './schema/reading-batch.ts'
import type { ModelBundle } from './store/model-bundle.ts'

/**
 * The whole path: bytes -> batches -> devices -> features -> scores -> evidence -> explained anomalies.
 *
 * `train` learns what is normal, `detect` tells what is not, `evaluate` compares with labels. All three read
 * their input once, batch by batch, in bounded memory.
 */

/** What to read: files, folders, `-`; or batches from elsewhere in order of time, with a name for where that is. */
export type Inputs = readonly string[] | BatchSource

export interface BatchSource {
  readonly name: string
  /** Reads it from the beginning; what is read is counted in a report of its own, pushed to `reports` first. */
  batches(reports: ReadReport[]): AsyncIterable<{ source: string; batch: Batch }>
}

function batchesOf(inputs: Inputs, options: InputOptions, reports: ReadReport[]) {
  return 'batches' in inputs ? inputs.batches(reports) : readBatches(inputs, options, reports)
}

/**
 * Learns from `inputs` what is normal: one model for flows, one for readings, as the input has them.
 *
 * @throws InputError when there is nothing to read, OptionError for an option out of its range,
 *   RangeError for too little data
 */
export async function train(inputs: Inputs, options: TrainOptions = {}): Promise<TrainResult> {
  const { contamination = DEFAULT_CONTAMINATION, model = 'all', seed = 0, first = 1 } = options
  expectBetween('contamination', contamination, 1e-6, 0.5)
  expectBetween('first', first, 1e-6, 1)
  const accepted = options.falseAlarms === undefined ? undefined : parseAcceptedAlarms(options.falseAlarms)
  const started = performance.now()
  const reports: ReadReport[] = []
  const stages = new Stages(options.local)
  const data = { flows: new TrainingData(seed), readings: new TrainingData(seed) }
  for await (const { batch } of batchesOf(inputs, options, reports)) {
    const rows = options.benign ? benignRows(batch) : batch
    if (rows.length > 0) data[rows.kind].add(stages.prepare(rows))
  }
  const pool = new WorkerPool(options.workers)
  try {
    const bundles: ModelBundle[] = []
    const fit = { contamination, model, seed, ...(accepted ? { accepted } : {}) }
    for (const kind of ['flows', 'readings'] as const) {
      if (data[kind].seen === 0) continue
      const { features, ts, about } = data[kind].finish(first, reports)
      bundles.push(await fitBundle(features, ts, { ...fit, kind }, about, pool))
    }
    if (bundles.length === 0) throw nothingRead(inputs, reports, options.benign)
    return { bundles, reports, seconds: (performance.now() - started) / 1000 }
  } finally {
    await pool.close()
  }
}

/**
 * Tells which records of `inputs` are unusual and why, batch by batch in input order; returns the counts.
 *
 * @throws InputError when nothing can be read or there is no model for this kind of data
 */
export async function* detect(
  inputs: Inputs,
  bundles: readonly ModelBundle[],
  options: DetectOptions = {},
): AsyncGenerator<readonly Anomaly[], DetectSummary> {
  if (options.threshold !== undefined) expectBetween('threshold', options.threshold, 0, 1)
  const started = performance.now()
  const reports: ReadReport[] = []
  const tally = new Tally()
  let records = 0
  const explainers = new Map<ModelBundle['kind'], Explainer>()
  const judges = new Map(bundles.map((bundle) => [bundle.kind, new FeedbackJudge(bundle.feedback)]))
  const nextIncident = counter()
  const tracker = new IncidentTracker()
  for await (const rows of scoredBatches(inputs, bundles, options, reports)) {
    const { kind, bundle, models, ceiling } = rows
    const judge = judges.get(kind)!
    let explainer = explainers.get(kind)
    if (!explainer) {
      const { contamination } = bundle.summary
      const threshold = thresholdOf(bundle, options.threshold)
      const least = evidenceAt(threshold, contamination)
      if (least > ceiling) reports[0]?.note(unreachable(kind, threshold, 10 ** -ceiling))
      explainer = new Explainer(bundle.space, models, {
        contamination,
        least,
        ceiling,
        nextIncident,
        sooner: judge,
      })
      explainers.set(kind, explainer)
    }
    options.onBatch?.(rows.batch)
    const told = withoutHistory(rows, options.after?.[kind])
    const anomalies = judge.told(explainer.explain(rows, records))
    records += rows.batch.length
    tally.add(told, anomalies)
    tracker.add(anomalies)
    if (anomalies.length > 0) yield anomalies
  }
  if (records === 0) throw nothingRead(inputs, reports)
  const highest = Math.max(0, ...[...explainers.values()].map((explainer) => explainer.highest))
  const used = bundles.filter(({ kind }) => explainers.has(kind))
  const thresholds = Object.fromEntries(used.map((b) => [b.kind, thresholdOf(b, options.threshold)]))
  const threshold = Math.min(...Object.values(thresholds))
  const { incidents, leftOut: incidentsLeftOut } = tracker.finish()
  const feedback = sumOfCounts([...judges.values()].map(({ counts }) => counts))
  const seconds = (performance.now() - started) / 1000
  return {
    ...tally.summary(),
    feedback,
    reports,
    threshold,
    thresholds,
    highest,
    seconds,
    incidents,
    incidentsLeftOut,
  }
}

/** Takes the evidence from rows up to `after`, as NaN reaches no threshold; gives the number of the others. */
function withoutHistory({ batch, combined }: ScoredBatch, after: number | undefined): number {
  if (after === undefined) return batch.length
  let told = batch.length
  for (let i = 0; i < batch.length; i++) {
    if (batch.ts[i]! > after) continue
    combined[i] = Number.NaN
    told--
  }
  return told
}

/**
 * Compares what the models say about `inputs` with their labels.
 *
 * @throws InputError when nothing can be read, nothing is labelled, or there is no model for this kind of data
 */
export async function evaluate(
  inputs: readonly string[],
  bundles: readonly ModelBundle[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  if (options.threshold !== undefined) expectBetween('threshold', options.threshold, 0, 1)
  const reports: ReadReport[] = []
  const evaluator = new Evaluator(options.threshold, options.after)
  for await (const rows of scoredBatches(inputs, bundles, options, reports)) evaluator.add(rows)
  if (evaluator.rows === 0) throw nothingRead(inputs, reports)
  return evaluator.finish(reports)
}

/** A batch with its scores and the models that made them. */
export interface ScoredBatch extends PreparedBatch, ScoredRows {
  readonly kind: ModelBundle['kind']
  readonly source: string
  readonly bundle: ModelBundle
  readonly models: Scorer['models']
  readonly ceiling: number
  nameOf(device: string): string | undefined
}

/** Reads, prepares and scores; workers score one batch while this thread prepares the next. */
async function* scoredBatches(
  inputs: Inputs,
  bundles: readonly ModelBundle[],
  options: Pick<DetectOptions, 'model'> & InputOptions,
  reports: ReadReport[],
): AsyncGenerator<ScoredBatch> {
  const pool = new WorkerPool(options.workers)
  try {
    const stages = new Stages(options.local)
    const scorers = new Map(bundles.map((b) => [b.kind, new Scorer(b, options.model, pool)]))
    const known = new KnownMetrics()
    let before: Promise<ScoredBatch> | undefined
    for await (const { source, batch } of batchesOf(inputs, options, reports)) {
      if (batch.length === 0) continue
      const scorer = scorers.get(batch.kind)
      if (!scorer) throw noModelFor(batch.kind, source, bundles)
      known.check(batch, scorer.bundle, source)
      const prepared = stages.prepare(batch)
      const { kind } = batch
      const { bundle, models, ceiling } = scorer
      const nameOf = (device: string) => stages.nameOf(device)
      const now = scorer
        .score(prepared.features)
        .then((scores) => ({ ...prepared, ...scores, kind, source, bundle, models, ceiling, nameOf }))
      // Whoever leaves early has its own error to report.
      now.catch(() => {})
      if (before) yield await before
      before = now
    }
    known.note(reports)
    if (before) yield await before
  } finally {
    await pool.close()
  }
}

function noModelFor(kind: string, source: string, bundles: readonly ModelBundle[]): InputError {
  const have = bundles.map((b) => b.kind).join(' and ') || 'none'
  return new InputError(
    `${source} has ${kind}, but the models are for ${have}; make one with \`motewatch train --input ${source}\``,
  )
}

function unreachable(kind: string, threshold: number, p: number): string {
  return `no record can reach threshold ${threshold}: the model for ${kind} learned from too little data for a p-value under ${p.toExponential(0)}; lower --threshold or train on more`
}

function nothingRead(inputs: Inputs, reports: readonly ReadReport[], benign = false): InputError {
  const [from, remedy] =
    'batches' in inputs
      ? [inputs.name, 'choose other devices or a longer time']
      : [inputs.join(', '), '`motewatch inspect` shows what is in it']
  const rejected = reports.reduce((sum, report) => sum + report.rejected, 0)
  const problem = reports.flatMap((report) => report.problems)[0]
  const what = benign ? 'benign records' : 'records'
  return new InputError(
    `${from} expects ${what}, got none${rejected > 0 ? ` (${rejected} rejected)` : ''}${
      problem ? `; first problem: ${problem.place}: ${problem.message}` : ''
    }; ${remedy}`,
  )
}
