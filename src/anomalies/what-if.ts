import type { FeatureSpace } from '../features/feature-space.ts'
import type { Matrix } from '../kernels/matrix.ts'
import type { Anomaly, Counterfactual, CounterfactualChange } from '../schema/anomaly.ts'
import { Recent, type RecentEntries } from '../schema/recent.ts'
import { CounterfactualFinder } from './counterfactual.ts'
import type { ShownFeature } from './shown-features.ts'
import { humanise } from './units.ts'

/** Incidents whose strongest row is remembered. */
const MOST_ROWS = 2000
/** Incidents that are answered at first sight: as long as there were no more than so many, and one in so many records. */
const FIRST = 10
const RECORDS = 5000

/** Changes told in the sentence. */
const TOLD = 3

/** What is needed to tell how a record would have been ordinary. */
export interface WhatIfModels {
  /** Normal rows, such as the reference of LOF. */
  readonly rows: Matrix
  /** What the models say about rows, as `detect` does. */
  evidenceOf(X: Matrix): Float64Array
}

/** The row behind an anomaly. */
interface Row {
  readonly record: number
  readonly p: number
  readonly x: Float32Array
  readonly shares: Float64Array
}

/** What is remembered of incidents, for {@link WhatIf.restore}. */
export interface WhatIfState {
  readonly met: number
  readonly strongest: RecentEntries<number, Row>
}

/**
 * Tells what would have had to be different for a record to be ordinary: of the first anomaly of each incident when
 * it comes, of the strongest when it is asked for. Both are bounded in number, as each costs a few hundred scores.
 */
export class WhatIf {
  readonly #space: FeatureSpace
  readonly #shown: readonly ShownFeature[]
  readonly #of: Int32Array
  readonly #models: WhatIfModels
  readonly #least: number
  /** Undefined until it is needed; null when no training row is ordinary enough. */
  #finder: CounterfactualFinder | null | undefined
  readonly #strongest = new Recent<number, Row>(MOST_ROWS)
  /** Highest id of an incident so far: one above it is new. */
  #met = 0

  /**
   * @param of matrix column -> index into `shown`
   * @param least evidence from which a row is an anomaly
   */
  constructor(
    space: FeatureSpace,
    shown: readonly ShownFeature[],
    of: Int32Array,
    models: WhatIfModels,
    least: number,
  ) {
    this.#space = space
    this.#shown = shown
    this.#of = of
    this.#models = models
    this.#least = least
  }

  /** All that is remembered; not copied. */
  save(): WhatIfState {
    return { met: this.#met, strongest: this.#strongest.save() }
  }

  restore({ met, strongest }: WhatIfState): void {
    this.#met = met
    this.#strongest.restore(strongest)
  }

  /**
   * Takes note of an anomaly; the answer when it is the first of its incident.
   *
   * @param x (nFeatures) its matrix row
   * @param shares (shown features) share of each in its evidence
   */
  meet(anomaly: Anomaly, x: Float32Array, shares: Float64Array): Counterfactual | undefined {
    const { incident, p_value: p, record } = anomaly
    const before = this.#strongest.get(incident)
    const first = incident > this.#met
    if (first) this.#met = incident
    if (before && before.p <= p) return undefined
    const row = { record, p, x: x.slice(), shares: shares.slice(0, this.#shown.length) }
    this.#strongest.set(incident, row)
    return first && incident <= FIRST + record / RECORDS ? this.#answer(anomaly, row) : undefined
  }

  /** The answer for the strongest anomaly of an incident; undefined when it is not remembered or there is none. */
  strongest(anomaly: Anomaly): Counterfactual | undefined {
    if (anomaly.counterfactual) return anomaly.counterfactual
    const row = this.#strongest.get(anomaly.incident)
    return row?.record === anomaly.record ? this.#answer(anomaly, row) : undefined
  }

  #answer(anomaly: Anomaly, { x, shares }: Row): Counterfactual | undefined {
    const found = this.#find()?.find(x, shares)
    if (!found) return undefined
    const changes = found.changed.map((f) => this.#change(f, anomaly, x, found.row))
    const texts = changes.map((change, k) => changeText(change, this.#shown[found.changed[k]!]!.spec.words))
    const more = texts.length - TOLD
    const told = [
      ...texts.slice(0, TOLD),
      ...(more > 0 ? [`${more} more ${more === 1 ? 'value' : 'values'} of an ordinary record`] : []),
    ]
    return { changes, description: `It would have been ordinary with ${told.join('; ')}.` }
  }

  #find(): CounterfactualFinder | null {
    if (this.#finder === undefined) {
      const { rows, evidenceOf } = this.#models
      const space = this.#space
      try {
        this.#finder = new CounterfactualFinder(
          rows,
          this.#of,
          evidenceOf,
          this.#least,
          space.isNumeric.bind(space),
        )
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        this.#finder = null
      }
    }
    return this.#finder
  }

  #change(f: number, anomaly: Anomaly, x: Float32Array, row: Float32Array): CounterfactualChange {
    const { name, spec } = this.#shown[f]!
    const told = anomaly.affected_features.find((a) => a.feature === name)
    const value = told?.value ?? this.#restored(f, x) ?? 'one never seen'
    const ordinary = this.#restored(f, row) ?? this.#usual(f)
    const ordered = typeof value === 'number' && typeof ordinary === 'number' && !spec.cycle
    const bound = ordered ? (ordinary < value ? ('at most' as const) : ('at least' as const)) : undefined
    return { feature: name, value, ordinary, unit: spec.unit, ...(bound ? { bound } : {}) }
  }

  /** The value of a feature in a matrix row, as a person knows it. */
  #restored(f: number, row: Float32Array): number | string | undefined {
    const { spec, column } = this.#shown[f]!
    const columns = [...this.#of.keys()].filter((j) => this.#of[j] === f)
    if (spec.group !== undefined) {
      const member = columns.find((j) => row[j] === 1)
      return member === undefined ? undefined : this.#space.specs[member]!.category
    }
    if (spec.cycle) {
      const [sin, cos] = columns.map((j) => Number(this.#space.restored(j, row[j]!)))
      return ((Math.atan2(sin!, cos!) / (2 * Math.PI) + 1) % 1) * (spec.cycle === 'day' ? 24 : 7)
    }
    return this.#space.restored(column, row[column]!)
  }

  /** What training showed, for a value that cannot be told back from the matrix. */
  #usual(f: number): number | string {
    const typical = this.#space.typical(this.#shown[f]!.column)
    return 'high' in typical ? typical.high : typical.usual.slice(0, 3).join(', ')
  }
}

/** Units of which the words name what is counted. */
const COUNTED = new Set(['flows', 'contacts', 'destinations', 'ports'])

/** `at most 12 connections to this destination in 1 min (had 4,812)` */
function changeText({ value, ordinary, unit, bound }: CounterfactualChange, words: string): string {
  const text = (v: number | string, its: string) =>
    typeof v === 'number' ? humanise(v, its) : v === '' ? 'unset' : v
  if (COUNTED.has(unit) && bound) {
    const most = ordinary === 0 ? 'no' : `${bound} ${text(ordinary, '')}`
    return `${most} ${words} (had ${text(value, '')})`
  }
  return `${words}: ${bound ? `${bound} ` : ''}${text(ordinary, unit)} (had ${text(value, unit)})`
}
