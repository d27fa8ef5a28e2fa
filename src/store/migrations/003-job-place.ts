import type { Kysely } from 'kysely'

/** A job about a file says where that is: services on one database need not have one folder. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('jobs').addColumn('place', 'text').execute()
}
