/** The values of one metric in each interval; NaN and 0 where there was none. */
export interface Intervals {
  readonly n: Float64Array
  readonly min: Float64Array
  readonly mean: Float64Array
  readonly max: Float64Array
}

/** Metrics over time, in intervals of equal length. */
export interface Series {
  /** Start of the first interval, seconds since the epoch. */
  readonly from: number
  /** Length of an interval, seconds. */
  readonly step: number
  /** Number of intervals. */
  readonly length: number
  readonly metrics: ReadonlyMap<string, Intervals>
}

/** The readings of one shape in one interval: their values one after another, in hexadecimal. */
export interface PackedValues {
  /** Number of the interval. */
  readonly i: number
  readonly shape_id: number
  readonly hex: string
}

/** A metric's hour, as old readings are kept. */
export interface Hour {
  readonly metric: string
  readonly bucket: number
  readonly n: number
  readonly min: number
  readonly max: number
  readonly sum: number
}

export interface PlotRequest {
  readonly from: number
  readonly to: number
  readonly points: number
  readonly metrics?: readonly string[] | undefined
}

/** Puts readings and hours into intervals; an hour counts where it starts. */
export function plotOf(
  request: PlotRequest,
  rows: readonly PackedValues[],
  shapes: ReadonlyMap<number, readonly string[]>,
  hours: readonly Hour[],
): Series {
  const { from, to, points } = request
  const wanted = request.metrics && new Set(request.metrics)
  const step = (to - from) / points
  const metrics = new Map<string, Intervals>()
  const intervals = (name: string) => {
    let found = metrics.get(name)
    if (!found) {
      found = {
        n: new Float64Array(points),
        min: new Float64Array(points).fill(Number.NaN),
        mean: new Float64Array(points),
        max: new Float64Array(points).fill(Number.NaN),
      }
      metrics.set(name, found)
    }
    return found
  }
  const columns = new Map<number, (Intervals | undefined)[]>()
  for (const row of rows) {
    let targets = columns.get(row.shape_id)
    if (!targets) {
      targets = (shapes.get(row.shape_id) ?? []).map((m) =>
        !wanted || wanted.has(m) ? intervals(m) : undefined,
      )
      columns.set(row.shape_id, targets)
    }
    const i = Math.min(points - 1, row.i)
    const bytes = Buffer.from(row.hex, 'hex')
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const width = targets.length
    for (let at = 0, j = 0; at < bytes.length; at += 8, j = j + 1 === width ? 0 : j + 1) {
      const target = targets[j]
      if (!target) continue
      const value = view.getFloat64(at, true)
      if (!Number.isNaN(value)) put(target, i, 1, value, value, value)
    }
  }
  for (const { metric, bucket, n, min, max, sum } of hours) {
    put(intervals(metric), Math.min(points - 1, Math.floor((bucket - from) / step)), n, min, max, sum)
  }
  // Sums so far.
  for (const { n, mean } of metrics.values()) for (let i = 0; i < points; i++) mean[i]! /= n[i]!
  return { from, step, length: points, metrics }
}

function put(to: Intervals, i: number, n: number, min: number, max: number, sum: number): void {
  to.n[i]! += n
  to.mean[i]! += sum
  if (!(to.min[i]! <= min)) to.min[i] = min
  if (!(to.max[i]! >= max)) to.max[i] = max
}
