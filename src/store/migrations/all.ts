import type { Kysely } from 'kysely'
import type { Migration, MigrationProvider } from 'kysely/migration'
import { up as first } from './001-first.ts'
import type { Types } from './types.ts'

const ALL: Readonly<Record<string, (db: Kysely<unknown>, types: Types) => Promise<void>>> = {
  '001-first': first,
}

/** Every migration, for one of the databases. Names sort in the order they are run. */
export function migrations(types: Types): MigrationProvider {
  const all = Object.entries(ALL).map(([name, up]): [string, Migration] => [
    name,
    { up: (db) => up(db, types) },
  ])
  return { getMigrations: () => Promise.resolve(Object.fromEntries(all)) }
}
