import { expectScorable } from '../kernels/check.ts'
import { type Matrix, matrix } from '../kernels/matrix.ts'
import { commonPool, shared, type WorkerPool } from '../kernels/worker-pool.ts'
import type { FittedDetector } from './detector.ts'
import { bytesOf, detectorFromBuffer } from './registry.ts'

/** Samples worth handing to a worker: a few milliseconds of any detector. */
const grain = 1024
/** Detectors a worker keeps open; a bundle has three. */
const keptOpen = 6

/** A detector as workers get it: its buffer, and a number that tells buffers apart. */
interface Posted {
  readonly model: Uint8Array
  readonly number: number
}
const posted = new WeakMap<FittedDetector, Posted>()
let count = 0

interface ScoreArgs extends Posted {
  readonly data: Float32Array
  readonly out: Float64Array
}

/**
 * Scores with the workers of `pool`: the same bytes as `detector.score(X)`. Few samples are scored on the
 * calling thread.
 *
 * @returns (nSamples), on shared memory when workers made it
 * @throws RangeError as `detector.score` does
 */
export async function scoreParallel(
  detector: FittedDetector,
  X: Matrix,
  pool: WorkerPool = commonPool(),
): Promise<Float64Array> {
  if (pool.size === 1 || X.nSamples < 2 * grain) return detector.score(X)
  // Here and not only in the workers, so that an error names the sample of X.
  expectScorable(X, detector.featureNames, detector.name)
  let post = posted.get(detector)
  if (!post) {
    post = { model: shared(bytesOf(detector)), number: count++ }
    posted.set(detector, post)
  }
  const out = new Float64Array(new SharedArrayBuffer(8 * X.nSamples))
  const args: ScoreArgs = { ...post, data: shared(X.data), out }
  await pool.run(import.meta.url, scoreSamples, args, X.nSamples, grain)
  return out
}

/** This worker's open detectors by number, the latest used last. */
const open = new Map<number, FittedDetector>()

/** The kernel: scores samples [from, to). */
export function scoreSamples({ model, number, data, out }: ScoreArgs, from: number, to: number): void {
  const detector = open.get(number) ?? detectorFromBuffer(model)
  open.delete(number)
  open.set(number, detector)
  if (open.size > keptOpen) open.delete(open.keys().next().value!)
  const d = detector.featureNames.length
  const X = matrix(data.subarray(from * d, to * d), detector.featureNames)
  detector.score(X, out.subarray(from, to))
}
