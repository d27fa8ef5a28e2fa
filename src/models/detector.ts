import type { Matrix } from '../kernels/matrix.ts'
import type { WorkerPool } from '../kernels/worker-pool.ts'

/** An unfitted detector with its parameters: `fit` returns a fitted thing, the detector itself never changes. */
export interface Detector {
  /** 'isolation-forest', 'lof', 'autoencoder', 'surprise'. */
  readonly name: string
  /**
   * Learns what is normal from X (nSamples, nFeatures), all values finite. X is not changed.
   * Deterministic: the same X, parameters and seed give the same bytes.
   *
   * @throws RangeError when X has no samples, no features or a non-finite value.
   */
  fit(X: Matrix): FittedDetector
  /** As `fit`, by the threads of `pool`, where that pays; the same bytes. */
  fitAsync?(X: Matrix, pool: WorkerPool): Promise<FittedDetector>
}

/** A detector that is ready to score. */
export interface FittedDetector {
  readonly name: string
  readonly featureNames: readonly string[]
  /**
   * One score a sample, higher = more abnormal.
   *
   * @param out filled and returned when given; length X.nSamples
   * @throws RangeError when X has another number of features than the training data
   */
  score(X: Matrix, out?: Float64Array): Float64Array
  /**
   * How much each feature explains of each sample's score, row-major (nSamples, nFeatures);
   * a row adds up to the part of the score that the model can attribute to features.
   */
  contributions(X: Matrix, out?: Float32Array): Float32Array
  /** The whole fitted model as one buffer: file, worker message and kernel input alike. */
  toBuffer(): ArrayBufferLike
}
