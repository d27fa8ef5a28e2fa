import { between, chance } from '../choices.ts'
import type { Fault } from './fault.ts'

/** Most readings do not arrive; those that do are right. */
export const dropout: Fault = {
  name: 'dropout',
  duration: (random) => between(random, 1, 3) * 3600,
  course(_metric, _usual, random) {
    const lost = between(random, 0.8, 0.93)
    return {
      description: `${Math.round(lost * 100)} % of the readings are lost`,
      throughout: true,
      strike: (value) => (chance(random, lost) ? undefined : value),
    }
  },
}
