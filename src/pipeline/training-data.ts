import type { ReadReport } from '../adapters/read-report.ts'
import type { FeatureColumns, FeatureSpec } from '../features/feature-columns.ts'
import type { Dictionary } from '../schema/dictionary.ts'
import type { TrainingSummary } from '../store/model-bundle.ts'
import { AttackSigns } from './attack-signs.ts'
import { FeatureSample, keepRows } from './feature-sample.ts'
import { benignCodes } from './rows.ts'
import type { PreparedBatch } from './stages.ts'

/** Rows kept of the training data; a uniform sample of this size changes no quantile that matters. */
const MOST_ROWS = 100_000
/** Devices told apart; forged addresses must not fill the memory. */
const MOST_DEVICES = 1_000_000
/** Fewest rows left when those that look like attacks are not learned from. */
const FEWEST_LEFT = 500

/** What is known of a row beside its features; sampled with them and never seen by a model. */
const REMARKS = ['device', 'mark', 'conversation'] as const

/** The training rows in order of time, and what is known about where they are from. */
export interface TrainingRows {
  readonly features: FeatureColumns
  readonly ts: Float64Array
  readonly about: Pick<TrainingSummary, 'sources' | 'devices' | 'warnings'> & {
    readonly seen: number
    /** A number for the device of each row. */
    readonly device: Float64Array
    /** Records that each row stands for. */
    readonly weight: number
  }
}

/** Gathers the training rows of one kind: a bounded sample of their features and what is to be said about them. */
export class TrainingData {
  readonly #sample: FeatureSample
  readonly #devices = new Map<string, number>()
  readonly #signs = new AttackSigns()
  #labelledBad = 0

  constructor(seed: number) {
    this.#sample = new FeatureSample(MOST_ROWS, seed)
  }

  get seen(): number {
    return this.#sample.seen
  }

  add({ batch, features }: PreparedBatch): void {
    const none = new Float64Array(batch.length)
    const { marks, conversations } =
      batch.kind === 'flows' ? this.#signs.add(batch) : { marks: none, conversations: none }
    const device = batch.device ? this.#deviceNumbers(batch.device) : none
    this.#sample.add(
      {
        length: features.length,
        specs: [...features.specs, ...REMARKS.map(remark)],
        columns: [...features.columns, device, marks, conversations],
      },
      batch.ts,
    )
    if (batch.label) {
      const benign = benignCodes(batch.label)
      for (const code of batch.label.codes) if (!benign[code]) this.#labelledBad++
    }
  }

  /**
   * The first part `first` (0–1) of the sample in time. Where attacks are dense, rows that look like one are
   * left out, as long as enough others remain. Can be asked once.
   */
  finish(first: number, reports: readonly ReadReport[]): TrainingRows {
    const { seen } = this
    const weight = seen / Math.max(1, Math.min(seen, this.#sample.capacity))
    let sampled = this.#sample.finish(first)
    let leftOut = 0
    if (this.#signs.dense) {
      const { features, ts } = sampled
      const [mark, conversation] = [column(features, 'mark'), column(features, 'conversation')]
      const kept = Uint32Array.from(ts.keys()).filter((i) => !this.#signs.attacks(mark[i]!, conversation[i]!))
      if (kept.length >= FEWEST_LEFT) {
        leftOut = ts.length - kept.length
        sampled = keepRows(sampled, kept)
      }
    }
    const { features, ts } = sampled
    return {
      features: withoutRemarks(features),
      ts,
      about: {
        sources: reports.map((report) => report.source),
        devices: this.#devices.size,
        warnings: [
          ...(this.#labelledBad > 0 ? [labelledBad(this.#labelledBad, this.seen)] : []),
          ...this.#signs.warnings(leftOut),
        ],
        seen,
        device: column(features, 'device'),
        weight,
      },
    }
  }

  #deviceNumbers({ codes, values }: Dictionary): Float64Array {
    const numbers = values.map((name) => {
      const known = this.#devices.get(name)
      if (known !== undefined || this.#devices.size >= MOST_DEVICES) return known ?? -1
      this.#devices.set(name, this.#devices.size)
      return this.#devices.size - 1
    })
    return Float64Array.from(codes, (code) => numbers[code]!)
  }
}

function remark(name: string): FeatureSpec {
  return { name: `(${name})`, unit: '', scale: 'linear', direction: 'both', words: name }
}

function column({ specs, columns }: FeatureColumns, name: (typeof REMARKS)[number]): Float64Array {
  return columns[specs.findIndex((spec) => spec.name === `(${name})`)]!
}

function withoutRemarks({ length, specs, columns }: FeatureColumns): FeatureColumns {
  const names = new Set(REMARKS.map((name) => `(${name})`))
  const kept = specs.flatMap((spec, j) => (names.has(spec.name) ? [] : [j]))
  return { length, specs: kept.map((j) => specs[j]!), columns: kept.map((j) => columns[j]!) }
}

function labelledBad(bad: number, all: number): string {
  const share = ((100 * bad) / all).toPrecision(2)
  return `${bad} of ${all} training rows (${share} %) are labelled as attacks and were learned as normal; use --benign to leave them out`
}
