import { describe } from 'vitest'
import { postgresDatabase } from '../postgres.ts'
import { runningOn } from './running.ts'

/** Suites about what is stored: the same requests and answers, whichever database is behind them. */
const SUITES = [
  'access',
  'alerts',
  'anomalies',
  'data',
  'detect',
  'devices',
  'events',
  'feedback',
  'idempotency',
  'models',
  'openapi',
  'schedules',
]

/** Undefined where this machine has no PostgreSQL. */
const available = await postgresDatabase('api')

describe.skipIf(!available)('on PostgreSQL', () => {
  let databases = 0
  runningOn(() => postgresDatabase(`api_${++databases}`))
  for (const suite of SUITES) describe(suite, () => import(`./${suite}.test.ts`).then(() => {}))
})
