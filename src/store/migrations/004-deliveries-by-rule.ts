import type { Kysely } from 'kysely'

/** What became of a rule's alerts is asked with every incident. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('alert_deliveries_rule')
    .on('alert_deliveries')
    .columns(['rule_id', 'id'])
    .execute()
}
