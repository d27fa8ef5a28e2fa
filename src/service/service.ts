import type { Logger } from 'pino'
import type { AccessControl } from '../access/access-control.ts'
import type { Alerts } from '../alerts/alerts.ts'
import type { Config } from '../config/config.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Questions } from '../jobs/questions.ts'
import type { Schedules } from '../jobs/schedules.ts'
import type { EventsFeed } from '../live/events-feed.ts'
import type { Intake } from '../live/intake/intake.ts'
import type { Simulator } from '../live/simulator.ts'
import type { SharedModels } from '../store/shared-models.ts'
import type { Store } from '../store/store.ts'
import type { Metrics } from './metrics.ts'

/** The parts of a running service, as the API's routes see them. */
export interface Service {
  readonly config: Config
  readonly store: Store
  readonly models: SharedModels
  readonly jobs: Jobs
  readonly schedules: Schedules
  readonly simulator: Simulator
  readonly intake: Intake
  readonly questions: Questions
  readonly feed: EventsFeed
  readonly alerts: Alerts
  readonly access: AccessControl
  readonly log: Logger
  readonly metrics: Metrics
  /** Seconds since the epoch at which it was started. */
  readonly started: number
  readonly version: string
  /** What it still waits for before it can do all of its work: name -> why; empty = ready. */
  waiting(): Promise<Record<string, string>>
  /** Finishes what was begun and closes everything; a second call waits for the first. */
  stop(): Promise<void>
}
