import { setImmediate as breath } from 'node:timers/promises'
import type { FeatureColumns } from '../features/feature-columns.ts'
import { FeatureSpace } from '../features/feature-space.ts'
import { collectGarbage } from '../kernels/garbage.ts'
import type { Matrix } from '../kernels/matrix.ts'
import { Random } from '../kernels/random.ts'
import { forgetLoads } from '../kernels/wasm.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import { Autoencoder } from '../models/autoencoder.ts'
import { Calibration } from '../models/calibration.ts'
import { coreRows } from '../models/core.ts'
import type { Detector, FittedDetector } from '../models/detector.ts'
import { combine } from '../models/ensemble.ts'
import { IsolationForest } from '../models/isolation-forest.ts'
import { LocalOutlierFactor } from '../models/local-outlier-factor.ts'
import { scoreParallel } from '../models/parallel.ts'
import { Surprise } from '../models/surprise.ts'
import {
  type CalibratedModel,
  ensembleKey,
  type ModelBundle,
  type TrainingSummary,
} from '../store/model-bundle.ts'
import type { AcceptedAlarms } from './alarms.ts'
import { fromEnd, selectFeatures, sliceFeatures, toEnd } from './feature-sample.ts'
import { type ModelChoice, modelsOf } from './options.ts'
import { doubts, measuredAlarms, promised } from './promise.ts'

/** Fewest training rows: less cannot tell one in a hundred from one in two. */
const FEWEST_ROWS = 50
/** Below so many rows the ceiling of confidence is felt, and people are told. */
const FEW_ROWS = 500

/** Most rows that a model used for calibration only is fitted on. */
const MOST_FITTED_BLOCK = 20_000

/**
 * How calibration scores come about: the first fifth of the rows in time (at least 20) is fitted on and the
 * next block scored, then both are fitted on and the block after that scored, and so on. Long input has
 * fewer, larger blocks.
 *
 * Readings are a few slow courses rather than many events: what the first blocks know of them is a glimpse, and
 * scores from it say how little was known, not how unusual later readings are. Each of their blocks is scored by
 * models of all others (block cross-validation, Burman, Chow & Nolan 1994).
 *
 * @param series whether the rows are readings in time
 * @returns first row of each scored block, then n
 */
function blockEdges(n: number, series: boolean): number[] {
  const blocks = n <= 20_000 ? 8 : 4
  const first = series ? 0 : Math.max(20, Math.round(0.2 * n))
  return Array.from({ length: blocks + 1 }, (_, k) => Math.round(first + ((n - first) * k) / blocks))
}

export interface FitOptions {
  readonly kind: ModelBundle['kind']
  readonly contamination: number
  readonly model: ModelChoice
  readonly seed: number
  /** False alarms to be promised, if any. */
  readonly accepted?: AcceptedAlarms
}

/** What is known about the training rows beside their features. */
export interface AboutRows extends Pick<TrainingSummary, 'sources' | 'devices' | 'warnings'> {
  readonly seen: number
  /** (rows) a number for each row's device; one device when left out. */
  readonly device?: Float64Array
  /** Records that each row stands for; 1 when left out. */
  readonly weight?: number
}

/** Distinct rows of the second, coarser look of LOF at plain tables. */
const COARSE = 256

/**
 * Rows without times are a plain table: not a stretch of normal operation, but something to be searched for its
 * outliers, lone ones and groups.
 */
function isTable(ts: Float64Array): boolean {
  return !ts.some(Number.isFinite)
}

function detectorsOf(choice: ModelChoice, seed: number, table: boolean): Detector[] {
  const make: Record<string, () => Detector> = {
    'isolation-forest': () => new IsolationForest({ seed }),
    lof: () => new LocalOutlierFactor({ seed, coarseReference: table ? COARSE : 0 }),
    autoencoder: () => new Autoencoder({ seed }),
  }
  return modelsOf(choice).map((name) => make[name]!())
}

/**
 * Fits the chosen models on all rows and calibrates them as they will be used: on rows later than those they
 * know. Each block of flows is scored by models fitted on the blocks before it (rolling origin, Tashman 2000),
 * so every row but the first ones says something about false alarms on unseen benign data, drift included,
 * and the finished models still know the newest rows. docs/decisions/050-anomalies.md has the measurements.
 *
 * @param features of the training rows, in order of time; moved about meanwhile, as another copy would be too large
 * @param ts (rows) likewise; seconds since the epoch, NaN where unknown
 * @throws RangeError for too few rows or rows that do not differ in anything
 */
