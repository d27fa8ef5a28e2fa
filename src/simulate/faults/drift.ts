import { between, chance } from '../choices.ts'
import type { Fault } from './fault.ts'

/** The value moves away little by little, as an ageing or fouled sensor's does. Hardly visible at first. */
export const drift: Fault = {
  name: 'drift',
  duration: (random) => between(random, 3, 8) * 3600,
  course(metric, usual, random) {
    const reach = between(random, 10, 16) * usual * (chance(random, 0.5) ? 1 : -1)
    return {
      description: `${metric.name} drifts by ${reach.toPrecision(3)} in the end`,
      throughout: true,
      strike: (value, progress) => value + reach * progress,
    }
  },
}
