import { Random } from './random.ts'

/** Rows that the axes are found from. */
const MOST_ROWS = 1024
/** Rounds of orthogonal iteration. Axes need not be exact to serve, only orthonormal. */
const ROUNDS = 5

/** Where rows are seen from: the directions in which they differ most. */
export interface PrincipalAxes {
  /** (d) the mean. */
  readonly centre: Float64Array
  /** Orthonormal directions of d values each, those of most variance first; 0 where there is none left. */
  readonly axes: readonly Float64Array[]
  /** Share of the variance that the axes hold up to each. */
  readonly shares: readonly number[]
}

/**
 * The leading principal axes of a table by orthogonal iteration on its covariance (Golub & Van Loan 2013, section
 * 8.2.4).
 *
 * @param rows row-major, n * d values
 * @param most axes to find; not more than d
 * @returns undefined where there is no variance that float64 can tell
 */
export function principalAxes(rows: Float32Array, d: number, most: number): PrincipalAxes | undefined {
  const n = rows.length / d
  const step = Math.ceil(n / MOST_ROWS)
  const count = Math.ceil(n / step)
  const centre = new Float64Array(d)
  for (let i = 0; i < n; i += step) {
    for (let j = 0; j < d; j++) centre[j]! += rows[i * d + j]! / count
  }
  const covariance = new Float64Array(d * d)
  const offset = new Float64Array(d)
  for (let i = 0; i < n; i += step) {
    for (let j = 0; j < d; j++) offset[j] = rows[i * d + j]! - centre[j]!
    for (let j = 0; j < d; j++) {
      const e = offset[j]! / count
      if (e === 0) continue
      for (let l = 0; l <= j; l++) covariance[j * d + l]! += e * offset[l]!
    }
  }
  let total = 0
  for (let j = 0; j < d; j++) {
    total += covariance[j * d + j]!
    for (let l = 0; l < j; l++) covariance[l * d + j] = covariance[j * d + l]!
  }
  const random = new Random(0)
  const axes = Array.from({ length: Math.min(d, most) }, () =>
    Float64Array.from({ length: d }, () => random.normal()),
  )
  if (!(total > 0 && total < Infinity)) return undefined
  let variances: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    variances = axes.map((axis) => {
      const image = new Float64Array(d)
      for (let j = 0; j < d; j++) {
        const a = axis[j]!
        if (a !== 0) for (let l = 0; l < d; l++) image[l]! += a * covariance[j * d + l]!
      }
      let along = 0
      for (let j = 0; j < d; j++) along += axis[j]! * image[j]!
      axis.set(image)
      return along
    })
    orthonormalize(axes)
  }
  let held = 0
  const shares = variances.map((variance) => {
    held += variance / total
    return held
  })
  return { centre, axes, shares }
}

/** Modified Gram-Schmidt, twice each ("twice is enough", Giraud, Langou & Rozloznik 2005); what is left of nothing is 0. */
function orthonormalize(axes: readonly Float64Array[]): void {
  axes.forEach((axis, i) => {
    const before = norm(axis)
    for (let pass = 0; pass < 2; pass++) {
      for (const other of axes.slice(0, i)) {
        let along = 0
        for (let j = 0; j < axis.length; j++) along += axis[j]! * other[j]!
        for (let j = 0; j < axis.length; j++) axis[j]! -= along * other[j]!
      }
    }
    const length = norm(axis)
    if (!(length > 1e-10 * before)) axis.fill(0)
    else for (let j = 0; j < axis.length; j++) axis[j]! /= length
  })
}

function norm(axis: Float64Array): number {
  let sum = 0
  for (const value of axis) sum += value * value
  return Math.sqrt(sum)
}

/** How far rows lie along axes from a centre, (n, axes.length). */
export function along(rows: Float32Array, centre: Float64Array, axes: readonly Float64Array[]): Float32Array {
  const d = centre.length
  const m = axes.length
  const out = new Float32Array((rows.length / d) * m)
  const offset = new Float64Array(d)
  for (let i = 0; i * d < rows.length; i++) {
    for (let j = 0; j < d; j++) offset[j] = rows[i * d + j]! - centre[j]!
    for (let c = 0; c < m; c++) {
      const axis = axes[c]!
      let sum = 0
      for (let j = 0; j < d; j++) sum += offset[j]! * axis[j]!
      out[i * m + c] = sum
    }
  }
  return out
}
