/** The k nearest rows of each query, nearest first; equal distances in the order of the row numbers. */
export interface Neighbors {
  /** How many neighbours each query has. */
  readonly k: number
  /** Row numbers, nQueries * k. */
  readonly indices: Uint32Array
  /** Euclidean distances, nQueries * k. */
  readonly distances: Float64Array
}

/**
 * Exact Euclidean nearest neighbours by comparing every query with every row.
 *
 * @param rows row-major, n * d values
 * @param queries row-major, nQueries * d values
 * @param k neighbours wanted; fewer where there are not so many rows
 * @param leaveOut query i is row i and not its own neighbour
 */
export function nearestNeighbors(
  rows: Float32Array,
  queries: Float32Array,
  d: number,
  k: number,
  leaveOut = false,
): Neighbors {
  const n = rows.length / d
  const nQueries = queries.length / d
  const width = Math.max(0, Math.min(k, leaveOut ? n - 1 : n))
  const indices = new Uint32Array(nQueries * width)
  const distances = new Float64Array(nQueries * width)
  if (width === 0) return { k: 0, indices, distances }
  for (let q = 0; q < nQueries; q++) {
    const base = q * width
    let count = 0
    for (let r = 0; r < n; r++) {
      if (leaveOut && r === q) continue
      let sum = 0
      for (let j = 0; j < d; j++) {
        const difference = queries[q * d + j]! - rows[r * d + j]!
        sum += difference * difference
      }
      if (count === width && !(sum < distances[base + width - 1]!)) continue
      let at = count < width ? count++ : width - 1
      for (; at > 0 && distances[base + at - 1]! > sum; at--) {
        distances[base + at] = distances[base + at - 1]!
        indices[base + at] = indices[base + at - 1]!
      }
      distances[base + at] = sum
      indices[base + at] = r
    }
  }
  for (let i = 0; i < distances.length; i++) distances[i] = Math.sqrt(distances[i]!)
  return { k: width, indices, distances }
}
