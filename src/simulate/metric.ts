/**
 * How one metric of a reading comes about:
 * base + daylight·(warmth of the day) + load·(activity of the site) + wander·(slow drift shared by the device)
 * + congestion·(state of the radio link) + noise. The shared parts make metrics move together.
 */
export interface Metric {
  /** Name as in the reading; a dot means nesting: 'network.latency'. */
  readonly name: string
  readonly base: number
  readonly daylight?: number
  readonly load?: number
  readonly wander?: number
  readonly congestion?: number
  /** Standard deviation of the independent noise. */
  readonly noise: number
  /** Digits after the point in the output. */
  readonly decimals: number
  readonly min?: number
  /** Whether a sensor fault may strike it; network figures are not sensors. */
  readonly sensor?: boolean
}

const sensor = true

export const INDOOR_CLIMATE: readonly Metric[] = [
  {
    name: 'temperature',
    base: 20.6,
    daylight: 0.9,
    load: 0.8,
    wander: 0.35,
    noise: 0.06,
    decimals: 2,
    sensor,
  },
  {
    name: 'humidity',
    base: 46,
    daylight: -2.5,
    load: 1.5,
    wander: -2.2,
    noise: 0.4,
    decimals: 1,
    min: 0,
    sensor,
  },
]

/** A plug's own warmth follows the power it switches. */
export const ENERGY: readonly Metric[] = [
  { name: 'power', base: 14, load: 60, wander: 4, noise: 1.2, decimals: 1, min: 0, sensor },
  { name: 'temperature', base: 24, daylight: 0.8, load: 6, wander: 0.8, noise: 0.15, decimals: 1, sensor },
]

/** A machine under a PLC: warmer, louder and at higher pressure while it works. */
export const MACHINE: readonly Metric[] = [
  { name: 'temperature', base: 48, daylight: 1.2, load: 17, wander: 1.6, noise: 0.35, decimals: 2, sensor },
  { name: 'pressure', base: 1004, load: 9, wander: 1.1, noise: 0.5, decimals: 1, sensor },
  { name: 'vibration', base: 1.2, load: 4, wander: 0.35, noise: 0.16, decimals: 3, min: 0, sensor },
]

export const VIBRATION: readonly Metric[] = [
  { name: 'vibration', base: 1.6, load: 3.6, wander: 0.3, noise: 0.2, decimals: 3, min: 0, sensor },
  { name: 'temperature', base: 31, daylight: 1.4, load: 11, wander: 1.1, noise: 0.2, decimals: 2, sensor },
]

export const AIR: readonly Metric[] = [
  { name: 'temperature', base: 22, daylight: 2.2, load: 3.5, wander: 0.5, noise: 0.12, decimals: 2, sensor },
  {
    name: 'humidity',
    base: 41,
    daylight: -4,
    load: -2.5,
    wander: -2,
    noise: 0.5,
    decimals: 1,
    min: 0,
    sensor,
  },
]

export const PRESSURE: readonly Metric[] = [
  { name: 'pressure', base: 1012, load: 6.5, wander: 1.2, noise: 0.35, decimals: 2, sensor },
  { name: 'temperature', base: 27, daylight: 1.6, load: 6, wander: 0.8, noise: 0.15, decimals: 2, sensor },
]

export const WIRELESS_LINK: readonly Metric[] = [
  { name: 'network.packetLoss', base: 0.25, congestion: 0.5, noise: 0.1, decimals: 2, min: 0 },
  { name: 'network.latency', base: 19, load: 3, congestion: 7, noise: 1.4, decimals: 1, min: 1 },
  { name: 'network.throughput', base: 930, load: -25, congestion: -85, noise: 18, decimals: 0, min: 0 },
  { name: 'network.connectionCount', base: 5, load: 6, congestion: 0.5, noise: 0.9, decimals: 0, min: 0 },
]

export const WIRED_LINK: readonly Metric[] = [
  { name: 'network.packetLoss', base: 0.03, congestion: 0.03, noise: 0.015, decimals: 2, min: 0 },
  { name: 'network.latency', base: 2.4, load: 0.5, congestion: 0.4, noise: 0.2, decimals: 2, min: 0.2 },
  { name: 'network.throughput', base: 975, load: -15, congestion: -12, noise: 5, decimals: 0, min: 0 },
  { name: 'network.connectionCount', base: 3, load: 1.5, noise: 0.4, decimals: 0, min: 0 },
]
