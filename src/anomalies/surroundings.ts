import type { FeatureColumns } from '../features/feature-columns.ts'
import type { FeatureSpace } from '../features/feature-space.ts'

/**
 * What a device did around a flow, counted over all of its flows, unusual or not, with a memory of one or ten
 * minutes; 0 where it is no more than usual in training.
 */
export interface Surroundings {
  /** Flows to the same destination and port. */
  readonly sameTarget1m: number
  readonly sameTarget10m: number
  /** To the same port: flows that came to nothing, and destinations. */
  readonly failed10m: number
  readonly destinations10m: number
  /** Ports of the same destination. */
  readonly ports10m: number
  /** Contacts at regular intervals with a destination new to the device. */
  readonly regular: number
}

export const NOTHING_AROUND: Surroundings = {
  sameTarget1m: 0,
  sameTarget10m: 0,
  failed10m: 0,
  destinations10m: 0,
  ports10m: 0,
  regular: 0,
}

const FEATURES: Readonly<Record<keyof Surroundings, string>> = {
  sameTarget1m: 'same_target_1m',
  sameTarget10m: 'same_target_10m',
  failed10m: 'failed_10m',
  destinations10m: 'destinations_10m',
  ports10m: 'ports_10m',
  regular: 'regular_contacts',
}

/** Tells the surroundings of rows from their features. */
export function surroundingsIn(space: FeatureSpace): (features: FeatureColumns, row: number) => Surroundings {
  const columns = Object.entries(FEATURES).map(([key, name]) => {
    const column = space.specs.findIndex((spec) => spec.name === name)
    const typical = column < 0 ? undefined : space.typical(column)
    return { key, column, high: typical && 'high' in typical ? typical.high : 0 }
  })
  return (features, row) => {
    const around: Record<keyof Surroundings, number> = { ...NOTHING_AROUND }
    for (const { key, column, high } of columns) {
      const value = column < 0 ? 0 : space.shown(column, features, row)
      if (typeof value === 'number' && value > high) around[key as keyof Surroundings] = value
    }
    return around
  }
}

/** Destinations or ports in ten minutes from which a device searches, and tries of one that it makes at most. */
const TARGETS = 8
const TRIES = 4

/**
 * Whether a flow is part of a search for victims by what is around it: many destinations at one port, most without
 * success, or many ports of one destination; each tried a few times.
 */
export function searches(around: Surroundings, failed: boolean): boolean {
  const { sameTarget10m, failed10m, destinations10m, ports10m } = around
  if (sameTarget10m > TRIES) return false
  const wide = destinations10m >= TARGETS && failed10m >= 0.5 * destinations10m
  return wide || (failed && ports10m >= TARGETS)
}
