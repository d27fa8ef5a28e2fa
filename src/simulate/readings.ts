import type { ReadingRecord } from '../schema/reading-batch.ts'
import { between, chance, randomFor } from './choices.ts'
import type { FaultCourse } from './faults/fault.ts'
import type { Metric } from './metric.ts'
import { daylight, household, shifts } from './rhythm.ts'
import type { Host, World } from './world.ts'

/** A simulated reading. */
export interface SimulatedReading extends ReadingRecord {
  readonly ts: number
  readonly metrics: Readonly<Record<string, number>>
  readonly label: 'Benign' | 'Malicious'
  readonly detailed_label: string
  /** Incident id of a fault, 0 otherwise. */
  readonly incident: number
}

/** A fault at work on one device. */
export interface ActiveFault {
  readonly incident: number
  readonly type: string
  readonly metric: string
  readonly start: number
  readonly end: number
  readonly course: FaultCourse
}

/** Seconds between two readings. */
const INTERVAL = 60
/** Time constants of the slow processes, seconds. */
const WANDER = 2400
const CONGESTION = 600

/** How often a device reboots, and how often its machine stops or its room is aired: all harmless. */
const REBOOTS = 0.0002
const STANDSTILLS = 0.0003

/** Standard deviation of a metric when its site does nothing special: what a fault is measured against. */
export function usualDeviation(metric: Metric): number {
  return Math.hypot(metric.noise, metric.wander ?? 0)
}

/**
 * The readings of one device, about one a minute, in order of time. Its metrics share a slow wander, the
 * activity of the site and the state of its link (first-order autoregressive processes), so that they move together.
 */
export function* readingsOf(
  world: World,
  host: Host,
  faults: readonly ActiveFault[],
): Generator<SimulatedReading> {
  const metrics = host.kind.metrics
  if (!metrics) return
  const random = randomFor(world.seed, 'readings', host.name)
  const rhythm = host.site.kind === 'home' ? household : shifts
  const phase = between(random, 0, 2 * Math.PI)
  const cycle = between(random, 1100, 1900)
  // No two devices are quite alike.
  const own = metrics.map((m) => ({
    ...m,
    base: m.base + 0.6 * usualDeviation(m) * random.normal(),
    load: (m.load ?? 0) * between(random, 0.85, 1.15),
  }))
  const keepWander = Math.exp(-INTERVAL / WANDER)
  const keepCongestion = Math.exp(-INTERVAL / CONGESTION)
  let wander = random.normal()
  let air = random.normal()
  let silentUntil = 0
  let idleUntil = 0
  for (let t = world.start + between(random, 0, INTERVAL); t < world.end; t += INTERVAL) {
    wander = keepWander * wander + Math.sqrt(1 - keepWander ** 2) * random.normal()
    air = keepCongestion * air + Math.sqrt(1 - keepCongestion ** 2) * random.normal()
    const ts = Math.round((t + between(random, -0.8, 0.8)) * 1000) / 1000
    if (chance(random, REBOOTS)) silentUntil = t + between(random, 120, 900)
    if (chance(random, STANDSTILLS)) idleUntil = t + between(random, 600, 3600)
    const work =
      (t < idleUntil ? 0.2 : 1) * rhythm(t) * (0.88 + 0.12 * Math.sin((2 * Math.PI * t) / cycle + phase))
    const congestion = Math.max(0, air) ** 2
    const warmth = daylight(t)
    const values: Record<string, number> = {}
    for (const m of own) {
      const value =
        m.base +
        (m.daylight ?? 0) * warmth +
        m.load * work +
        (m.wander ?? 0) * wander +
        (m.congestion ?? 0) * congestion +
        m.noise * random.normal()
      values[m.name] = value
    }
    // One reading in some hundred gets lost on the way without any fault.
    const lost = chance(random, host.kind.wireless ? 0.004 : 0.0005)
    const reading = strike(host.name, ts, values, own, faults)
    if (reading && !lost && t >= silentUntil) yield reading
  }
}

/** The reading as it is sent: faults applied, values rounded; undefined when a fault swallows it. */
function strike(
  device: string,
  ts: number,
  values: Record<string, number>,
  metrics: readonly Metric[],
  faults: readonly ActiveFault[],
): SimulatedReading | undefined {
  const fault = faults.find((f) => ts >= f.start && ts < f.end)
  let struck = false
  if (fault) {
    const value = values[fault.metric]!
    const faulty = fault.course.strike(value, (ts - fault.start) / (fault.end - fault.start))
    if (faulty === undefined) return undefined
    struck = fault.course.throughout || faulty !== value
    values[fault.metric] = faulty
  }
  for (const m of metrics) {
    const scale = 10 ** m.decimals
    values[m.name] = Math.round(Math.max(m.min ?? Number.NEGATIVE_INFINITY, values[m.name]!) * scale) / scale
  }
  return {
    ts,
    device,
    metrics: values,
    label: struck ? 'Malicious' : 'Benign',
    detailed_label: struck ? fault!.type : '',
    incident: struck ? fault!.incident : 0,
  }
}
