import type { FeatureSpec } from './feature-columns.ts'

const DAY = 86_400
const WEEK = 7 * DAY
/** 1970-01-01 was a Thursday; three days on, the week starts on Monday. */
const MONDAY = 3 * DAY

function pair(name: string, cycle: 'day' | 'week', unit: string, words: string): FeatureSpec[] {
  return ['sin', 'cos'].map((f) => ({
    name: `${name}_${f}`,
    unit,
    scale: 'linear',
    direction: 'both',
    cycle,
    words,
  }))
}

/** Hour of the day and day of the week, each as a point on a circle so that 23:59 lies beside 00:00. */
export function cyclicSpecs(): FeatureSpec[] {
  return [
    ...pair('hour', 'day', 'h', 'hour of the day (UTC)'),
    ...pair('weekday', 'week', '', 'day of the week (UTC)'),
  ]
}

/** Fills the columns of {@link cyclicSpecs}, in that order. A row without time is NaN. */
export function fillCycles(ts: Float64Array, columns: readonly Float64Array[]): void {
  const [hourSin, hourCos, weekdaySin, weekdayCos] = columns
  for (let i = 0; i < ts.length; i++) {
    const hour = ((ts[i]! % DAY) / DAY) * 2 * Math.PI
    const weekday = (((ts[i]! + MONDAY) % WEEK) / WEEK) * 2 * Math.PI
    hourSin![i] = Math.sin(hour)
    hourCos![i] = Math.cos(hour)
    weekdaySin![i] = Math.sin(weekday)
    weekdayCos![i] = Math.cos(weekday)
  }
}
