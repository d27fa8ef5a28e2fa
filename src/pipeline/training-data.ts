import type { ReadReport } from '../adapters/read-report.ts'
import type { FeatureColumns } from '../features/feature-columns.ts'
import type { TrainingSummary } from '../store/model-bundle.ts'
import { AttackSigns } from './attack-signs.ts'
import { FeatureSample, sliceFeatures } from './feature-sample.ts'
import { benignCodes } from './rows.ts'
import type { PreparedBatch } from './stages.ts'

/** Rows kept of the training data; a uniform sample of this size changes no quantile that matters. */
const MOST_ROWS = 100_000
/** Devices told apart for the summary; forged addresses must not fill the memory. */
const MOST_DEVICES = 1_000_000

/** Gathers the training rows of one kind: a bounded sample of their features and what is to be said about them. */
export class TrainingData {
  readonly #sample: FeatureSample
  readonly #devices = new Set<string>()
  readonly #signs = new AttackSigns()
  #labelledBad = 0

  constructor(seed: number) {
    this.#sample = new FeatureSample(MOST_ROWS, seed)
  }

  get seen(): number {
    return this.#sample.seen
  }

  add({ batch, features }: PreparedBatch): void {
    this.#sample.add(features, batch.ts)
    if (batch.kind === 'flows') this.#signs.add(batch)
    if (batch.device && this.#devices.size < MOST_DEVICES) {
      for (const device of batch.device.values) this.#devices.add(device)
    }
    if (batch.label) {
      const benign = benignCodes(batch.label)
      for (const code of batch.label.codes) if (!benign[code]) this.#labelledBad++
    }
  }

  /** The first part `first` (0–1) of the sample in time, and what is known about where it is from. */
  finish(
    first: number,
    reports: readonly ReadReport[],
  ): {
    features: FeatureColumns
    ts: Float64Array
    about: Pick<TrainingSummary, 'sources' | 'devices' | 'warnings'> & { seen: number }
  } {
    const { features, ts } = this.#sample.finish()
    const rows = Math.ceil(features.length * first)
    return {
      features: sliceFeatures(features, 0, rows),
      ts: ts.subarray(0, rows),
      about: {
        sources: reports.map((report) => report.source),
        devices: this.#devices.size,
        warnings: [
          ...(this.#labelledBad > 0 ? [labelledBad(this.#labelledBad, this.seen)] : []),
          ...this.#signs.warnings(),
        ],
        seen: this.seen,
      },
    }
  }
}

function labelledBad(bad: number, all: number): string {
  const share = ((100 * bad) / all).toPrecision(2)
  return `${bad} of ${all} training rows (${share} %) are labelled as attacks and were learned as normal; use --benign to leave them out`
}
