/** Metrics of a device that are related at most, and the terms of the hour of the day beside them. */
export const MOST_RELATED = 12
const HOURS = 4
const DAY = 86_400
/** Share of a new reading in what is learned: about 5000 readings, some days at one a minute. */
const SLOW = 0.0002
/** Readings a variable before anything is expected, and days before the hour counts. */
const READINGS = 15
const DAYS = 2
/** Ridge on the correlation matrix, and on the terms of the hour while they are not used. */
const RIDGE = 1e-3
const UNUSED = 1e3
/** A reading counts as if at most so many spreads off: what is learned cannot be pushed quickly. */
const LIMIT = 4
/** Share of a new reading in the recent average of what is not explained. */
const RECENT = 0.05
/** Variance that such an average of nothing but rounding is given. */
const FLOOR = 0.01
/** Differences below this share of the value are none. */
const RELATIVE_FLOOR = 1e-4

/** Number of values that is remembered of d metrics: readings, time of the first, means, covariances, averages, their variances. */
export function expectationValues(d: number): number {
  const v = d + HOURS
  return 2 + v + v * v + 2 * d
}

/**
 * What the metrics of one device should be, by each other and by the hour of the day: the linear regression of each on
 * all others, kept up to date with every reading. With P the inverse of the correlation matrix, the residual of
 * standardised metric j is (P z)_j / P_jj with variance 1 / P_jj (Lauritzen, Graphical Models, 1996, eq. 5.8).
 */
export class Expectation {
  /** Number of metrics. */
  readonly d: number
  /** ({@link expectationValues}) all that is remembered. */
  readonly state: Float64Array

  constructor(d: number, state = new Float64Array(expectationValues(d))) {
    this.d = d
    this.state = state
  }

  /**
   * How far each metric is from what is expected, in the spread usual for that: of this reading, and of the recent
   * average (about 40 readings); 0 while too little is known, or where the metric is missing.
   *
   * @param values (d) NaN = missing
   * @param now (d) filled
   * @param recently (d) filled
   * @param late whether the reading is older than the newest: it changes nothing
   */
  next(ts: number, values: Float64Array, now: Float64Array, recently: Float64Array, late: boolean): void {
    const { d, state } = this
    const v = d + HOURS
    const n = state[0]!
    if (n === 0) state[1] = ts
    const means = state.subarray(2, 2 + v)
    const covariances = state.subarray(2 + v, 2 + v + v * v)
    const x = withHours(values, ts)
    if (n === 0) for (let j = 0; j < v; j++) means[j] = Number.isFinite(x[j]!) ? x[j]! : 0
    const spread = new Float64Array(v)
    const off = new Float64Array(v)
    for (let j = 0; j < v; j++) {
      const floor = j < d ? RELATIVE_FLOOR * Math.abs(means[j]!) + 1e-12 : 1e-12
      spread[j] = Math.max(Math.sqrt(covariances[j * v + j]!), floor)
      // A metric that this reading lacks is as expected.
      if (Number.isFinite(x[j]!)) off[j] = x[j]! - means[j]!
    }
    now.fill(0)
    recently.fill(0)
    const known = n - READINGS * v
    if (known >= 0) {
      unexplained(covariances, spread, off, ts - state[1]! < DAYS * DAY, now)
      this.#average(values, now, recently, Math.max(SLOW, 1 / (known + 1)), late)
    }
    if (late) return
    // One factor for all: what moves together goes on pointing the same way.
    let far = 1
    for (let j = 0; j < d && known >= 0; j++) {
      far = Math.max(far, Math.abs(off[j]!) / (LIMIT * spread[j]!), Math.abs(now[j]!) / LIMIT)
    }
    const weight = Math.max(SLOW, 1 / (n + 1))
    for (let j = 0; j < v; j++) {
      means[j]! += (weight * off[j]!) / far
      for (let k = 0; k < v; k++) {
        const c = j * v + k
        covariances[c] = (1 - weight) * (covariances[c]! + (weight * off[j]! * off[k]!) / far ** 2)
      }
    }
    state[0] = n + 1
  }

  #average(
    values: Float64Array,
    now: Float64Array,
    recently: Float64Array,
    weight: number,
    late: boolean,
  ): void {
    const { d, state } = this
    const averages = state.length - 2 * d
    const variances = averages + d
    for (let j = 0; j < d; j++) {
      if (!Number.isFinite(values[j]!)) continue
      const limited = Math.max(-LIMIT, Math.min(LIMIT, now[j]!))
      const average = state[averages + j]! + RECENT * (limited - state[averages + j]!)
      const variance = state[variances + j]!
      recently[j] = average / (Math.sqrt(variance) + Math.sqrt(FLOOR))
      if (late) continue
      state[averages + j] = average
      state[variances + j]! += weight * (Math.min(average ** 2, LIMIT ** 2 * variance + FLOOR) - variance)
    }
  }
}

/** The metrics, then the first two harmonics of the day. */
function withHours(values: Float64Array, ts: number): Float64Array {
  const d = values.length
  const x = new Float64Array(d + HOURS)
  x.set(values)
  const angle = (2 * Math.PI * (ts % DAY)) / DAY
  x[d] = Math.sin(angle)
  x[d + 1] = Math.cos(angle)
  x[d + 2] = Math.sin(2 * angle)
  x[d + 3] = Math.cos(2 * angle)
  return x
}

/** Fills `now` with the residual of each metric in its own spread. */
function unexplained(
  covariances: Float64Array,
  spread: Float64Array,
  off: Float64Array,
  young: boolean,
  now: Float64Array,
): void {
  const v = spread.length
  const d = now.length
  const precision = new Float64Array(v * v)
  for (let j = 0; j < v; j++) {
    for (let k = 0; k < v; k++) precision[j * v + k] = covariances[j * v + k]! / (spread[j]! * spread[k]!)
    precision[j * v + j] = 1 + RIDGE + (young && j >= d ? UNUSED : 0)
  }
  invert(precision, v)
  for (let j = 0; j < d; j++) {
    let sum = 0
    for (let k = 0; k < v; k++) sum += (precision[j * v + k]! * off[k]!) / spread[k]!
    now[j] = off[j] === 0 ? 0 : sum / Math.sqrt(precision[j * v + j]!)
  }
}

/** Inverts a symmetric positive definite matrix in place, by Gauss–Jordan; no pivoting is needed for such. */
function invert(a: Float64Array, n: number): void {
  for (let p = 0; p < n; p++) {
    const pivot = 1 / a[p * n + p]!
    for (let k = 0; k < n; k++) a[p * n + k]! *= pivot
    a[p * n + p] = pivot
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + p]!
      if (i === p || factor === 0) continue
      for (let k = 0; k < n; k++) if (k !== p) a[i * n + k]! -= factor * a[p * n + k]!
      a[i * n + p] = -factor * pivot
    }
  }
}
