/**
 * What the metrics of a device should be by each other and by the hour, and what a reading teaches about that. Every
 * element is computed as plain arithmetic in the order written here would: two at a time give the same bits as one.
 * Arguments that name arrays are byte addresses of f64.
 */

/** Share of a new reading in what is learned: about 5000 readings, some days at one a minute. */
const SLOW: f64 = 0.0002
/** Readings a variable before anything is expected, and seconds before the hour counts. */
const READINGS: i32 = 15
const DAYS: f64 = 2 * 86400
/** Ridge on the correlation matrix, and on the terms of the hour while they are not used. */
const RIDGE: f64 = 1e-3
const UNUSED: f64 = 1e3
/** A reading counts as if at most so many spreads off: what is learned cannot be pushed quickly. */
const LIMIT: f64 = 4
/** Share of a new reading in the recent average of what is not explained. */
const RECENT: f64 = 0.05
/** Variance that such an average of nothing but rounding is given. */
const FLOOR: f64 = 0.01
/** Differences below this share of the value are none. */
const RELATIVE_FLOOR: f64 = 1e-4

// @ts-ignore: decorator
@inline
function get(at: usize, i: i32): f64 {
  return load<f64>(at + (<usize>i << 3))
}

// @ts-ignore: decorator
@inline
function set(at: usize, i: i32, value: f64): void {
  store<f64>(at + (<usize>i << 3), value)
}

// @ts-ignore: decorator
@inline
function isFinite(x: f64): bool {
  return x - x == 0
}

/**
 * @param state readings so far, time of the first; means (v), covariances (v, v), averages (d), their variances (d)
 * @param d metrics; v = d + hours variables
 * @param x (v) values of the metrics, NaN = missing, then terms of the hour
 * @param now (d) filled: how far each metric is from what is expected, in the spread usual for that
 * @param recently (d) filled: likewise of the recent average
 * @param late whether the reading changes nothing
 * @param work room for v (2 + the next multiple of 4 from v on) values
 */
export function next(
  state: usize, d: i32, hours: i32, ts: f64, x: usize, now: usize, recently: usize, late: bool, work: usize,
): void {
  const v = d + hours
  const n = get(state, 0)
  const means = state + 16
  const covariances = means + (<usize>v << 3)
  const averages = covariances + (<usize>(v * v) << 3)
  const spread = work
  const off = spread + (<usize>v << 3)
  const matrix = off + (<usize>v << 3)
  if (n == 0) {
    set(state, 1, ts)
    for (let j = 0; j < v; j++) set(means, j, isFinite(get(x, j)) ? get(x, j) : 0)
  }
  for (let j = 0; j < v; j++) {
    const mean = get(means, j)
    const floor = j < d ? RELATIVE_FLOOR * Math.abs(mean) + 1e-12 : 1e-12
    set(spread, j, Math.max(Math.sqrt(get(covariances, j * v + j)), floor))
    // A metric that this reading lacks is as expected.
    set(off, j, isFinite(get(x, j)) ? get(x, j) - mean : 0)
  }
  const known = n - <f64>(READINGS * v)
  if (known >= 0) {
    const young = ts - get(state, 1) < DAYS
    unexplained(covariances, spread, off, v, d, young, now, matrix)
    average(averages, d, x, now, recently, Math.max(SLOW, 1 / (known + 1)), late)
  } else {
    memory.fill(now, 0, <usize>d << 3)
    memory.fill(recently, 0, <usize>d << 3)
  }
  if (late) return
  // One factor for all: what moves together goes on pointing the same way.
  let far: f64 = 1
  if (known >= 0) {
    for (let j = 0; j < d; j++) {
      far = Math.max(far, Math.max(Math.abs(get(off, j)) / (LIMIT * get(spread, j)), Math.abs(get(now, j)) / LIMIT))
    }
  }
  learn(means, covariances, off, v, Math.max(SLOW, 1 / (n + 1)), far)
  set(state, 0, n + 1)
}

