/**
 * What a score means: its tail probability among benign records.
 *
 * Fitted on scores of benign rows the model was NOT fitted on, later in time than those it was.
 * Three parts, from the middle of the distribution outwards:
 *
 * 1. Body, up to the tenth largest score: the empirical tail probability (count of calibration scores >= s,
 *    plus one) / (n + 1), the conformal p-value (Vovk, Gammerman & Shafer 2005). Equal scores are one step.
 * 2. Tail: exponential in a scale on which benign scores spread evenly, its rate the mean excess of the
 *    k = min(0.2 n, 3 sqrt n) largest (Hill 1975), drawn towards a prior as if by ten observations, so that a
 *    small sample extrapolates carefully. For the scores of a model that scale is log(1 + (s - median) / spread),
 *    spread the distance from the median to the 90 % quantile: a Pareto tail, as errors and distance ratios
 *    have no unit to fall off in. Evidence, which is a logarithm already, is taken as it is. The tail lies
 *    nowhere under the observed counts (repeated high scores).
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
   * @param of what the scores are: of a model, or combined evidence
   * @throws RangeError for fewer than {@link fewest} scores or one that is not finite
   */
  static fit(scores: Float64Array, of: 'scores' | 'evidence' = 'scores'): Calibration {
    const n = scores.length
    if (n < Calibration.fewest) {
      throw new RangeError(`calibration expects at least ${Calibration.fewest} scores, got ${n}`)
    }
    const sorted = scores.slice().sort()
    if (!Number.isFinite(sorted[0]!) || !Number.isFinite(sorted[n - 1]!)) {
      throw new RangeError('calibration expects finite scores, got NaN or infinity')
    }
    const body = fitBody(sorted)
    const end = body.scores.at(-1)!
    const tail = of === 'scores' ? paretoTail(sorted, end) : exponentialTail(sorted)
    // The tail goes on from the end of the body, lowered to lie nowhere under the observed counts.
    const first = upperBound(sorted, end)
    let start = Math.log10((n + 1) / (n - first + 1))
    for (let i = first; i < n; i = upperBound(sorted, sorted[i]!)) {
      const beyond = tailEvidence(sorted[i]! - end, tail.shape, tail.scale)
      start = Math.min(start, Math.log10((n + 1) / (n - i)) - beyond)
    }
    return new Calibration({ n, ...body, start, ...tail })
  }

  /** Of scores that are evidence already, told by n rows. */
  static ofEvidence(n: number): Calibration {
    return new Calibration({ n, scores: [0], evidence: [0], start: 0, shape: 0, scale: Math.LOG10E })
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
      const tail = this.#start + tailEvidence(score - at[last]!, this.#shape, this.#scale)
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
 * One number for all models: `contamination / (contamination + p)`, p = 10^-evidence. Were a share
 * `contamination` of all records anomalies, it is the share of anomalies among those that look at least this
 * unusual (one minus the false discovery rate). 0.5 is exactly the contamination boundary.
 */
export function confidenceOf(evidence: number, contamination: number): number {
  return contamination / (contamination + 10 ** -evidence)
}

/** The evidence at which {@link confidenceOf} reaches `confidence`; Infinity at 1, -Infinity at 0. */
export function evidenceAt(confidence: number, contamination: number): number {
  return -Math.log10((contamination * (1 - confidence)) / confidence)
}

/** -log10 of the generalised Pareto survival function at excess y >= 0; shape 0 is exponential. */
function tailEvidence(y: number, shape: number, scale: number): number {
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

/** Observations that the prior of a tail counts for. */
const PRIOR = 10
/** Mean log excess where nothing is known: ten times the distance, 1/300 of the probability. */
const PRIOR_SHAPE = 0.4

interface Tail {
  readonly shape: number
  readonly scale: number
}

/** Scores over which tails are fitted: about min(0.2 n, 3 sqrt n). */
function tailThreshold(sorted: Float64Array): number {
  const n = sorted.length
  return sorted[n - 1 - Math.floor(Math.min(0.2 * n, 3 * Math.sqrt(n)))]!
}

/**
 * Mean log excess of the largest scores over the median, in units of the spread. Beyond `end` that is a
 * generalised Pareto tail of this shape.
 */
function paretoTail(sorted: Float64Array, end: number): Tail {
  const n = sorted.length
  const median = sorted[n >> 1]!
  const high = sorted[Math.floor(0.9 * n)]!
  // Equal scores have no spread; a twentieth of their size keeps small differences small.
  const spread = Math.max(high - median, 0.05 * Math.abs(high), 1e-9)
  const threshold = tailThreshold(sorted)
  const distance = Math.max(0, threshold - median) + spread
  let sum = PRIOR * PRIOR_SHAPE
  const first = upperBound(sorted, threshold)
  for (let i = first; i < n; i++) sum += Math.log1p((sorted[i]! - threshold) / distance)
  const shape = sum / (n - first + PRIOR)
  return { shape, scale: shape * (Math.max(0, end - median) + spread) }
}

/** Mean excess of the largest values; prior: the slope from the median to them. */
function exponentialTail(sorted: Float64Array): Tail {
  const n = sorted.length
  const threshold = tailThreshold(sorted)
  const median = sorted[n >> 1]!
  const slope = (threshold - median) / Math.log((0.5 * n) / (n - lowerBound(sorted, threshold)))
  let sum = PRIOR * (slope > 0 && Number.isFinite(slope) ? slope : Math.LOG10E)
  const first = upperBound(sorted, threshold)
  for (let i = first; i < n; i++) sum += sorted[i]! - threshold
  return { shape: 0, scale: sum / (n - first + PRIOR) }
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
