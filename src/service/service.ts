import type { Config } from '../config/config.ts'
import type { Database } from '../store/database.ts'

/** The parts of a running service, as the API's routes see them. */
export interface Service {
  readonly config: Config
  readonly database: Database
  /** Seconds since the epoch at which it was started. */
  readonly started: number
  readonly version: string
}
