/** How well scores rank the positives (label 1, anomalies) above the negatives (label 0). */

/** What alarming from one score on gives: a point of the ROC and of the precision-recall curve. */
export interface CurvePoint {
  /** Rows from this score on are alarmed. */
  readonly score: number
  /** Share of the positives among the rows alarmed; null when there are no positives. */
  readonly recall: number | null
  /** Share of the negatives alarmed; null when there are no negatives. */
  readonly falseAlarmRate: number | null
  /** Share of the rows alarmed that are positives. */
  readonly precision: number
}

/** How far a curve moves at most, in any of its shares, between two of its points. */
const STEP = 1 / 150
/** Likewise in the logarithm of the false alarm rate, for which few false alarms matter most. */
const LOG_STEP = 0.05

/** Rows in order of their scores: one sort for every measure. */
export class Ranking {
  readonly #scores: ArrayLike<number>
  /** Rows, highest score first. */
  readonly #order: Uint32Array
  readonly #labels: ArrayLike<number>

  /**
   * @param scores (n), higher = more abnormal, no NaN
   * @param labels (n), non-zero = positive
   */
  constructor(scores: ArrayLike<number>, labels: ArrayLike<number>) {
    const n = scores.length
    if (labels.length !== n) throw new RangeError(`expected ${n} labels, one a score, got ${labels.length}`)
    this.#order = new Uint32Array(n)
    for (let i = 0; i < n; i++) {
      if (Number.isNaN(scores[i])) throw new RangeError(`score ${i} is NaN`)
      this.#order[i] = i
    }
    this.#order.sort((a, b) => (scores[a]! < scores[b]! ? 1 : scores[a]! > scores[b]! ? -1 : 0))
    this.#scores = scores
    this.#labels = labels
  }

  /** See {@link rocAuc}. */
  get rocAuc(): number {
    let seen = 0 // negatives above the current run of equal scores
    let positives = 0
    let lost = 0 // pairs in the wrong order
    for (const run of this.#runs()) {
      lost += run.positives * (seen + run.negatives / 2)
      seen += run.negatives
      positives += run.positives
    }
    return 1 - lost / (positives * seen)
  }

  /** See {@link averagePrecision}. */
  get averagePrecision(): number {
    let above = 0
    let hits = 0
    let sum = 0
    for (const run of this.#runs()) {
      above += run.positives + run.negatives
      hits += run.positives
      sum += run.positives * (hits / above)
    }
    return sum / hits
  }

  /**
   * Points of the ROC and precision-recall curves, highest score first, a few hundred at most: neighbours are
   * left out that lie closer together than can be drawn.
   */
  curve(): CurvePoint[] {
    let all = 0
    for (let i = 0; i < this.#labels.length; i++) if (this.#labels[i]) all++
    const others = this.#labels.length - all
    let hits = 0
    let alarms = 0
    const points: CurvePoint[] = []
    let left: CurvePoint | undefined
    for (const { score, positives, negatives } of this.#runs()) {
      hits += positives
      alarms += positives + negatives
      const point = {
        score,
        recall: share(hits, all),
        falseAlarmRate: share(alarms - hits, others),
        precision: hits / alarms,
      }
      const before = points.at(-1)
      if (before && !apart(before, point)) {
        left = point
        continue
      }
      // The foot of a step: without it a steep rise would look like a slope.
      if (left) points.push(left)
      left = undefined
      points.push(point)
    }
    if (left) points.push(left)
    return points
  }

  /** Positives and negatives of each distinct score, the highest score first. */
  *#runs(): Generator<{ score: number; positives: number; negatives: number }> {
    const order = this.#order
    for (let i = 0; i < order.length; ) {
      const score = this.#scores[order[i]!]!
      let positives = 0
      let negatives = 0
      for (; i < order.length && this.#scores[order[i]!] === score; i++) {
        if (this.#labels[order[i]!]) positives++
        else negatives++
      }
      yield { score, positives, negatives }
    }
  }
}

/**
 * Area under the ROC curve: the chance that a random positive scores above a random negative, equal
 * scores counting half (Mann–Whitney U). NaN when there is no positive or no negative.
 *
 * @param scores (n), higher = more abnormal, no NaN
 * @param labels (n), non-zero = positive
 */
export function rocAuc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  return new Ranking(scores, labels).rocAuc
}

/**
 * Average precision, the area under the precision-recall curve as scikit-learn sums it:
 * Σ (recall_k - recall_k-1) precision_k over the distinct scores. NaN when there is no positive.
 *
 * @param scores (n), higher = more abnormal, no NaN
 * @param labels (n), non-zero = positive
 */
export function averagePrecision(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  return new Ranking(scores, labels).averagePrecision
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}

function apart(a: CurvePoint, b: CurvePoint): boolean {
  const [from, to] = [a.falseAlarmRate ?? 0, b.falseAlarmRate ?? 0]
  return (
    (b.recall ?? 0) - (a.recall ?? 0) >= STEP ||
    to - from >= STEP ||
    (to > from && (from === 0 || Math.log10(to / from) >= LOG_STEP)) ||
    Math.abs(b.precision - a.precision) >= STEP
  )
}
