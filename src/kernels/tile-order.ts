import { partition } from './partition.ts'

/** Rows of a tile, as in simd/assembly/neighbors. */
export const tileRows = 64

/**
 * An order of rows in which every 64 following each other lie close together: halves at the median of the
 * feature that spreads most, again and again.
 *
 * @param rows row-major, n * d values
 * @returns row numbers, a permutation of [0, n)
 */
export function tileOrder(rows: Float32Array, d: number): Uint32Array {
  const n = rows.length / d
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  const keys = new Float32Array(n)
  const split = (from: number, to: number) => {
    if (to - from <= tileRows) return
    const feature = widestFeature(rows, d, order, from, to)
    if (feature === undefined) return
    for (let i = from; i < to; i++) keys[i] = rows[order[i]! * d + feature]!
    const middle = from + tileRows * Math.ceil((to - from) / tileRows / 2)
    partition(keys, order, from, to, middle)
    split(from, middle)
    split(middle, to)
  }
  split(0, n)
  return order
}

/** The feature with the largest variance among up to 64 of the rows, or undefined where they are equal. */
function widestFeature(
  rows: Float32Array,
  d: number,
  order: Uint32Array,
  from: number,
  to: number,
): number | undefined {
  const step = Math.max(1, Math.floor((to - from) / 64))
  let best: number | undefined
  let most = 0
  for (let j = 0; j < d; j++) {
    let count = 0
    let sum = 0
    let squares = 0
    const origin = rows[order[from]! * d + j]!
    for (let i = from; i < to; i += step) {
      const value = rows[order[i]! * d + j]! - origin
      count++
      sum += value
      squares += value * value
    }
    const variance = squares - (sum * sum) / count
    if (variance > most) {
      most = variance
      best = j
    }
  }
  return best
}
