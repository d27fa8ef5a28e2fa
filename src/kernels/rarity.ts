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
 * the middle. Beyond all n of them it is log10(n) times the distance from the median, in units of the
 * distance of the outermost value; twice log10(n) when they are all equal.
 *
 * @param values n > 0 of them, ascending
 */
export function rarity(values: Float32Array, x: number): number {
  const n = values.length
  const above = n - countBelow(values, x, false)
  const below = countBelow(values, x, true)
  const tail = Math.min(above, below)
  if (tail > 0) return Math.max(0, -Math.log10((2 * tail) / n))
  const median = values[n >> 1]!
  const span = Math.abs((above === 0 ? values[n - 1]! : values[0]!) - median)
  return Math.log10(n + 1) * (span > 0 ? Math.abs(x - median) / span : 2)
}

/** How many of the ascending values are below x, or not above it. */
function countBelow(values: Float32Array, x: number, orEqual: boolean): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]! < x || (orEqual && values[middle] === x)) low = middle + 1
    else high = middle
  }
  return low
}
