import type { Random } from '../../kernels/random.ts'
import type { Metric } from '../metric.ts'

/** One fault of one metric, at work. */
export interface FaultCourse {
  readonly description: string
  /**
   * The faulty value in place of `value`: the same number when this reading is not struck, undefined when the
   * whole reading is lost.
   *
   * @param progress 0 at the start of the fault, 1 at its end
   */
  strike(value: number, progress: number): number | undefined
  /** Whether every reading within the fault is faulty, even one whose value happens to be right. */
  readonly throughout: boolean
}

/** A kind of sensor fault. */
export interface Fault {
  readonly name: string
  /** How long it lasts, seconds. */
  duration(random: Random): number
  /** @param usual standard deviation of the metric while its site does nothing special */
  course(metric: Metric, usual: number, random: Random): FaultCourse
}
