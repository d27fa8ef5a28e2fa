import type { Kysely } from 'kysely'
import type { Migration, MigrationProvider } from 'kysely/migration'
import { up as first } from './001-first.ts'
import { up as recentReadings } from './002-recent-readings.ts'
import { up as jobPlace } from './003-job-place.ts'
import { up as deliveriesByRule } from './004-deliveries-by-rule.ts'
import { POSTGRES, SQLITE, type Types } from './types.ts'

type Dialect = 'sqlite' | 'postgres'

const ALL: Readonly<Record<string, (db: Kysely<unknown>, types: Types, dialect: Dialect) => Promise<void>>> =
  {
    '001-first': first,
    '002-recent-readings': recentReadings,
    '003-job-place': jobPlace,
    '004-deliveries-by-rule': deliveriesByRule,
  }

/** Every migration, for one of the databases. Names sort in the order they are run. */
export function migrations(dialect: Dialect): MigrationProvider {
  const types = dialect === 'sqlite' ? SQLITE : POSTGRES
  const all = Object.entries(ALL).map(([name, up]): [string, Migration] => [
    name,
    { up: (db) => up(db, types, dialect) },
  ])
  return { getMigrations: () => Promise.resolve(Object.fromEntries(all)) }
}
