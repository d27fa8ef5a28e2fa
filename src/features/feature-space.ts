import { z } from 'zod'
import { type Matrix, matrix } from '../kernels/matrix.ts'
import { type Encoder, encoderSchema, shownValue } from './encoder.ts'
import type { FeatureColumns, FeatureSpec } from './feature-columns.ts'
import { learnEncoders } from './learn-encoders.ts'
import { MatrixWriter } from './matrix-writer.ts'
import { isNumeric, restoredValue } from './restore.ts'

const VERSION = 1
const spaceSchema = z.object({
  version: z.literal(VERSION),
  kind: z.enum(['flows', 'readings']),
  encoders: z.array(encoderSchema),
  dropped: z.array(z.object({ name: z.string(), reason: z.string() })),
})
type Kind = z.infer<typeof spaceSchema>['kind']

/**
 * What training made of its features: which are kept, how they are scaled, what is typical.
 *
 * A numeric feature becomes b asinh((x - median) / (s b)), s from the quartiles: near the centre that is
 * the usual robust z-score, beyond b scales it grows like a logarithm, so that one wild column neither
 * drowns the others in a distance nor loses the order of its values. A feature of which only large
 * values matter starts at its 99 % quantile and is 0 below: how busy a quiet device is from minute to
 * minute says nothing, and would tell two devices apart. A 0/1 feature stays 0/1; a code becomes its
 * rarity; metrics that follow from others add how far they are off. See
 * docs/decisions/040-features.md for what each of these is worth.
 */
export class FeatureSpace {
  readonly kind: Kind
  /** The features kept, in matrix order. */
  readonly specs: readonly FeatureSpec[]
  /** The features that are not, and why. */
  readonly dropped: readonly { readonly name: string; readonly reason: string }[]
  /** Names of the matrix columns, in order. */
  readonly featureNames: readonly string[]
  readonly #encoders: readonly Encoder[]
  #writer: { readonly specs: readonly FeatureSpec[]; readonly by: MatrixWriter } | undefined

  private constructor(kind: Kind, encoders: readonly Encoder[], dropped: FeatureSpace['dropped']) {
    this.kind = kind
    this.specs = encoders.map((e) => e.spec as FeatureSpec)
    this.featureNames = this.specs.map((s) => s.name)
    this.dropped = dropped
    this.#encoders = encoders
  }

  /**
   * Learns the space from training features.
   *
   * @param ts (columns.length) seconds since the epoch, to tell which cycles training covers; NaN = no time
   * @throws RangeError when there are no rows
   */
  static fit(kind: Kind, columns: FeatureColumns, ts: Float64Array): FeatureSpace {
    if (columns.length === 0)
      throw new RangeError('a feature space expects at least one training row, got none')
    const { encoders, dropped } = learnEncoders(kind, columns, ts)
    return new FeatureSpace(kind, encoders, dropped)
  }

  /**
   * The rows as a finite (columns.length, specs.length) matrix. Features are matched by name; one that
   * `columns` lacks counts as missing, one that training lacked is ignored.
   */
  transform(columns: FeatureColumns): Matrix {
    const data = new Float32Array(columns.length * this.#encoders.length)
    this.#writerFor(columns.specs).write(columns.columns, columns.length, data)
    return matrix(data, this.featureNames)
  }

  /** Kept for the next batch, which most often has the same features. */
  #writerFor(specs: readonly FeatureSpec[]): MatrixWriter {
    if (this.#writer?.specs !== specs) this.#writer = { specs, by: new MatrixWriter(this.#encoders, specs) }
    return this.#writer.by
  }

  /** Feature j of a row as a person knows it: a number in `specs[j].unit`, a category, or 'missing'. */
  shown(j: number, columns: FeatureColumns, row: number): number | string {
    return shownValue(this.#encoders[j]!, columns, row)
  }

  /** What training showed of feature j: its 1–99 % range as shown, or the categories of at least 1 % of rows, most frequent first. */
  typical(
    j: number,
  ): { readonly low: number; readonly high: number } | { readonly usual: readonly string[] } {
    return this.#encoders[j]!.typical
  }

  /** What the matrix value `value` of feature j stands for; undefined where that is no one value. */
  restored(j: number, value: number): number | string | undefined {
    return restoredValue(this.#encoders[j]!, value)
  }

  /** Whether feature j is a number, so that every matrix value between two is possible. */
  isNumeric(j: number): boolean {
    return isNumeric(this.#encoders[j]!)
  }

  /** Plain data for the model bundle. */
  toJSON(): unknown {
    return { version: VERSION, kind: this.kind, encoders: this.#encoders, dropped: this.dropped }
  }

  /** @throws TypeError when `json` is not what {@link toJSON} gives */
  static fromJSON(json: unknown): FeatureSpace {
    const parsed = spaceSchema.safeParse(json)
    if (!parsed.success) {
      throw new TypeError(
        `the feature space of the model is damaged or of another version, train again: ${z.prettifyError(parsed.error)}`,
      )
    }
    const { kind, encoders, dropped } = parsed.data
    return new FeatureSpace(kind, encoders, dropped)
  }
}
