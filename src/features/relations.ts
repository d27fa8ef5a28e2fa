/** How one column follows from others: `sum of weights[k] * (x[k] - center[k])`, 0 when it does exactly. */
export interface Relation {
  /** Index of the column explained. */
  readonly target: number
  readonly weights: readonly number[]
  readonly center: readonly number[]
}

/** Columns related at most; the cost of learning grows with the cube. */
const MOST_COLUMNS = 64
/** Complete rows needed for each column: fewer would fit noise. */
const ROWS_PER_COLUMN = 10
/** Share of a column's variance that the others must explain for the relation to say anything. */
const LEAST_EXPLAINED = 0.5
/** Ridge on the correlation matrix: keeps the inverse sound when columns repeat each other. */
const RIDGE = 1e-3

/**
 * The linear regression of every column on all others, at once: with P the inverse of the correlation
 * matrix, the residual of standardised column j is (P z)_j / P_jj, and the variance it leaves is 1 / P_jj
 * (Lauritzen, Graphical Models, 1996, eq. 5.8).
 *
 * @returns relations of those columns that the others explain by half or more
 */
export function learnRelations(columns: readonly Float64Array[]): Relation[] {
  const d = columns.length
  if (d < 2 || d > MOST_COLUMNS) return []
  const rows: number[] = []
  for (let i = 0; i < columns[0]!.length; i++) if (columns.every((c) => Number.isFinite(c[i]!))) rows.push(i)
  if (rows.length < ROWS_PER_COLUMN * d) return []
  const center = columns.map((c) => rows.reduce((sum, i) => sum + c[i]!, 0) / rows.length)
  const scale = columns.map((c, j) =>
    Math.sqrt(rows.reduce((sum, i) => sum + (c[i]! - center[j]!) ** 2, 0) / rows.length),
  )
  if (scale.some((s) => !(s > 0 && s < Number.POSITIVE_INFINITY))) return []
  const correlation = columns.map((a, j) =>
    columns.map((b, k) => {
      let sum = 0
      for (const i of rows) sum += (a[i]! - center[j]!) * (b[i]! - center[k]!)
      return sum / (rows.length * scale[j]! * scale[k]!) + (j === k ? RIDGE : 0)
    }),
  )
  const precision = inverse(correlation)
  const relations: Relation[] = []
  for (let j = 0; j < d; j++) {
    if (1 - 1 / precision[j]![j]! < LEAST_EXPLAINED) continue
    const weights = precision[j]!.map((p, k) => (p / precision[j]![j]!) * (scale[j]! / scale[k]!))
    relations.push({ target: j, weights, center })
  }
  return relations
}

/** Inverse of a symmetric positive definite matrix by Gauss–Jordan; no pivoting is needed for such. */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length
  const a = matrix.map((row, i) => [...row, ...row.map((_, k) => (k === i ? 1 : 0))])
  for (let p = 0; p < n; p++) {
    const pivot = a[p]![p]!
    for (let k = 0; k < 2 * n; k++) a[p]![k]! /= pivot
    for (let i = 0; i < n; i++) {
      const factor = a[i]![p]!
      if (i === p || factor === 0) continue
      for (let k = 0; k < 2 * n; k++) a[i]![k]! -= factor * a[p]![k]!
    }
  }
  return a.map((row) => row.slice(n))
}
