/**
 * Isolation forest against scikit-learn: fit and score of 500,000 x 24 samples with 100 trees on 256
 * samples each. Each side runs in a process of its own, on one core and on all. Scores are checked to
 * agree before any time counts: two forests are random, so ours must be as close to theirs as theirs with
 * another seed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { matrix } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { IsolationForest } from '../src/models/isolation-forest.ts'
import { rocAuc } from '../src/models/metrics.ts'
import { scoreParallel } from '../src/models/parallel.ts'
import { cache, once, python, verdict } from './harness.ts'

const nSamples = 500_000
const nFeatures = 24
const folder = join(cache, 'forest')
const dataFile = join(folder, `${nSamples}x${nFeatures}.f32`)

interface Seconds {
  readonly fit: number
  readonly score: number
}

export async function run(): Promise<void> {
  const interpreter = await python(['scikit-learn==1.9.1'])
  if (!interpreter) return
  mkdirSync(folder, { recursive: true })
  const labels = makeData()
  const cores = availableParallelism()

  const ours = async (n: number): Promise<Seconds> =>
    seconds(await once(process.execPath, [import.meta.filename, String(n)], { cores: n }))
  const theirs = async (n: number): Promise<Seconds> =>
    seconds(await once(interpreter, ['-c', sklearn, dataFile, folder, String(n)], { cores: n }))

  const oneTheirs = await theirs(1)
  const oneOurs = await ours(1)
  const allTheirs = await theirs(cores)
  const allOurs = await ours(cores)

  const scores = (name: string) => new Float64Array(new Uint8Array(readFileSync(join(folder, name))).buffer)
  const [sklearn0, sklearn1] = [scores('sklearn-0.f64'), scores('sklearn-1.f64')]
  for (const n of [1, cores]) {
    const mine = scores(`ours-${n}.f64`)
    const [between, among] = [correlation(mine, sklearn0), correlation(sklearn1, sklearn0)]
    const aucs = [rocAuc(mine, labels), rocAuc(sklearn0, labels)] as const
    // Between seeds AUC and mean vary by 0.007 and 0.003 (standard deviation) on either side.
    const means = [mean(mine), mean(sklearn0)] as const
    if (
      between < among - 0.02 ||
      Math.abs(aucs[0] - aucs[1]) > 0.03 ||
      Math.abs(means[0] - means[1]) > 0.015
    ) {
      throw new Error(
        `forest scores disagree with scikit-learn: rank correlation ${between} (its own seeds ${among}), AUC ${aucs}, mean ${means}`,
      )
    }
  }

  const compare = (what: string, mine: number, peer: number, bar: number) => {
    verdict({
      name: `forest ${what}`,
      ours: `${mine.toFixed(3)} s`,
      peer: 'scikit-learn',
      theirs: `${peer.toFixed(3)} s`,
      ratio: peer / mine,
      bar: `${bar}x`,
      met: peer / mine >= bar,
    })
  }
  compare('scoring on one core', oneOurs.score, oneTheirs.score, 2.5)
  compare(`scoring on ${cores} cores`, allOurs.score, allTheirs.score, 4)
  // Neither side's fit gains from more cores.
  compare('fit on one core', oneOurs.fit, oneTheirs.fit, 8)
}

/** Correlated normal samples, every hundredth moved out in three features; returns which. */
function makeData(): Uint8Array {
  const random = new Random(1)
  const data = new Float32Array(nSamples * nFeatures)
  const labels = new Uint8Array(nSamples)
  for (let i = 0; i < nSamples; i++) {
    const common = random.normal()
    for (let j = 0; j < nFeatures; j++) data[i * nFeatures + j] = Math.SQRT1_2 * (common + random.normal())
    if (i % 100 !== 0) continue
    labels[i] = 1
    for (const j of random.sample(nFeatures, 3)) data[i * nFeatures + j]! += 4
  }
  writeFileSync(dataFile, data)
  return labels
}

const sklearn = `
import json, sys, time
import numpy as np
from sklearn.ensemble import IsolationForest
data, folder, cores = sys.argv[1], sys.argv[2], int(sys.argv[3])
X = np.fromfile(data, np.float32).reshape(-1, ${nFeatures})
def best(f, runs):
    f()
    times = []
    for _ in range(runs):
        t = time.perf_counter(); f(); times.append(time.perf_counter() - t)
    return min(times)
def forest(seed):
    return IsolationForest(n_estimators=100, max_samples=256, random_state=seed, n_jobs=cores)
model = forest(0).fit(X)
if cores == 1:
    for seed in (0, 1): (-forest(seed).fit(X).score_samples(X)).tofile(f'{folder}/sklearn-{seed}.f64')
print(json.dumps(dict(fit=best(lambda: forest(0).fit(X), 9), score=best(lambda: model.score_samples(X), 3))))
`

/** Our side, in a process of its own. */
async function measure(cores: number): Promise<void> {
  const bytes = readFileSync(dataFile)
  const data = new Float32Array(new SharedArrayBuffer(bytes.length))
  new Uint8Array(data.buffer).set(bytes)
  const X = matrix(
    data,
    Array.from({ length: nFeatures }, (_, j) => `x${j}`),
  )
  const pool = new WorkerPool(cores)
  const detector = new IsolationForest({ nEstimators: 100, maxSamples: 256, seed: 0 })
  const fitted = detector.fit(X)
  writeFileSync(join(folder, `ours-${cores}.f64`), await scoreParallel(fitted, X, pool))
  const fit = await best(() => detector.fit(X), 9)
  const score = await best(() => scoreParallel(fitted, X, pool), 3)
  console.log(JSON.stringify({ fit, score }))
  await pool.close()
}

/** Shortest of some runs after a warm-up, on either side: what else the machine does only adds to it. */
async function best(f: () => unknown, runs: number): Promise<number> {
  let shortest = Infinity
  for (let i = 0; i <= runs; i++) {
    const started = performance.now()
    await f()
    if (i > 0) shortest = Math.min(shortest, (performance.now() - started) / 1000)
  }
  return shortest
}

function seconds({ code, stdout }: { code: number; stdout: string }): Seconds {
  if (code !== 0) throw new Error(`a side of the forest bench failed with exit code ${code}`)
  return JSON.parse(stdout) as Seconds
}

/** Spearman's rank correlation. */
function correlation(a: Float64Array, b: Float64Array): number {
  const ranks = (values: Float64Array) => {
    const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i]! - values[j]!)
    const rank = new Float64Array(values.length)
    order.forEach((i, r) => {
      rank[i] = r
    })
    return rank
  }
  const [x, y] = [ranks(a), ranks(b)]
  const middle = (x.length - 1) / 2
  let product = 0
  let square = 0
  for (let i = 0; i < x.length; i++) {
    product += (x[i]! - middle) * (y[i]! - middle)
    square += (x[i]! - middle) ** 2
  }
  return product / square
}

function mean(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}

if (import.meta.main) await measure(Number(process.argv[2]))
