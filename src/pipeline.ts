import { readBatches } from './adapters/read.ts'
import { InputError, type ReadReport } from './adapters/read-report.ts'
import { sumOfCounts } from './feedback/judge.ts'
import { WorkerPool } from './kernels/worker-pool.ts'
import { evidenceAt } from './models/calibration.ts'
import { parseAcceptedAlarms } from './pipeline/alarms.ts'
import { Engine } from './pipeline/engine.ts'
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
} from './pipeline/options.ts'
import { benignRows } from './pipeline/rows.ts'
import { Stages } from './pipeline/stages.ts'
import { Tally } from './pipeline/tally.ts'
import { pastOf } from './pipeline/trained-past.ts'
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
      const bundle = await fitBundle(features, ts, { ...fit, kind }, about, pool)
      // What came after the first part was not to be learned from.
      const past = first < 1 ? undefined : pastOf(kind, stages)
      bundles.push(past ? { ...bundle, past } : bundle)
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
  const pool = new WorkerPool(options.workers)
  try {
    const engine = new Engine(bundles, { ...options, pool })
    const noted = new Set<ModelBundle['kind']>()
    const processed = overlapped(inputs, options, bundles, reports, (batch, source) =>
      engine.process(batch, source),
    )
    for await (const { kind, bundle, threshold, ceiling, batch, scored, anomalies } of processed) {
      if (!noted.has(kind) && evidenceAt(threshold, bundle.summary.contamination) > ceiling) {
        reports[0]?.note(unreachable(kind, threshold, 10 ** -ceiling))
      }
      noted.add(kind)
      options.onBatch?.(batch)
      tally.add(scored, anomalies)
      if (anomalies.length > 0) yield anomalies
    }
    if (noted.size === 0) throw nothingRead(inputs, reports)
    for (const { kind, until } of engine.overlaps) reports[0]?.note(overlapping(kind, until))
    const { highest, thresholds } = engine
    const { incidents, leftOut: incidentsLeftOut } = engine.finish()
    return {
      ...tally.summary(),
      feedback: sumOfCounts(engine.feedback),
      adaptations: engine.adaptations,
      reports,
      threshold: Math.min(...Object.values(thresholds)),
      thresholds,
      highest,
      seconds: (performance.now() - started) / 1000,
      learning: engine.learning(),
      incidents,
      incidentsLeftOut,
    }
  } finally {
    await pool.close()
  }
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
  const pool = new WorkerPool(options.workers)
  try {
    const { after: _, ...engineOptions } = options
    const engine = new Engine(bundles, { ...engineOptions, pool })
    const scored = overlapped(inputs, options, bundles, reports, (batch, source) =>
      engine.score(batch, source),
    )
    for await (const rows of scored) evaluator.add(rows)
  } finally {
    await pool.close()
  }
  if (evaluator.rows === 0) throw nothingRead(inputs, reports)
  return evaluator.finish(reports)
}

/** Reads and works batch by batch, in order; threads score one batch while this one prepares the next. */
async function* overlapped<T>(
  inputs: Inputs,
  options: InputOptions,
  bundles: readonly ModelBundle[],
  reports: ReadReport[],
  work: (batch: Batch, source: string) => Promise<T>,
): AsyncGenerator<T> {
  const known = new KnownMetrics(bundles)
  let before: Promise<T> | undefined
  for await (const { source, batch } of batchesOf(inputs, options, reports)) {
    if (batch.length === 0) continue
    known.add(batch, source)
    const now = work(batch, source)
    // Whoever leaves early has its own error to report.
    now.catch(() => {})
    if (before) yield await before
    before = now
  }
  known.note(reports)
  if (before) yield await before
}

function overlapping(kind: string, until: number): string {
  const end = new Date(until * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return `the ${kind} begin before the end of training (${end} UTC) and go on after it: what training knew of devices was not used, they are learned again; give the later part alone to use it`
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
