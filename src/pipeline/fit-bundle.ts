import type { FeatureColumns } from '../features/feature-columns.ts'
import { FeatureSpace } from '../features/feature-space.ts'
import { type Matrix, selectRows } from '../kernels/matrix.ts'
import { Random } from '../kernels/random.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import { Autoencoder } from '../models/autoencoder.ts'
import { Calibration, evidenceAt } from '../models/calibration.ts'
import type { Detector } from '../models/detector.ts'
import { combine } from '../models/ensemble.ts'
import { IsolationForest } from '../models/isolation-forest.ts'
import { LocalOutlierFactor } from '../models/local-outlier-factor.ts'
import { scoreParallel } from '../models/parallel.ts'
import {
  type CalibratedModel,
  ensembleKey,
  type ModelBundle,
  type TrainingSummary,
} from '../store/model-bundle.ts'
import { sliceFeatures } from './feature-sample.ts'
import { type ModelChoice, modelsOf } from './options.ts'

/** Share of the training rows, the last in time, that models are calibrated on instead of fitted. */
const CALIBRATION_SHARE = 0.3
/** Fewest training rows: calibration needs 20, fitting as many again to be worth its name. */
const FEWEST_ROWS = 50
/** Below so many rows the ceiling of confidence is felt, and people are told. */
const FEW_ROWS = 500
/** Rows a model is fitted on at most; more change nothing but the time it takes. */
const MOST_FITTED = 100_000

export interface FitOptions {
  readonly kind: ModelBundle['kind']
  readonly contamination: number
  readonly model: ModelChoice
  readonly seed: number
}

function detectorsOf(choice: ModelChoice, seed: number): Detector[] {
  const make: Record<string, () => Detector> = {
    'isolation-forest': () => new IsolationForest({ seed }),
    lof: () => new LocalOutlierFactor({ seed }),
    autoencoder: () => new Autoencoder({ seed }),
  }
  return modelsOf(choice).map((name) => make[name]!())
}

/**
 * Fits the chosen models on the earlier rows and calibrates them on the later ones.
 *
 * @param features of the training rows, in order of time
 * @param ts (rows) seconds since the epoch, NaN where unknown
 * @throws RangeError for too few rows or rows that do not differ in anything
 */
export async function fitBundle(
  features: FeatureColumns,
  ts: Float64Array,
  options: FitOptions,
  about: Pick<TrainingSummary, 'sources' | 'devices' | 'warnings'> & { readonly seen: number },
  pool: WorkerPool,
): Promise<ModelBundle> {
  const n = features.length
  if (n < FEWEST_ROWS) {
    throw new RangeError(
      `training expects at least ${FEWEST_ROWS} ${options.kind}, got ${n}; give more or longer input`,
    )
  }
  const split = n - Math.max(Calibration.fewest, Math.round(n * CALIBRATION_SHARE))
  const earlier = sliceFeatures(features, 0, split)
  const space = FeatureSpace.fit(options.kind, earlier, ts.subarray(0, split))
  if (space.specs.length === 0) {
    throw new RangeError(
      `training expects ${options.kind} that differ from each other, got ${n} that are equal in every feature`,
    )
  }
  const X = limited(space.transform(earlier), options.seed)
  const later = space.transform(sliceFeatures(features, split, n))
  const models: CalibratedModel[] = []
  const evidence: Float64Array[] = []
  for (const detector of detectorsOf(options.model, options.seed)) {
    const fitted = detector.fit(X)
    const scores = await scoreParallel(fitted, later, pool)
    const calibration = Calibration.fit(scores)
    models.push({ detector: fitted, calibration })
    evidence.push(calibration.evidence(scores))
  }
  const ensembles = calibrateChoices(models, evidence)
  const finite = ts.filter(Number.isFinite)
  return {
    kind: options.kind,
    space,
    models,
    ensembles,
    summary: {
      sources: about.sources,
      rows: { seen: about.seen, fitted: X.nSamples, calibrated: n - split },
      from: finite[0] ?? null,
      to: finite.at(-1) ?? null,
      devices: about.devices,
      features: space.specs.map((spec) => spec.name),
      dropped: space.dropped,
      contamination: options.contamination,
      seed: options.seed,
      warnings: [...about.warnings, ...(n < FEW_ROWS ? [fewRows(n, n - split)] : [])],
      alarms: measuredAlarms(evidence, options.contamination),
    },
  }
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
    ensembles.set(ensembleKey(members), Calibration.fit(combined))
  }
  return ensembles
}

/**
 * Promise against measurement: the combination is calibrated on the first half of the calibration rows and its
 * alarms are counted on the second half, which is later still.
 */
function measuredAlarms(evidence: readonly Float64Array[], contamination: number): TrainingSummary['alarms'] {
  const combined = combine(evidence)
  const half = combined.length >> 1
  if (half < Calibration.fewest) return []
  const calibration = Calibration.fit(combined.subarray(0, half))
  const seen = calibration.evidence(combined.subarray(half))
  return [0.5, 0.6, 0.7, 0.8].map((threshold) => {
    const least = evidenceAt(threshold, contamination)
    return { threshold, p: 10 ** -least, measured: seen.filter((e) => e >= least).length / seen.length }
  })
}

function limited(X: Matrix, seed: number): Matrix {
  if (X.nSamples <= MOST_FITTED) return X
  return selectRows(X, new Random(seed).sample(X.nSamples, MOST_FITTED).sort())
}

function fewRows(n: number, calibrated: number): string {
  const p = 10 ** (-Calibration.reach * Math.log10(calibrated + 1))
  return `only ${n} rows to learn from, ${calibrated} of them to calibrate: no record can be given a p-value under ${p.toExponential(0)}; more benign data makes confidence surer`
}
