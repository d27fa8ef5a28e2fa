/**
 * Combines the evidence of several models about the same rows.
 *
 * The Cauchy combination (Liu & Xie 2020) of p-values, which keeps its level in the tail under any
 * correlation of the models; for small p it is their harmonic mean (Wilson 2019). In evidence it is a soft
 * maximum: one model that is sure is enough, three that are half sure add little, as they saw the same row.
 * `combine` works in logarithms and is exact for the harmonic mean.
 */
export function combine(
  evidence: readonly Float64Array[],
  out = new Float64Array(evidence[0]!.length),
): Float64Array {
  const models = evidence.length
  for (let i = 0; i < out.length; i++) {
    let top = evidence[0]![i]!
    for (let m = 1; m < models; m++) top = Math.max(top, evidence[m]![i]!)
    let sum = 0
    for (let m = 0; m < models; m++) sum += 10 ** (evidence[m]![i]! - top)
    out[i] = top + Math.log10(sum / models)
  }
  return out
}
