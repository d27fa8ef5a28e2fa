/**
 * The scoring of the Numenta Anomaly Benchmark, standard profile (Lavin & Ahmad 2015, "Evaluating Real-time
 * Anomaly Detection Algorithms – the Numenta Anomaly Benchmark", sections II.B and II.C; scale and edges as in
 * NAB 1.1).
 */

/** Costs of the standard profile: a missed window, a false alarm far from any window. A window found at once earns 1. */
const MISSED = 1
const FALSE_ALARM = 0.11
/** Share of a file that is for learning, of its first 5000 rows at most. */
const PROBATION = 0.15
const PROBATION_ROWS = 5000

/** One file: a score a row, and the labelled windows as first and last row, in order. */
export interface NabSeries {
  readonly scores: Float64Array
  readonly windows: readonly (readonly [number, number])[]
}

/** Rows at the start of a file of n rows that count neither way. */
export function probationRows(n: number): number {
  return Math.ceil(Math.min(Math.floor(PROBATION * n), PROBATION * PROBATION_ROWS))
}

/** 1 - 2 / (1 + e^(-5 y))'s mirror: 0.987 a window's width before its end, 0 at the end, -0.987 as far behind it. */
function sigmoid(y: number): number {
  return y > 3 ? -1 : 2 / (1 + Math.exp(5 * y)) - 1
}

/** What an alarm in each row is worth, and the window it falls in (-1 = none). */
export function rowWeights(n: number, windows: NabSeries['windows']): { weight: number[]; window: number[] } {
  const weight: number[] = []
  const window: number[] = []
  let next = 0
  for (let i = 0; i < n; i++) {
    while (next < windows.length && i > windows[next]![1]) next++
    const [from, to] = windows[next] ?? [n, n]
    const inside = i >= from && i <= to
    window.push(inside ? next : -1)
    const before = windows[next - 1]
    if (inside) weight.push(sigmoid(-(to - i + 1) / (to - from + 1)) / sigmoid(-1))
    else weight.push(FALSE_ALARM * (before ? sigmoid((i - before[1]) / (before[1] - before[0])) : -1))
  }
  return { weight, window }
}

/** What came of the best threshold. */
export interface NabResult {
  /** 100 = every window found in its first row without a false alarm, 0 = no alarm at all. */
  readonly score: number
  /** Rows score from here on are alarms; chosen over the whole corpus, as NAB does. */
  readonly threshold: number
  readonly windows: number
  readonly found: number
  /** Alarms outside of windows. */
  readonly falseAlarms: number
}

/**
 * The normalised score at the threshold that is best over the whole corpus, or at a given one.
 *
 * @param threshold alarms are rows scored so or higher; the best one when left out
 * @throws RangeError when no file has a window
 */
export function nabScore(corpus: readonly NabSeries[], threshold?: number): NabResult {
  const windows = corpus.reduce((sum, s) => sum + s.windows.length, 0)
  if (windows === 0) throw new RangeError('NAB expects at least one labelled window, got none')
  const rows = corpus.flatMap(({ scores, windows }, file) => {
    const { weight, window } = rowWeights(scores.length, windows)
    const first = probationRows(scores.length)
    return Array.from(scores.subarray(first), (score, k) => ({
      score,
      weight: weight[first + k]!,
      window: window[first + k]! < 0 ? undefined : `${file} ${window[first + k]}`,
    }))
  })
  // A window that lies wholly in the probation cannot be missed.
  const best = new Map<string, number>()
  for (const row of rows) if (row.window !== undefined) best.set(row.window, -MISSED)
  rows.sort((a, b) => b.score - a.score)
  let total = -MISSED * best.size
  let found = 0
  let falseAlarms = 0
  const result = (at: number) => ({
    score: (100 * (total + MISSED * windows)) / (windows + MISSED * windows),
    threshold: at,
    windows,
    found,
    falseAlarms,
  })
  let top = result(Infinity)
  rows.forEach((row, k) => {
    if (row.window === undefined) {
      total += row.weight
      falseAlarms++
    } else {
      const before = best.get(row.window)!
      if (before === -MISSED) found++
      best.set(row.window, Math.max(before, row.weight))
      total += Math.max(before, row.weight) - before
    }
    // Rows of one score stand and fall together.
    if (rows[k + 1]?.score === row.score) return
    if (threshold !== undefined ? row.score >= threshold : total > rawOf(top)) top = result(row.score)
  })
  return top

  function rawOf(r: NabResult): number {
    return (r.score / 100) * (windows + MISSED * windows) - MISSED * windows
  }
}
