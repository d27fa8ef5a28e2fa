import type { Random } from '../kernels/random.ts'
import { between } from './choices.ts'

/** Ground truth about one attack or sensor fault. */
export interface Incident {
  /** 1, 2, …: the `incident` of the records it made. */
  readonly id: number
  readonly kind: 'attack' | 'fault'
  /** 'scan', 'flood', …, or 'spike', 'drift', … */
  readonly type: string
  /** Which form of it: 'internet telnet', 'SYN', …; for a fault the metric. */
  readonly variant: string
  /** MAC address of the device for an attack; the id in the readings for a fault. */
  readonly device: string
  readonly device_name: string
  /** IPv4 address of the device. */
  readonly address: string
  /** Seconds since the epoch; what was planned, the records lie within. */
  readonly start: number
  readonly end: number
  /** Labels of its records. */
  readonly label: 'Malicious'
  readonly detailed_label: string
  /** Addresses it aims at, where they are few. */
  readonly targets: readonly string[]
  readonly description: string
}

/**
 * Cuts [from, to) into `count` slots of equal length and puts one interval of at most `longest[i]` seconds into
 * each, so that incidents of a simulation do not overlap.
 */
export function placeWithin(
  random: Random,
  from: number,
  to: number,
  longest: readonly number[],
): { start: number; end: number }[] {
  const slot = (to - from) / longest.length
  return longest.map((wanted, i) => {
    const duration = Math.min(wanted, slot * 0.9)
    const start = from + i * slot + between(random, 0, slot - duration)
    return { start, end: start + duration }
  })
}
