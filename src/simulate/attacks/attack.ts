import type { Random } from '../../kernels/random.ts'
import type { Conversation } from '../conversation.ts'
import type { Scene } from '../talk.ts'

/** How one attack goes, once device and time are known. */
export interface AttackCourse {
  readonly variant: string
  /** IoT-23's word for it where it has one. */
  readonly detailed_label: string
  readonly targets: readonly string[]
  readonly description: string
  /** Its conversations in order of time; the labels are put on by the simulation. */
  readonly conversations: Iterable<Conversation>
}

/** A kind of attack that an infected device may commit. */
export interface Attack {
  readonly name: string
  /** Longest time it takes, seconds. */
  duration(random: Random): number
  /** Its course by `scene.host` within [scene.start, scene.end). */
  course(scene: Scene): AttackCourse
}
