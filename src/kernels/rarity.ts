import type { Matrix } from './matrix.ts'

/**
 * The values of each feature in `rows` of X, in ascending order: (nFeatures, rows.length).
 */
export function sortedValues(X: Matrix, rows: ArrayLike<number>): Float32Array {
  const n = rows.length
  const d = X.nFeatures
  const sorted = new Float32Array(d * n)
  for (let j = 0; j < d; j++) {
    const values = sorted.subarray(j * n, (j + 1) * n)
    for (let i = 0; i < n; i++) values[i] = X.data[rows[i]! * d + j]!
    values.sort()
  }
  return sorted
}

/**
 * How rare a value is beside others: -log10 of the share of them at least as far out on either side, 0 in
 * the middle. Beyond all n of them it is log10(n + 1) times the distance from the median, in units of the
 * distance of the outermost value; twice log10(n + 1) when they are all equal.
 *
 * @param values ascending in [from, to), at least one
 */
export function rarity(values: Float32Array, from: number, to: number, x: number): number {
  const n = to - from
  const below = firstAbove(values, from, to, x) - from // not above x
  const above = to - firstNotBelow(values, from, to, x) // not below x
  const tail = Math.min(above, below)
  if (tail > 0) return Math.max(0, -Math.log10((2 * tail) / n))
  const median = values[from + (n >> 1)]!
  const span = Math.abs((above === 0 ? values[to - 1]! : values[from]!) - median)
  return Math.log10(n + 1) * (span > 0 ? Math.abs(x - median) / span : 2)
}

/** Index of the first of the ascending values in [low, high) above x. */
function firstAbove(values: Float32Array, low: number, high: number, x: number): number {
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! <= x) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the first of the ascending values in [low, high) that is not below x. */
function firstNotBelow(values: Float32Array, low: number, high: number, x: number): number {
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! < x) low = middle + 1
    else high = middle
  }
  return low
}
