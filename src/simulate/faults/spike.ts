import { between, chance } from '../choices.ts'
import type { Fault } from './fault.ts'

/** Single readings far off, as from a loose contact or electrical interference; the others are right. */
export const spike: Fault = {
  name: 'spike',
  duration: (random) => between(random, 1800, 5400),
  course(metric, usual, random) {
    const height = between(random, 10, 20) * usual * (chance(random, 0.75) ? 1 : -1)
    let first = true
    return {
      description: `${metric.name} jumps by about ${height.toPrecision(3)} for single readings`,
      throughout: false,
      strike(value) {
        if (!first && !chance(random, 0.12)) return value
        first = false
        return value + height * between(random, 0.7, 1.3)
      },
    }
  },
}
