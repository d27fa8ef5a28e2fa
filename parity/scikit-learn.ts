/**
 * Agreement with scikit-learn on the ADBench sets: the forest's ranking on average over seeds, LOF's
 * scores sample by sample. Both sides see the same float32 values.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, once, python, verdict } from '../bench/harness.ts'
import { type Matrix, matrix } from '../src/kernels/matrix.ts'
import { IsolationForest } from '../src/models/isolation-forest.ts'
import { LocalOutlierFactor } from '../src/models/local-outlier-factor.ts'
import { rocAuc } from '../src/models/metrics.ts'
import { sharedData } from '../test/shared-data.ts'

const seeds = 10
const folder = join(cache, 'scikit-learn')

/** One data set as the peer wrote it, and what scikit-learn makes of it. */
interface DataSet {
  readonly name: string
  readonly nFeatures: number
  /** Mean ROC AUC of its forests over the seeds. */
  readonly auc: number
}

export async function run(): Promise<void> {
  const adbench = sharedData('adbench')
  if (!adbench) {
    process.stderr.write('no ADBench sets: put their npz files into $MOTEWATCH_DATA/adbench\n')
    return
  }
  const interpreter = await python(['scikit-learn==1.9.1'])
  if (!interpreter) return
  mkdirSync(folder, { recursive: true })
  const peer = await once(interpreter, ['-c', sklearn, adbench, folder, String(seeds)])
  if (peer.code !== 0) throw new Error(`scikit-learn failed with exit code ${peer.code}`)
  const sets = JSON.parse(peer.stdout) as DataSet[]
  if (sets.length === 0) throw new Error(`no npz files in ${adbench}`)
  forests(sets)
  lofs(sets)
}

function forests(sets: readonly DataSet[]): void {
  const ours = sets.map((set) => {
    const X = readMatrix(`${set.name}.X.f32`, set.nFeatures)
    const y = readFileSync(join(folder, `${set.name}.y.u8`))
    let sum = 0
    for (let seed = 0; seed < seeds; seed++) {
      sum += rocAuc(new IsolationForest({ seed }).fit(X).score(X), y)
    }
    const auc = sum / seeds
    console.log(`  ${set.name}: forest AUC ${auc.toFixed(4)}, scikit-learn ${set.auc.toFixed(4)}`)
    return auc
  })
  const mine = mean(ours)
  const theirs = mean(sets.map((set) => set.auc))
  verdict({
    name: `forest mean ROC AUC, ${sets.length} ADBench sets, ${seeds} seeds`,
    ours: mine.toFixed(4),
    peer: 'scikit-learn',
    theirs: theirs.toFixed(4),
    ratio: mine / theirs,
    bar: 'within 0.01',
    met: Math.abs(mine - theirs) <= 0.01,
  })
}

/**
 * Samples whose 20th and 21st neighbour are equally far leave open which one counts, and every program
 * takes another; they are counted, not compared.
 */
function lofs(sets: readonly DataSet[]): void {
  let worst = 0
  let compared = 0
  let open = 0
  for (const set of sets) {
    // Distinct rows, standardised: where there are no duplicates both define the same scores.
    const X = readMatrix(`${set.name}.lof.f32`, set.nFeatures)
    const train = readMatrix(`${set.name}.train.f32`, set.nFeatures)
    const test = readMatrix(`${set.name}.test.f32`, set.nFeatures)
    const lof = new LocalOutlierFactor({ nNeighbors: 20, maxReference: Infinity })
    const own = compare(lof.trainingScores(X), readDoubles(`${set.name}.lof.f64`))
    const novelty = compare(lof.fit(train).score(test), readDoubles(`${set.name}.novelty.f64`))
    const differs = Math.max(own.worst, novelty.worst)
    const both = own.compared + novelty.compared
    const left = X.nSamples + test.nSamples - both
    console.log(
      `  ${set.name}: ${both} LOF scores differ by ${differs.toExponential(1)}, ${left} open by ties`,
    )
    worst = Math.max(worst, differs)
    compared += both
    open += left
  }
  verdict({
    name: `LOF scores, ${sets.length} ADBench sets, ${compared} compared, ${open} open by ties`,
    ours: `largest relative difference ${worst.toExponential(1)}`,
    peer: 'scikit-learn',
    theirs: '0',
    ratio: 1e-4 / worst,
    bar: '1e-4',
    met: compared > open && worst <= 1e-4,
  })
}

const sklearn = `
import glob, json, os, sys
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.metrics import roc_auc_score
adbench, folder, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
def tied(distances):
    return distances[:, 20] - distances[:, 19] <= 1e-6 * distances[:, 19]
def unclear(scores, lof, queries):
    """NaN where it is left open which samples are the 20 nearest: of the sample, or of one of its 20."""
    distances, nearest = lof.kneighbors(queries, n_neighbors=21)
    known = tied(lof.kneighbors(None, n_neighbors=21)[0])
    return np.where(tied(distances) | known[nearest[:, :20]].any(axis=1), np.nan, scores)
sets = []
for path in sorted(glob.glob(f'{adbench}/*.npz')):
    name = os.path.basename(path)[:-4]
    data = np.load(path, allow_pickle=True)
    X, y = np.ascontiguousarray(data['X'], np.float32), data['y'].astype(np.uint8).ravel()
    X.tofile(f'{folder}/{name}.X.f32')
    y.tofile(f'{folder}/{name}.y.u8')
    auc = np.mean([roc_auc_score(y, -IsolationForest(random_state=s, n_jobs=1).fit(X).score_samples(X)) for s in range(seeds)])
    scale = X.std(axis=0, dtype=np.float64)
    Z = ((X - X.mean(axis=0, dtype=np.float64)) / np.where(scale > 0, scale, 1)).astype(np.float32)
    Z = np.unique(Z, axis=0)
    Z.tofile(f'{folder}/{name}.lof.f32')
    lof = LocalOutlierFactor(n_neighbors=20).fit(Z.astype(np.float64))
    unclear(-lof.negative_outlier_factor_, lof, None).tofile(f'{folder}/{name}.lof.f64')
    # As novelty detection: one half learnt, the other scored.
    shuffled = np.random.default_rng(0).permutation(Z)
    train, test = shuffled[::2], shuffled[1::2]
    train.tofile(f'{folder}/{name}.train.f32')
    test.tofile(f'{folder}/{name}.test.f32')
    train, test = train.astype(np.float64), test.astype(np.float64)
    novelty = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(train)
    unclear(-novelty.score_samples(test), novelty, test).tofile(f'{folder}/{name}.novelty.f64')
    sets.append(dict(name=name, nFeatures=X.shape[1], auc=auc))
print(json.dumps(sets))
`

/** Relative differences from the peer's scores, which are NaN where the definition leaves them open. */
function compare(ours: Float64Array, theirs: Float64Array): { worst: number; compared: number } {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} scores beside ${theirs.length}`)
  let worst = 0
  let compared = 0
  theirs.forEach((score, i) => {
    if (Number.isNaN(score)) return
    const difference = Math.abs(ours[i]! / score - 1)
    worst = Math.max(worst, difference)
    compared++
  })
  return { worst, compared }
}

function readMatrix(file: string, nFeatures: number): Matrix {
  const data = new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer)
  return matrix(
    data,
    Array.from({ length: nFeatures }, (_, j) => `x${j}`),
  )
}

function readDoubles(file: string): Float64Array {
  return new Float64Array(new Uint8Array(readFileSync(join(folder, file))).buffer)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}
