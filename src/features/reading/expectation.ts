import { expectationStep, expectationValues } from '../../kernels/expectation.ts'

const DAY = 86_400

/**
 * What the metrics of one device should be, by each other and by the hour of the day: the linear regression of each on
 * all others, kept up to date with every reading. With P the inverse of the correlation matrix, the residual of
 * standardised metric j is (P z)_j / P_jj with variance 1 / P_jj (Lauritzen, Graphical Models, 1996, eq. 5.8).
 */
export class Expectation {
  /** Number of metrics, up to `MOST_RELATED`. */
  readonly d: number
  /** (expectationValues(d)) all that is remembered. */
  readonly state: Float64Array

  constructor(d: number, state = new Float64Array(expectationValues(d))) {
    this.d = d
    this.state = state
  }

  /**
   * How far each metric is from what is expected, in the spread usual for that: of this reading, and of the recent
   * average (about 40 readings); 0 while too little is known, or where the metric is missing.
   *
   * @param values (d, or more) NaN = missing
   * @param now (d, or more) filled
   * @param recently (d, or more) filled
   * @param late whether the reading is older than the newest: it changes nothing
   */
  next(ts: number, values: Float64Array, now: Float64Array, recently: Float64Array, late: boolean): void {
    expectationStep(this.state, this.d, ts, values, hoursOf(ts), now, recently, late)
  }
}

/** The first two harmonics of the day, of the time that was asked for last: devices often report at the same moment. */
const hours = { ts: Number.NaN, terms: [0, 0, 0, 0] }

function hoursOf(ts: number): readonly number[] {
  if (ts === hours.ts) return hours.terms
  hours.ts = ts
  const angle = (2 * Math.PI * (ts % DAY)) / DAY
  hours.terms = [Math.sin(angle), Math.cos(angle), Math.sin(2 * angle), Math.cos(2 * angle)]
  return hours.terms
}
