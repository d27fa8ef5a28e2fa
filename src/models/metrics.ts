/** How well scores rank the positives (label 1, anomalies) above the negatives (label 0). */

/**
 * Area under the ROC curve: the chance that a random positive scores above a random negative, equal
 * scores counting half (Mann–Whitney U). NaN when there is no positive or no negative.
 *
 * @param scores (n), higher = more abnormal, no NaN
 * @param labels (n), non-zero = positive
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let seen = 0 // negatives above the current run of equal scores
  let negatives = 0
  let positives = 0
  let lost = 0 // pairs in the wrong order
  for (const run of descendingRuns(scores, labels)) {
    lost += run.positives * (seen + run.negatives / 2)
    seen += run.negatives
    positives += run.positives
    negatives += run.negatives
  }
  return 1 - lost / (positives * negatives)
}

/**
 * Average precision, the area under the precision-recall curve as scikit-learn sums it:
 * Σ (recall_k - recall_k-1) precision_k over the distinct scores. NaN when there is no positive.
 *
 * @param scores (n), higher = more abnormal, no NaN
 * @param labels (n), non-zero = positive
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let above = 0
  let hits = 0
  let sum = 0
  for (const run of descendingRuns(scores, labels)) {
    above += run.positives + run.negatives
    hits += run.positives
    sum += run.positives * (hits / above)
  }
  return sum / hits
}

/** Positives and negatives of each distinct score, the highest score first. */
function* descendingRuns(
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): Generator<{ positives: number; negatives: number }> {
  const n = scores.length
  if (labels.length !== n) throw new RangeError(`expected ${n} labels, one a score, got ${labels.length}`)
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) {
    if (Number.isNaN(scores[i])) throw new RangeError(`score ${i} is NaN`)
    order[i] = i
  }
  order.sort((a, b) => (scores[a]! < scores[b]! ? 1 : scores[a]! > scores[b]! ? -1 : 0))
  for (let i = 0; i < n; ) {
    const score = scores[order[i]!]!
    let positives = 0
    let negatives = 0
    for (; i < n && scores[order[i]!] === score; i++) {
      if (labels[order[i]!]) positives++
      else negatives++
    }
    yield { positives, negatives }
  }
}