/** Moves means and covariances towards a reading. */
function learn(means: usize, covariances: usize, off: usize, v: i32, weight: f64, far: f64): void {
  const farther = f64x2.splat(far * far)
  const kept = f64x2.splat(1 - weight)
  let row = covariances
  for (let j = 0; j < v; j++) {
    const by = weight * get(off, j)
    set(means, j, get(means, j) + by / far)
    const push = f64x2.splat(by)
    let k = 0
    for (; k + 1 < v; k += 2) {
      const at = row + (<usize>k << 3)
      let product = f64x2.mul(push, v128.load(off + (<usize>k << 3)))
      if (far != 1) product = f64x2.div(product, farther)
      v128.store(at, f64x2.mul(kept, f64x2.add(v128.load(at), product)))
    }
    if (k < v) set(row, k, (1 - weight) * (get(row, k) + (by * get(off, k)) / (far * far)))
    row += <usize>v << 3
  }
}

/** Fills `now` with the residual of each metric in its own spread. */
function unexplained(
  covariances: usize, spread: usize, off: usize, v: i32, d: i32, young: bool, now: usize, matrix: usize,
): void {
  // Rows are widened to whole vectors; what stands in the margin is never used.
  const width = <usize>((v + 3) & ~3) << 3
  let row = matrix
  let source = covariances
  for (let j = 0; j < v; j++) {
    const own = f64x2.splat(get(spread, j))
    let k = 0
    for (; k + 1 < v; k += 2) {
      const at = <usize>k << 3
      v128.store(row + at, f64x2.div(v128.load(source + at), f64x2.mul(own, v128.load(spread + at))))
    }
    if (k < v) set(row, k, get(source, k) / (get(spread, j) * get(spread, k)))
    set(row, j, 1 + RIDGE + (young && j >= d ? UNUSED : 0))
    row += width
    source += <usize>v << 3
  }
  invert(matrix, v, width)
  row = matrix
  for (let j = 0; j < d; j++) {
    let sum: f64 = 0
    let k = 0
    for (; k + 1 < v; k += 2) {
      const at = <usize>k << 3
      const parts = f64x2.div(f64x2.mul(v128.load(row + at), v128.load(off + at)), v128.load(spread + at))
      sum += f64x2.extract_lane(parts, 0)
      sum += f64x2.extract_lane(parts, 1)
    }
    if (k < v) sum += (get(row, k) * get(off, k)) / get(spread, k)
    set(now, j, get(off, j) == 0 ? 0 : sum / Math.sqrt(get(row, j)))
    row += width
  }
}

/** Inverts a symmetric positive definite matrix in place, by Gauss–Jordan; no pivoting is needed for such. */
function invert(matrix: usize, v: i32, width: usize): void {
  const end = matrix + <usize>v * width
  let pivotRow = matrix
  for (let p: usize = 0; p < <usize>v; p++) {
    const column = p << 3
    const pivot = 1 / load<f64>(pivotRow + column)
    const by = f64x2.splat(pivot)
    for (let at: usize = 0; at < width; at += 16) {
      v128.store(pivotRow + at, f64x2.mul(v128.load(pivotRow + at), by))
    }
    store<f64>(pivotRow + column, pivot)
    for (let row = matrix; row < end; row += width) {
      const factor = load<f64>(row + column)
      if (row == pivotRow || factor == 0) continue
      const times = f64x2.splat(factor)
      for (let at: usize = 0; at < width; at += 32) {
        const a = f64x2.mul(times, v128.load(pivotRow + at))
        const b = f64x2.mul(times, v128.load(pivotRow + at, 16))
        v128.store(row + at, f64x2.sub(v128.load(row + at), a))
        v128.store(row + at, f64x2.sub(v128.load(row + at, 16), b), 16)
      }
      store<f64>(row + column, -factor * pivot)
    }
    pivotRow += width
  }
}

/** The recent average of what is not explained, in its own usual spread. */
function average(
  averages: usize, d: i32, x: usize, now: usize, recently: usize, weight: f64, late: bool,
): void {
  const variances = averages + (<usize>d << 3)
  for (let j = 0; j < d; j++) {
    set(recently, j, 0)
    if (!isFinite(get(x, j))) continue
    const limited = Math.max(-LIMIT, Math.min(LIMIT, get(now, j)))
    const mean = get(averages, j) + RECENT * (limited - get(averages, j))
    const variance = get(variances, j)
    set(recently, j, mean / (Math.sqrt(variance) + Math.sqrt(FLOOR)))
    if (late) continue
    set(averages, j, mean)
    set(variances, j, variance + weight * (Math.min(mean * mean, LIMIT * LIMIT * variance + FLOOR) - variance))
  }
}
