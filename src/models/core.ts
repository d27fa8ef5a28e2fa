import { distinctRows } from '../kernels/distinct-rows.ts'
import { type Matrix, selectRows } from '../kernels/matrix.ts'
import { IsolationForest } from './isolation-forest.ts'

/** Share of the rows that came only once and are left out: the most abnormal ones. */
const TRIMMED = 0.2

/**
 * The rows to learn what is normal from where nobody says that they are: all but the most abnormal fifth of those
 * that came only once.
 *
 * A table to be searched for its outliers has them in it. A neighbourhood or a network learns each by heart
 * and calls the next one of its kind normal; an isolation forest minds less, as it is grown on few rows, and so
 * says which rows to leave out (trimming, Rousseeuw 1985). What recurs to the digit is ordinary, however rare,
 * and stays.
 *
 * @param X (nSamples, nFeatures); given back itself when nothing is left out
 */
export function coreRows(X: Matrix, seed: number): Matrix {
  const { weights, groups } = distinctRows(X.data, X.nFeatures)
  const single: number[] = []
  for (let i = 0; i < X.nSamples; i++) if (weights[groups[i]!] === 1) single.push(i)
  const excess = Math.floor(TRIMMED * single.length)
  if (excess === 0) return X
  const scores = new IsolationForest({ seed }).fit(X).score(X)
  const left = new Uint8Array(X.nSamples)
  for (const i of single.sort((a, b) => scores[b]! - scores[a]!).slice(0, excess)) left[i] = 1
  const core: number[] = []
  for (let i = 0; i < X.nSamples; i++) if (!left[i]) core.push(i)
  return selectRows(X, core)
}
