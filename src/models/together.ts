import { type Matrix, matrix } from '../kernels/matrix.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'
import type { FittedDetector } from './detector.ts'
import { scoreParallel } from './parallel.ts'

/** Scores samples: `detector.score(X)`, perhaps elsewhere or later. */
export type Score = (detector: FittedDetector, X: Matrix) => Promise<Float64Array>

/** From so many samples on, a call is as cheap as it gets. */
const ENOUGH = 64

interface Waiting {
  readonly X: Matrix
  readonly resolve: (scores: Float64Array) => void
  readonly reject: (error: unknown) => void
}

/**
 * Scores what many ask at the same moment in one call: a neighbour search or a forest takes hardly longer for sixteen
 * samples than for one. A sample's score does not depend on its company.
 */
export function scoreTogether(pool: WorkerPool): Score {
  const waiting = new Map<FittedDetector, Waiting[]>()
  const run = () => {
    const all = [...waiting]
    waiting.clear()
    for (const [detector, askers] of all) answer(detector, askers)
  }
  return (detector, X) => {
    if (X.nSamples >= ENOUGH) return scoreParallel(detector, X, pool)
    // What else has arrived is handed over before this comes round.
    if (waiting.size === 0) setImmediate(run)
    return new Promise((resolve, reject) => {
      const askers = waiting.get(detector)
      if (askers) askers.push({ X, resolve, reject })
      else waiting.set(detector, [{ X, resolve, reject }])
    })
  }
}

function answer(detector: FittedDetector, askers: readonly Waiting[]): void {
  const d = detector.featureNames.length
  const samples = askers.reduce((sum, { X }) => sum + X.nSamples, 0)
  const data = new Float32Array(samples * d)
  try {
    let at = 0
    for (const { X } of askers) {
      data.set(X.data, at)
      at += X.data.length
    }
    const scores = detector.score(matrix(data, detector.featureNames))
    let from = 0
    for (const { X, resolve } of askers) {
      resolve(scores.slice(from, from + X.nSamples))
      from += X.nSamples
    }
  } catch (error) {
    for (const { reject } of askers) reject(error)
  }
}
