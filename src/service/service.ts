import type { Logger } from 'pino'
import type { AccessControl } from '../access/access-control.ts'
import type { Config } from '../config/config.ts'
import type { Jobs } from '../jobs/jobs.ts'
import type { Store } from '../store/store.ts'
import type { Readiness } from './readiness.ts'

/** The parts of a running service, as the API's routes see them. */
export interface Service {
  readonly config: Config
  readonly store: Store
  readonly jobs: Jobs
  readonly access: AccessControl
  readonly log: Logger
  readonly readiness: Readiness
  /** Seconds since the epoch at which it was started. */
  readonly started: number
  readonly version: string
  /** Finishes what was begun and closes everything; a second call waits for the first. */
  stop(): Promise<void>
}
