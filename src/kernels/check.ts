import { expectFeatures, type Matrix } from './matrix.ts'

/**
 * Checks that a detector can learn from X: samples, features, every value finite.
 *
 * @throws RangeError saying what is missing or where the value stands
 */
export function expectTrainable(X: Matrix, who: string): void {
  if (X.nSamples === 0 || X.nFeatures === 0) {
    throw new RangeError(`${who} cannot learn from ${X.nSamples} samples of ${X.nFeatures} features`)
  }
  expectFinite(X, who)
}

/**
 * Checks that X can be scored by a detector fitted on `featureNames`.
 *
 * @throws RangeError naming both widths, or the place of a value that is not finite
 */
export function expectScorable(X: Matrix, featureNames: readonly string[], who: string): void {
  expectFeatures(X, featureNames, who)
  expectFinite(X, who)
}

/** Checks the length of an output array the caller may have given. */
export function expectLength(out: ArrayLike<number>, length: number, who: string): void {
  if (out.length !== length) {
    throw new RangeError(`${who} fills ${length} values, got an output of ${out.length}`)
  }
}

function expectFinite(X: Matrix, who: string): void {
  const { data, nFeatures } = X
  // An infinity or NaN has all exponent bits set: as an integer without sign it is above the largest number.
  const bits = new Int32Array(data.buffer, data.byteOffset, data.length)
  let excess = 0
  for (let k = 0; k < bits.length; k++) excess |= 0x7f7fffff - (bits[k]! & 0x7fffffff)
  if (excess >= 0) return
  const k = data.findIndex((value) => !Number.isFinite(value))
  const place = `sample ${Math.floor(k / nFeatures)}, feature ${X.featureNames[k % nFeatures]}`
  throw new RangeError(`${who} expects finite values, got ${data[k]} at ${place}`)
}
