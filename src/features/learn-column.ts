import { Random } from '../kernels/random.ts'
import { isMissing } from './encoder.ts'

/** Rows looked at for quantiles; more would not change them visibly. */
const QUANTILE_ROWS = 50_000

/** What training showed of one feature. Everything but `missing` is about the finite values; 0 when there are none. */
export interface ColumnSummary {
  readonly n: number
  /** Share of rows without a value, of those whose device is known well enough to have one. */
  readonly missing: number
  readonly min: number
  readonly max: number
  /** 1 %, 25 %, 50 %, 75 % and 99 % quantiles. */
  readonly quantiles: readonly [number, number, number, number, number]
  readonly std: number
  /** Whether only the values 0 and 1 occur. */
  readonly binary: boolean
}

/** Summarises a column; a value that is not finite counts as missing. */
export function summarise(column: Float64Array): ColumnSummary {
  let n = 0
  let none = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let mean = 0
  let m2 = 0
  let binary = true
  for (let i = 0; i < column.length; i++) {
    const x = column[i]!
    if (!Number.isFinite(x)) {
      if (isMissing(x)) none++
      continue
    }
    n++
    if (x < min) min = x
    if (x > max) max = x
    if (x !== 0 && x !== 1) binary = false
    const delta = x - mean
    mean += delta / n
    m2 += delta * (x - mean)
  }
  const missing = n + none === 0 ? 1 : none / (n + none)
  if (n === 0) return { n, missing, min: 0, max: 0, quantiles: [0, 0, 0, 0, 0], std: 0, binary: false }
  const sorted = min === max ? Float64Array.of(min) : sample(column).sort()
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.round(q * (sorted.length - 1)))]!
  return {
    n,
    missing,
    min,
    max,
    quantiles: [at(0.01), at(0.25), at(0.5), at(0.75), at(0.99)],
    // Values near the end of what a number can hold overflow it; then it says nothing.
    std: Number.isFinite(m2) ? Math.sqrt(m2 / n) : 0,
    binary,
  }
}

/** Up to QUANTILE_ROWS finite values; a random sample, so that a period in the data cannot bias it. */
function sample(column: Float64Array): Float64Array {
  if (column.length <= QUANTILE_ROWS) return column.filter((x) => Number.isFinite(x))
  const random = new Random(column.length)
  const out = new Float64Array(QUANTILE_ROWS)
  let k = 0
  for (let tries = 0; k < QUANTILE_ROWS && tries < 4 * QUANTILE_ROWS; tries++) {
    const x = column[random.int(column.length)]!
    if (Number.isFinite(x)) out[k++] = x
  }
  // Hardly any finite values: then all of them are few enough to take.
  return k === QUANTILE_ROWS ? out : column.filter((x) => Number.isFinite(x))
}
