/**
 * Counterfactuals: the smallest change of features found for anomalies of every subject - planted ones in ordinary
 * records, and records that are anomalies by themselves - is applied, and the record scored again by the models.
 * Right when it is under the default threshold. Also told: features changed on average and time for one.
 */
import { CounterfactualFinder } from '../src/anomalies/counterfactual.ts'
import { shownFeatures } from '../src/anomalies/shown-features.ts'
import { type Matrix, matrix, selectRows } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { evidenceAt } from '../src/models/calibration.ts'
import { combine } from '../src/models/ensemble.ts'
import { FittedLocalOutlierFactor } from '../src/models/local-outlier-factor.ts'
import { thresholdOf } from '../src/pipeline/options.ts'
import { ensembleKey, type ModelBundle } from '../src/store/model-bundle.ts'
import { subjects } from './subjects.ts'
import { verdict } from './verdict.ts'

/** Anomalies of a subject at most. */
const MOST = 100

export async function run(): Promise<void> {
  const pool = new WorkerPool()
  let asked = 0
  let under = 0
  let changes = 0
  let seconds = 0
  try {
    for await (const { name, bundle, features } of subjects(pool)) {
      const X = disturbed(bundle.space.transform(features))
      const least = evidenceAt(thresholdOf(bundle, undefined), bundle.summary.contamination)
      const evidence = evidenceOf(bundle, X)
      const anomalies = [...evidence.keys()].filter((i) => evidence[i]! >= least).slice(0, MOST)
      if (anomalies.length === 0) {
        console.log(`${name.padEnd(20)} no anomalies`)
        continue
      }
      const started = performance.now()
      const { space } = bundle
      const groups = shownFeatures(space).of
      const lof = bundle.models.map((m) => m.detector).find((d) => d instanceof FittedLocalOutlierFactor)!
      const finder = new CounterfactualFinder(
        lof.reference,
        groups,
        (Y) => evidenceOf(bundle, Y),
        least,
        (column) => space.isNumeric(column),
      )
      let found = 0
      let changed = 0
      for (const i of anomalies) {
        const row = selectRows(X, [i])
        const answer = finder.find(row.data, shares(bundle, row, groups))
        if (!answer) continue
        changed += answer.changed.length
        if (evidenceOf(bundle, matrix(answer.row, X.featureNames))[0]! < least) found++
      }
      const spent = (performance.now() - started) / 1000
      console.log(
        `${name.padEnd(20)} ${found} of ${anomalies.length} under the threshold, ${(changed / Math.max(1, found)).toFixed(1)} of ${Math.max(...groups) + 1} features changed, ${((1000 * spent) / anomalies.length).toFixed(1)} ms each`,
      )
      asked += anomalies.length
      under += found
      changes += changed
      seconds += spent
    }
  } finally {
    await pool.close()
  }
  const share = under / asked
  verdict({
    name: 'counterfactual',
    figure: `${(100 * share).toFixed(2)} % of ${asked} anomalies under the threshold, ${(changes / under).toFixed(1)} features changed, ${((1000 * seconds) / asked).toFixed(1)} ms each`,
    bar: '99 %',
    met: share >= 0.99,
  })
}

/** The rows, one to four values of every second one moved far. */
function disturbed(X: Matrix): Matrix {
  const random = new Random(11)
  const data = X.data.slice()
  for (let i = 0; i < X.nSamples; i += 2) {
    for (const j of random.sample(X.nFeatures, Math.min(X.nFeatures, 1 + random.int(4)))) {
      data[i * X.nFeatures + j]! += (random.float() < 0.5 ? -1 : 1) * (4 + 6 * random.float())
    }
  }
  return matrix(data, X.featureNames)
}

function evidenceOf({ models, ensembles }: ModelBundle, X: Matrix): Float64Array {
  const each = models.map(({ detector, calibration }) => calibration.evidence(detector.score(X)))
  const key = ensembleKey(models.map((m) => m.detector.name))
  return ensembles.get(key)!.evidence(combine(each))
}

/** How much each feature explains of one row: the models' contributions, each brought to sum 1. */
function shares({ models }: ModelBundle, row: Matrix, groups: Int32Array): Float64Array {
  const out = new Float64Array(Math.max(...groups) + 1)
  for (const { detector, calibration } of models) {
    const parts = detector.contributions(row)
    const total = parts.reduce((sum, part) => sum + part, 0)
    const weight = calibration.evidence(detector.score(row))[0]! / total
    parts.forEach((part, j) => {
      out[groups[j]!]! += weight * part
    })
  }
  return out
}
