import type { Random } from '../kernels/random.ts'
import { between, exponential } from './choices.ts'

/** How active something is at a time, 0–1. */
export type Rhythm = (t: number) => number

const hourOf = (t: number) => (t / 3600) % 24
/** 1970-01-01 was a Thursday: day 0 = Monday. */
const isWeekend = (t: number) => (Math.floor(t / 86400) + 3) % 7 > 4

/** Smooth step up at hour `from` and down at hour `to`, each within about an hour. */
function plateau(hour: number, from: number, to: number): number {
  const rise = (x: number) => 1 / (1 + Math.exp(-4 * x))
  return rise(hour - from) * rise(to - hour)
}

/** People at home: little at night, a peak at breakfast, most in the evening; all day at the weekend. */
export const household: Rhythm = (t) => {
  const h = hourOf(t)
  const day = isWeekend(t) ? 0.5 * plateau(h, 9, 18) : 0.6 * plateau(h, 6.5, 8.5) + 0.1 * plateau(h, 8.5, 17)
  return Math.min(1, 0.015 + day + 0.95 * plateau(h, 17.5, 23))
}

/** Office hours with a lunch dip, hardly anything at the weekend. */
export const office: Rhythm = (t) => {
  const h = hourOf(t)
  return isWeekend(t) ? 0.02 : 0.005 + plateau(h, 8, 17.5) * (1 - 0.5 * plateau(h, 12, 13))
}

/** Two production shifts from 6 to 22 on workdays; machines idle otherwise. */
export const shifts: Rhythm = (t) => (isWeekend(t) ? 0.15 : 0.15 + 0.85 * plateau(hourOf(t), 6, 22))

/** The same at any hour. */
export const always: Rhythm = () => 1

/** Warmth of the day, -1 (about 4 h) to 1 (about 16 h). */
export const daylight: Rhythm = (t) => Math.cos(((hourOf(t) - 16) / 24) * 2 * Math.PI)

/**
 * Times of something regular: every `interval` seconds, each gap varied by ± `jitter` (a share of it).
 * The first comes within one interval of `start`.
 */
export function* every(
  random: Random,
  start: number,
  end: number,
  interval: number,
  jitter: number,
): Generator<number> {
  let t = start + random.float() * interval
  while (t < end) {
    yield t
    t += interval * between(random, 1 - jitter, 1 + jitter)
  }
}

/**
 * Times of something that happens by chance, `perHour` times an hour when the rhythm is 1: an inhomogeneous
 * Poisson process by thinning (Lewis & Shedler 1979), with at least `apart` seconds between two times.
 */
export function* sometimes(
  random: Random,
  start: number,
  end: number,
  perHour: number,
  rhythm: Rhythm,
  apart = 1,
): Generator<number> {
  let t = start
  for (;;) {
    t += exponential(random, 3600 / perHour)
    if (t >= end) return
    if (random.float() >= rhythm(t)) continue
    yield t
    t += apart
  }
}

/** Times of something done once a day at `hour`, give or take `spread` hours. */
export function* daily(
  random: Random,
  start: number,
  end: number,
  hour: number,
  spread: number,
): Generator<number> {
  for (let day = Math.floor(start / 86400); day * 86400 < end; day++) {
    const t = day * 86400 + (hour + spread * random.float()) * 3600
    if (t >= start && t < end) yield t
  }
}
