import { between } from '../choices.ts'
import type { Fault } from './fault.ts'

/** The same value again and again: a frozen converter or a cached answer. Each value alone looks right. */
export const stuck: Fault = {
  name: 'stuck',
  duration: (random) => between(random, 1, 4) * 3600,
  course(metric) {
    let held: number | undefined
    return {
      description: `${metric.name} no longer changes`,
      throughout: true,
      strike(value) {
        held ??= value
        return held
      },
    }
  },
}
