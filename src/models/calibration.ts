/**
 * What a score means: its tail probability among benign records.
 *
 * Fitted on scores of benign rows the model was NOT fitted on, later in time than those it was.
 * Three parts, from the middle of the distribution outwards:
 *
 * 1. Body, up to the tenth largest score: the empirical tail probability (count of calibration scores >= s,
 *    plus one) / (n + 1), the conformal p-value (Vovk, Gammerman & Shafer 2005). Equal scores are one step.
 * 2. Tail: a generalised Pareto distribution (Pickands 1975; used for alarms by SPOT, Siffer et al. 2017)
 *    fitted to the k = min(0.2 n, 3 sqrt n) largest scores by the estimator of Zhang & Stephens (2009), which
 *    needs no iteration and holds for ten exceedances. Its shape is drawn towards a heavy 0.5 as if by ten
 *    observations (Vehtari et al. 2015), its scale likewise towards the slope of the body, so that a small
 *    sample extrapolates carefully; the shape is never negative, as a tail with an end would call anything
 *    behind it impossible. The tail lies nowhere under the observed counts (repeated high scores).
 * 3. Ceiling: evidence of n scores is at most `reach` times log10(n + 1).
 */
export class Calibration {
  /** Most evidence a sample of n may be stretched to, in multiples of log10(n + 1). */
  static readonly reach = 4
  /** Fewest scores that say anything about a tail. */
  static readonly fewest = 20

  /** Number of scores it was fitted on. */
  readonly n: number
  /** Scores of the body, strictly increasing, and the evidence of each: -log10 of its tail probability. */
  readonly #scores: Float64Array
  readonly #evidence: Float64Array
  /** The tail behind the last body score: evidence where it starts, shape >= 0, scale > 0 in units of the score. */
  readonly #start: number
  readonly #shape: number
  readonly #scale: number

  private constructor(json: CalibrationJson) {
    this.n = json.n
    this.#scores = Float64Array.from(json.scores)
    this.#evidence = Float64Array.from(json.evidence)
    this.#start = json.start
    this.#shape = json.shape
    this.#scale = json.scale
  }

  /**
   * @param scores of benign rows, higher = more abnormal, any order
   * @throws RangeError for fewer than {@link fewest} scores or one that is not finite
   */
  static fit(scores: Float64Array): Calibration {
    const n = scores.length
    if (n < Calibration.fewest) {
      throw new RangeError(`calibration expects at least ${Calibration.fewest} scores, got ${n}`)
    }
    const sorted = scores.slice().sort()
    if (!Number.isFinite(sorted[0]!) || !Number.isFinite(sorted[n - 1]!)) {
      throw new RangeError('calibration expects finite scores, got NaN or infinity')
    }
    const pareto = fitTail(sorted)
    const body = fitBody(sorted)
    const end = body.scores.at(-1)!
    // The tail goes on from the end of the body, lowered to lie nowhere under the observed counts.
    const base = pareto.evidence(end)
    const first = upperBound(sorted, end)
    let start = Math.log10((n + 1) / (n - first + 1))
    for (let i = first; i < n; i = upperBound(sorted, sorted[i]!)) {
      start = Math.min(start, Math.log10((n + 1) / (n - i)) - (pareto.evidence(sorted[i]!) - base))
    }
    // A generalised Pareto tail beyond a point of it is one of the same shape and a larger scale.
    const scale = pareto.scale + pareto.shape * Math.max(0, end - pareto.threshold)
    return new Calibration({ n, ...body, start, shape: pareto.shape, scale })
  }

  /** The most evidence that is claimed: `reach` log10(n + 1). */
  get ceiling(): number {
    return Calibration.reach * Math.log10(this.n + 1)
  }

  /**
   * Evidence against "benign": -log10 of the tail probability, not yet limited by {@link ceiling}, so that it
   * still ranks. Never falls as the score rises.
   */
  evidence(scores: Float64Array, out = new Float64Array(scores.length)): Float64Array {
    for (let i = 0; i < scores.length; i++) out[i] = this.evidenceOf(scores[i]!)
    return out
  }