export async function fitBundle(
  features: FeatureColumns,
  ts: Float64Array,
  options: FitOptions,
  about: AboutRows,
  pool: WorkerPool,
): Promise<ModelBundle> {
  const { kind, seed } = options
  const n = features.length
  if (n < FEWEST_ROWS) {
    throw new RangeError(
      `training expects at least ${FEWEST_ROWS} ${kind}, got ${n}; give more or longer input`,
    )
  }
  await tidy()
  const detectors = detectorsOf(options.model, seed, isTable(ts))
  const series = kind === 'readings' && !isTable(ts)
  const edges = blockEdges(n, series)
  const news = series ? features.specs.flatMap((s) => (s.scale === 'evidence' ? [s.name] : [])) : []
  if (news.length > 0) detectors.push(new Surprise(news))
  const blocks: Float64Array[][] = detectors.map(() => [])
  const scored: number[] = []
  for (let k = 0; k + 1 < edges.length; k++) {
    const [from, to] = [edges[k]!, edges[k + 1]!]
    // Those to learn from are the first ones: of flows all before the block, of readings all others.
    const others = series ? n - (to - from) : from
    if (series) toEnd([...features.columns, ts], from, to)
    const learned = sliceFeatures(features, 0, others)
    const known = await fitOn(detectors, kind, learned, ts.subarray(0, others), MOST_FITTED_BLOCK, seed, pool)
    // As long as rows do not differ in anything there is no model to score the next ones.
    if (!known && series) throw new RangeError(tooEqual(kind, to - from))
    if (known) {
      const X = known.space.transform(sliceFeatures(features, others, others + to - from))
      for (const [m, detector] of known.fitted.entries())
        blocks[m]!.push(await scoreParallel(detector, X, pool))
      scored.push(from)
    }
    if (series) fromEnd([...features.columns, ts], from, to)
    await tidy()
  }
  const final = await fitOn(detectors, kind, features, ts, n, seed, pool)
  if (!final) {
    throw new RangeError(
      `training expects ${kind} that differ from each other, got ${n} equal in every feature`,
    )
  }
  await tidy()
  const { space, fitted, fittedRows } = final
  const scores = blocks.map(joined)
  const calibrated = scores[0]!.length
  if (calibrated < Calibration.fewest) throw new RangeError(tooEqual(kind, calibrated))
  const calibrations = scores.map((s, m) =>
    detectors[m] instanceof Surprise ? Calibration.ofEvidence(calibrated) : Calibration.fit(s),
  )
  const each = calibrations.map((calibration, m) => calibration.evidence(scores[m]!))
  const ofState = detectors.length - Math.min(1, news.length)
  const evidence = { state: each.slice(0, ofState), news: each[ofState] }
  const models = fitted.map((detector, m) => ({ detector, calibration: calibrations[m]! }))
  const finite = ts.filter(Number.isFinite)
  // Blocks are skipped at the beginning only: the calibration rows are the last ones.
  const heldOut = {
    ts: ts.subarray(n - calibrated),
    device: about.device?.subarray(n - calibrated) ?? new Float64Array(calibrated),
    edges: [...scored, n].map((edge) => edge - (n - calibrated)),
    earlier: series ? null : n - calibrated,
    weight: about.weight ?? 1,
  }
  const promise = options.accepted
    ? promised(evidence, heldOut, options.accepted, options.contamination)
    : null
  return {
    kind,
    space,
    models,
    ensembles: calibrateChoices(models, each),
    summary: {
      sources: about.sources,
      rows: { seen: about.seen, fitted: fittedRows, calibrated },
      from: finite[0] ?? null,
      to: finite.at(-1) ?? null,
      devices: about.devices,
      features: space.specs.map((spec) => spec.name),
      dropped: space.dropped,
      contamination: options.contamination,
      seed,
      warnings: [
        ...about.warnings,
        ...(n < FEW_ROWS ? [fewRows(n, calibrated)] : []),
        ...(promise ? doubts(promise) : []),
      ],
      alarms: measuredAlarms(evidence, heldOut, options.contamination),
      promise,
    },
  }
}

/** Gives back what was needed so far: what comes next needs as much. */
async function tidy(): Promise<void> {
  forgetLoads()
  collectGarbage()
  // Kernels' memories go when this thread comes round next.
  await breath()
}

/** A feature space and models fitted on `features`; undefined when the rows do not differ in anything. */
async function fitOn(
  detectors: readonly Detector[],
  kind: ModelBundle['kind'],
  features: FeatureColumns,
  ts: Float64Array,
  most: number,
  seed: number,
  pool: WorkerPool,
): Promise<{ space: FeatureSpace; fitted: FittedDetector[]; fittedRows: number } | undefined> {
  const space = FeatureSpace.fit(kind, features, ts)
  if (space.specs.length === 0) return undefined
  const all = space.transform(limited(features, most, seed))
  const X = isTable(ts) ? coreRows(all, seed) : all
  const fitted: Promise<FittedDetector>[] = []
  for (const detector of detectors) {
    fitted.push(fitOne(detector, X, pool))
    // While threads work at one detector, this one fits the next; alone, it needs the memory that the last one took.
    if (pool.size > 1) continue
    await fitted.at(-1)
    await tidy()
  }
  return { space, fitted: await Promise.all(fitted), fittedRows: X.nSamples }
}

async function fitOne(detector: Detector, X: Matrix, pool: WorkerPool): Promise<FittedDetector> {
  return detector.fitAsync?.(X, pool) ?? detector.fit(X)
}

/** A calibration for each set of members that `--model` can ask for later. */
function calibrateChoices(
  models: readonly CalibratedModel[],
  evidence: readonly Float64Array[],
): Map<string, Calibration> {
  const names = models.map((m) => m.detector.name)
  const ensembles = new Map<string, Calibration>()
  for (const choice of ['both', 'all'] as const) {
    const members = modelsOf(choice)
    if (!members.every((name) => names.includes(name))) continue
    const combined = combine(members.map((name) => evidence[names.indexOf(name)]!))
    ensembles.set(ensembleKey(members), Calibration.fit(combined, 'evidence'))
  }
  return ensembles
}

function limited(features: FeatureColumns, most: number, seed: number): FeatureColumns {
  if (features.length <= most) return features
  return selectFeatures(features, new Random(seed).sample(features.length, most).sort())
}

function joined(blocks: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(blocks.reduce((sum, block) => sum + block.length, 0))
  let at = 0
  for (const block of blocks) {
    out.set(block, at)
    at += block.length
  }
  return out
}

function tooEqual(kind: string, calibrated: number): string {
  return `training expects ${kind} that differ from each other over most of the time, only ${calibrated} of them in a row do; give longer input`
}

function fewRows(n: number, calibrated: number): string {
  const p = 10 ** (-Calibration.reach * Math.log10(calibrated + 1))
  return `only ${n} rows to learn from, ${calibrated} of them to calibrate: no record can be given a p-value under ${p.toExponential(0)}; more benign data makes confidence surer`
}
