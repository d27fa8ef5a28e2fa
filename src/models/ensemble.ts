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

/** Share of the readings that begin something in an ordinary course: only rarer news is told before all states. */
const NEWS = 0.003
/** Readings that share one recent average: so many are about one independent look at a course. */
const TOGETHER = 40
/** How far beyond the independent looks of training the tail of a state is believed. */
const REACH = 1.5

/**
 * Evidence of what the models say of a reading's state, and of what its device's past says of news, as one.
 *
 * The two are told in order: all news before all states. So news keeps its p-value, and a state has p + 0.003 (1 - p). A state
 * beyond that is told as such where training has shown enough independent looks n / 40 at its courses: its p is
 * never under their number to the power -1.5, and is doubled, as news is told there too (Bonferroni).
 *
 * @param state (rows) evidence of the models
 * @param news (rows) evidence that something begins with the row, 0 = nothing does
 * @param n rows that the models were calibrated on
 */
export function withNews(state: Float64Array, news: Float64Array, n: number): Float64Array {
  const most = REACH * Math.log10(1 + n / TOGETHER) - Math.log10(2)
  return state.map((s, i) => {
    const p = 10 ** -s
    const lasting = Math.max(-Math.log10(p + NEWS * (1 - p)), Math.min(s - Math.log10(2), most))
    return news[i]! > 0 && 10 ** -news[i]! <= NEWS ? Math.max(news[i]!, lasting) : lasting
  })
}
