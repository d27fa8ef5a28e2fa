import { DecayTable, type TableState } from '../features/decay-table.ts'
import type { Matrix } from '../kernels/matrix.ts'
import type { Undo } from '../schema/undo.ts'

/** How far what is normal may be followed in a day, and in all unless a person allows more; matrix units, about standard deviations. */
export const DRIFT_A_DAY = 0.2
export const MOST_DRIFT = 2
export const DAY = 86_400
/** Seconds over which records are remembered. */
const MEMORY = 1.5 * DAY
/** Seconds, and records, from which a first normal is known; and records lately from which a later one is. */
const SETTLING = 2 * DAY
const FEWEST = 100
const FEWEST_LATELY = 50
/**
 * How far from the normal so far a record counts at most. So small that the mean of what counts is nearly a median (Huber
 * 1964): a few records that are pushed do not take it along, however far.
 */
const FAR = 0.5
/** Steps smaller than this are chance. */
const LEAST_STEP = 0.03
/** Normals remembered; those unused for longest make room. */
const MOST_NORMALS = 1 << 16
/** In place of a count: the first normal is known. */
const SETTLED = -1

/** By how much the values of a column moved in a step. */
export interface ColumnStep {
  /** Place among the followed columns. */
  readonly f: number
  /** What was normal at first, and how far that is followed, before and after; matrix units. */
  readonly first: number
  readonly from: number
  readonly to: number
}

/**
 * What is normal for each device (and each service of it) in the numeric columns of the matrix: the mean of its first days,
 * by how much that has been moved since, step by step, a day apart, and how far the last days are off.
 * Bounded memory; everything depends on event time and the order of records alone.
 */
export class Normals {
  readonly #columns: readonly number[]
  readonly #table: DecayTable
  /** Places in the table: records and sums of deviations, which fade; then plain values. */
  readonly #stepped: number
  readonly #begun: number
  readonly #known: number
  readonly #first: number
  readonly #moved: number

  /** @param columns of the matrix that are followed */
  constructor(columns: readonly number[]) {
    const n = columns.length
    this.#columns = columns
    this.#stepped = n + 1
    this.#begun = n + 2
    this.#known = n + 3
    this.#first = n + 4
    this.#moved = 2 * n + 4
    this.#table = new DecayTable(MOST_NORMALS, Array<number>(n + 1).fill(MEMORY), 2 * n + 3)
  }

  /** The slot of a normal, valid until the next call; -1 where there is none and `claim` is not set. */
  slot([low, high]: readonly [number, number], claim: boolean, undo: Undo | undefined): number {
    if (!claim && this.#table.look(low, high) < 0) return -1
    return this.#table.slot(low, high, undo)
  }

  /**
   * Makes the step of the day `day` (days since the epoch) where it was not made yet.
   *
   * @param most how far the normal may be followed in all
   * @returns columns that moved
   */
  step(slot: number, day: number, most: number): readonly ColumnStep[] {
    const table = this.#table
    if (table.last(slot) === Number.NEGATIVE_INFINITY || table.get(slot, this.#stepped) >= day) return []
    table.set(slot, this.#stepped, day)
    const known = table.get(slot, this.#known)
    if (known !== SETTLED) {
      if (known >= FEWEST && day * DAY - table.get(slot, this.#begun) >= SETTLING) this.#settle(slot, known)
      return []
    }
    const records = table.get(slot, 0)
    // As many as are left at the beginning of the day, whichever record asks first.
    if (records * Math.exp(-Math.max(0, day * DAY - table.last(slot)) / MEMORY) < FEWEST_LATELY) return []
    const steps: ColumnStep[] = []
    for (let f = 0; f < this.#columns.length; f++) {
      const from = table.get(slot, this.#moved + f)
      const off = table.get(slot, 1 + f) / records
      const to = clamp(from + clamp(off, DRIFT_A_DAY), most)
      if (Math.abs(to - from) < LEAST_STEP) continue
      table.set(slot, this.#moved + f, to)
      // What is remembered was off by that much more than it would be now.
      table.set(slot, 1 + f, (off - (to - from)) * records)
      steps.push({ f, first: table.get(slot, this.#first + f), from, to })
    }
    return steps
  }

  #settle(slot: number, known: number): void {
    for (let f = 0; f < this.#columns.length; f++) {
      this.#table.set(slot, this.#first + f, this.#table.get(slot, this.#first + f) / known)
    }
    this.#table.set(slot, this.#known, SETTLED)
  }

  /** Learns from row i of X, an ordinary record of time `ts`. */
  learn(slot: number, X: Matrix, i: number, ts: number, day: number): void {
    const table = this.#table
    if (table.last(slot) === Number.NEGATIVE_INFINITY) {
      table.set(slot, this.#begun, ts)
      table.set(slot, this.#stepped, day)
    }
    const late = table.advance(slot, ts)
    const settled = table.get(slot, this.#known) === SETTLED
    if (settled) table.add(slot, 0, 1, late)
    else table.set(slot, this.#known, table.get(slot, this.#known) + 1)
    for (let f = 0; f < this.#columns.length; f++) {
      const value = X.data[i * X.nFeatures + this.#columns[f]!]!
      const first = table.get(slot, this.#first + f)
      if (settled) table.add(slot, 1 + f, clamp(value - first - table.get(slot, this.#moved + f), FAR), late)
      else table.set(slot, this.#first + f, first + value)
    }
  }

  /**
   * Writes by how much each followed column is moved, at most by `limit`, rounded as matrix values are.
   *
   * @returns whether any is
   */
  moved(slot: number, limit: number, out: Float64Array): boolean {
    let any = false
    for (let f = 0; f < out.length; f++) {
      out[f] = Math.round(10 * clamp(this.#table.get(slot, this.#moved + f), limit)) / 10
      any ||= out[f] !== 0
    }
    return any
  }

  save(): TableState {
    return this.#table.save()
  }

  /** @throws RangeError when it is the state of other columns */
  restore(state: TableState): void {
    this.#table.restore(state)
  }
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value))
}
