import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Matrix, selectRows } from '../src/kernels/matrix.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { LocalOutlierFactor } from '../src/models/local-outlier-factor.ts'
import { scoreParallel } from '../src/models/parallel.ts'
import { cache, once, python } from './harness.ts'

const folder = join(cache, 'lof')
const peer = join(import.meta.dirname, 'lof-peer.py')

/** What LOF gave and took. */
export interface LofRun {
  readonly seconds: number
  /** Time of all processors together, which other work on the machine hardly changes. */
  readonly processorSeconds: number
  readonly scores: Float64Array
}

/** LOF by scikit-learn on the same matrices, all cores; undefined where it cannot run. */
export async function peerLof(train: Matrix, test: Matrix, runs: number): Promise<LofRun | undefined> {
  const interpreter = await python(['scikit-learn==1.9.1'])
  if (!interpreter) return undefined
  mkdirSync(folder, { recursive: true })
  const [a, b, out] = ['train.f32', 'test.f32', 'scores.f64'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(a, train.data)
  writeFileSync(b, test.data)
  const { stdout, code } = await once(interpreter, [peer, a, b, String(train.nFeatures), String(runs), out])
  if (code !== 0) return undefined
  const bytes = readFileSync(out)
  const scores = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  const [seconds, processorSeconds] = stdout.split(' ').map(Number) as [number, number]
  return { seconds, processorSeconds, scores }
}

/** Our LOF, every distinct row kept, all cores: the fastest of `runs` after a warm-up on 2,000 rows. */
export async function ourLof(train: Matrix, test: Matrix, runs: number): Promise<LofRun> {
  const pool = new WorkerPool()
  const fitAndScore = async (X: Matrix, Y: Matrix) => {
    const fitted = await new LocalOutlierFactor({ maxReference: Infinity }).fitAsync(X, pool)
    return scoreParallel(fitted, Y, pool)
  }
  try {
    const few = Array.from({ length: Math.min(2000, train.nSamples, test.nSamples) }, (_, i) => i)
    await fitAndScore(selectRows(train, few), selectRows(test, few))
    let scores: Float64Array = new Float64Array(0)
    let seconds = Infinity
    let processorSeconds = Infinity
    for (let run = 0; run < runs; run++) {
      const started = performance.now()
      const before = process.cpuUsage()
      scores = await fitAndScore(train, test)
      const used = process.cpuUsage(before)
      seconds = Math.min(seconds, (performance.now() - started) / 1000)
      processorSeconds = Math.min(processorSeconds, (used.user + used.system) / 1e6)
    }
    return { seconds, processorSeconds, scores }
  } finally {
    await pool.close()
  }
}

/** Says what both took of the processors. */
export function tellProcessorTime(ours: LofRun, peer: LofRun): void {
  const ratio = peer.processorSeconds / ours.processorSeconds
  console.log(
    `processor time ${ours.processorSeconds.toFixed(2)} s vs scikit-learn ${peer.processorSeconds.toFixed(2)} s, ratio ${ratio.toFixed(2)}`,
  )
}

/** Largest relative difference of two lists of scores. */
export function largestDifference(a: Float64Array, b: Float64Array): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} scores against ${b.length}`)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!) / Math.abs(b[i]!)), 0)
}