  evidenceOf(score: number): number {
    const at = this.#scores
    const last = at.length - 1
    if (score > at[last]!) {
      const tail = this.#start + paretoEvidence(score - at[last]!, this.#shape, this.#scale)
      return Math.max(this.#evidence[last]!, tail)
    }
    if (!(score > at[0]!)) return this.#evidence[0]!
    const i = lowerBound(at, score)
    const share = (score - at[i - 1]!) / (at[i]! - at[i - 1]!)
    return this.#evidence[i - 1]! + share * (this.#evidence[i]! - this.#evidence[i - 1]!)
  }

  toJSON(): CalibrationJson {
    return {
      n: this.n,
      scores: [...this.#scores],
      evidence: [...this.#evidence],
      start: this.#start,
      shape: this.#shape,
      scale: this.#scale,
    }
  }

  /** @throws TypeError when `json` was not written by {@link toJSON} */
  static fromJSON(json: unknown): Calibration {
    const c = json as CalibrationJson | null
    const sound =
      typeof c === 'object' &&
      c !== null &&
      Number.isInteger(c.n) &&
      c.n > 0 &&
      isNumbers(c.scores) &&
      isNumbers(c.evidence) &&
      c.scores.length > 0 &&
      c.scores.length === c.evidence.length &&
      isNumbers([c.start, c.shape, c.scale]) &&
      c.scale > 0
    if (!sound) {
      throw new TypeError(
        'calibration expects n, scores, evidence, start, shape and scale as `train` writes them',
      )
    }
    return new Calibration(c)
  }
}

interface CalibrationJson {
  readonly n: number
  readonly scores: readonly number[]
  readonly evidence: readonly number[]
  readonly start: number
  readonly shape: number
  readonly scale: number
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isFinite)
}

/**
 * One number for all models: `L / (L + L0)`, L the evidence, L0 = -log10 contamination.
 * 0.5 is exactly the contamination boundary.
 */
export function confidenceOf(evidence: number, contamination: number): number {
  const boundary = -Math.log10(contamination)
  return evidence <= 0 ? 0 : evidence / (evidence + boundary)
}

/** The evidence at which {@link confidenceOf} reaches `confidence`; Infinity at 1. */
export function evidenceAt(confidence: number, contamination: number): number {
  return (confidence / (1 - confidence)) * -Math.log10(contamination)
}

/** -log10 of the generalised Pareto survival function at excess y >= 0. */
function paretoEvidence(y: number, shape: number, scale: number): number {
  const z = y / scale
  return (shape < 1e-6 ? z : Math.log1p(shape * z) / shape) * Math.LOG10E
}

/** Points of the empirical curve, their tail counts in even steps of log from n down to ten. */
function fitBody(sorted: Float64Array): { scores: number[]; evidence: number[] } {
  const n = sorted.length
  const scores: number[] = []
  const evidence: number[] = []
  const steps = Math.min(n - 10, 160)
  for (let step = 0; step <= steps; step++) {
    const count = Math.round(n * (10 / n) ** (step / steps))
    const score = sorted[n - count]!
    if (score === scores.at(-1)) continue
    scores.push(score)
    evidence.push(Math.log10((n + 1) / (n - lowerBound(sorted, score) + 1)))
  }
  return { scores, evidence }
}

interface ParetoTail {
  readonly threshold: number
  readonly shape: number
  readonly scale: number
  evidence(score: number): number
}

/** The generalised Pareto tail of the largest scores; see {@link Calibration}. */
function fitTail(sorted: Float64Array): ParetoTail {
  const n = sorted.length
  const threshold = sorted[n - 1 - Math.floor(Math.min(0.2 * n, 3 * Math.sqrt(n)))]!
  const excess = sorted.subarray(upperBound(sorted, threshold)).map((s) => s - threshold)
  const k = excess.length
  const fit = zhangStephens(excess)
  // Were the tail exponential, the body would fall from the median to the threshold with this scale.
  const median = sorted[n >> 1]!
  const above = n - lowerBound(sorted, threshold)
  const slope = (threshold - median) / Math.log((0.5 * n) / above)
  const bodyScale =
    slope > 0 && Number.isFinite(slope) ? slope : fit.scale || Math.abs(threshold) * 0.05 || 1e-6
  const shape = (k * fit.shape + 10 * 0.5) / (k + 10)
  const scale = (k * fit.scale + 10 * bodyScale) / (k + 10)
  return {
    threshold,
    shape,
    scale,
    evidence: (score) => paretoEvidence(Math.max(0, score - threshold), shape, scale),
  }
}

/**
 * Shape and scale of a generalised Pareto distribution: Zhang & Stephens (2009), "A New and Efficient
 * Estimation Method for the Generalized Pareto Distribution", in the form of Vehtari et al. (2015), App. C.
 * A shape under 0 is fitted as 0, an exponential tail.
 *
 * @param y exceedances, ascending, > 0
 */
function zhangStephens(y: Float64Array): { shape: number; scale: number } {
  const n = y.length
  const mean = y.reduce((sum, v) => sum + v, 0) / Math.max(1, n)
  const exponential = { shape: 0, scale: mean }
  if (n < 5 || y[0] === y[n - 1]) return exponential
  const m = 30 + Math.floor(Math.sqrt(n))
  const quartile = y[Math.floor(n / 4 + 0.5) - 1]!
  const thetas = Float64Array.from(
    { length: m },
    (_, j) => 1 / y[n - 1]! + (1 - Math.sqrt(m / (j + 0.5))) / (3 * quartile),
  )
  const shapeAt = (theta: number) => y.reduce((sum, v) => sum + Math.log1p(-theta * v), 0) / n
  const logLikelihood = thetas.map((theta) => {
    const shape = shapeAt(theta)
    return n * (Math.log(-theta / shape) - shape - 1)
  })
  let best = -Infinity
  for (const l of logLikelihood) if (l > best) best = l
  let weights = 0
  let theta = 0
  for (let j = 0; j < m; j++) {
    const weight = Math.exp(logLikelihood[j]! - best)
    if (!(weight > 0)) continue
    weights += weight
    theta += weight * thetas[j]!
  }
  theta /= weights
  const shape = shapeAt(theta)
  const scale = -shape / theta
  return shape > 0 && scale > 0 && Number.isFinite(scale) ? { shape, scale } : exponential
}

/** First index whose value is >= x. */
function lowerBound(sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (sorted[mid]! < x) low = mid + 1
    else high = mid
  }
  return low
}

/** First index whose value is > x. */
function upperBound(sorted: Float64Array, x: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const mid = (low + high) >> 1
    if (sorted[mid]! <= x) low = mid + 1
    else high = mid
  }
  return low
}
