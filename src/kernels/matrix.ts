/** A dense row-major table of features: sample i, feature j is `data[i * nFeatures + j]`. */
export interface Matrix {
  /** float32, `nSamples * nFeatures` entries; may lie on a SharedArrayBuffer. */
  readonly data: Float32Array
  readonly nSamples: number
  readonly nFeatures: number
  readonly featureNames: readonly string[]
}

/**
 * Makes a Matrix over `data` (not copied).
 *
 * @throws RangeError when `data.length` is not a multiple of the number of names.
 */
export function matrix(data: Float32Array, featureNames: readonly string[]): Matrix {
  const nFeatures = featureNames.length
  const nSamples = nFeatures === 0 ? 0 : data.length / nFeatures
  if (!Number.isInteger(nSamples)) {
    throw new RangeError(
      `matrix expects a multiple of ${nFeatures} values (one row a sample), got ${data.length}`,
    )
  }
  return { data, nSamples, nFeatures, featureNames }
}

/** Makes a Matrix from rows of numbers; names default to x0, x1, … */
export function matrixFromRows(
  rows: readonly (readonly number[])[],
  featureNames?: readonly string[],
): Matrix {
  const nFeatures = rows[0]?.length ?? featureNames?.length ?? 0
  const data = new Float32Array(rows.length * nFeatures)
  rows.forEach((row, i) => {
    if (row.length !== nFeatures) {
      throw new RangeError(`row ${i} has ${row.length} values, expected ${nFeatures} as in row 0`)
    }
    data.set(row, i * nFeatures)
  })
  return matrix(data, featureNames ?? Array.from({ length: nFeatures }, (_, j) => `x${j}`))
}

/** Rows `indices` of X, in that order, as a new Matrix. */
export function selectRows(X: Matrix, indices: ArrayLike<number>): Matrix {
  const d = X.nFeatures
  const data = new Float32Array(indices.length * d)
  for (let r = 0; r < indices.length; r++) {
    const from = indices[r]! * d
    data.set(X.data.subarray(from, from + d), r * d)
  }
  return matrix(data, X.featureNames)
}

/**
 * Checks that X has the features a fitted detector expects.
 *
 * @throws RangeError naming both widths.
 */
export function expectFeatures(X: Matrix, featureNames: readonly string[], who: string): void {
  if (X.nFeatures !== featureNames.length) {
    throw new RangeError(
      `${who} was fitted on ${featureNames.length} features, got a matrix with ${X.nFeatures}`,
    )
  }
}
