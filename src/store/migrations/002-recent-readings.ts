import { type Kysely, sql } from 'kysely'
import type { Types } from './types.ts'

/**
 * Readings of one device and time with other metrics are kept apart: the shape is part of the key. A small table takes
 * readings first, and flows are listed by time.
 */
export async function up(db: Kysely<unknown>, t: Types, dialect: 'sqlite' | 'postgres'): Promise<void> {
  if (dialect === 'postgres') {
    await sql`alter table readings drop constraint readings_pk,
      add constraint readings_pk primary key (device_id, ts, shape_id)`.execute(db)
  } else {
    await db.schema
      .createTable('keyed_readings')
      .addColumn('device_id', t.integer, (c) => c.notNull())
      .addColumn('ts', t.float, (c) => c.notNull())
      .addColumn('shape_id', t.integer, (c) => c.notNull())
      .addColumn('metrics', t.bytes, (c) => c.notNull())
      .addPrimaryKeyConstraint('keyed_readings_pk', ['device_id', 'ts', 'shape_id'])
      .modifyEnd(t.clustered)
      .execute()
    await sql`insert into keyed_readings select device_id, ts, shape_id, metrics from readings`.execute(db)
    await db.schema.dropTable('readings').execute()
    await sql`alter table keyed_readings rename to readings`.execute(db)
  }
  const { schema } = db
  await schema.dropTable('recent_readings').ifExists().execute()
  await schema
    .createTable('recent_readings')
    .addColumn('id', t.serial, t.identity)
    .addColumn('device_id', t.integer, (c) => c.notNull())
    .addColumn('ts', t.float, (c) => c.notNull())
    .addColumn('shape_id', t.integer, (c) => c.notNull())
    .addColumn('metrics', t.bytes, (c) => c.notNull())
    .execute()
  await schema.dropIndex('flows_device_ts').execute()
  await schema.createIndex('flows_device_ts').on('flows').columns(['device_id', 'ts', 'id']).execute()
  await schema.createIndex('flows_ts').ifNotExists().on('flows').columns(['ts', 'id']).execute()
}
