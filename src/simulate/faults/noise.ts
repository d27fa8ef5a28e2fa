import { between } from '../choices.ts'
import type { Fault } from './fault.ts'

/** Right on average but far too restless, as with a broken shield or ground. */
export const noise: Fault = {
  name: 'noise',
  duration: (random) => between(random, 1, 3) * 3600,
  course(metric, usual, random) {
    const spread = between(random, 4, 8) * usual
    return {
      description: `${metric.name} scatters by ${spread.toPrecision(3)}`,
      throughout: true,
      strike: (value) => value + spread * random.normal(),
    }
  },
}
