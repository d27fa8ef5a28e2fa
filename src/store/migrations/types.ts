import { type ColumnBuilderCallback, type Expression, type RawBuilder, sql } from 'kysely'

/** What the two databases call the same thing. */
export interface Types {
  readonly integer: Expression<unknown> & RawBuilder<unknown>
  readonly float: Expression<unknown> & RawBuilder<unknown>
  readonly bytes: Expression<unknown> & RawBuilder<unknown>
  /** An integer key that counts up and never comes back. */
  readonly serial: RawBuilder<unknown>
  readonly identity: ColumnBuilderCallback
  /** End of a table whose rows lie in the order of the primary key, where there is such a thing. */
  readonly clustered: RawBuilder<unknown>
}

export const SQLITE: Types = {
  integer: sql`integer`,
  float: sql`real`,
  bytes: sql`blob`,
  serial: sql`integer`,
  identity: (c) => c.primaryKey().autoIncrement(),
  clustered: sql`without rowid`,
}

export const POSTGRES: Types = {
  integer: sql`bigint`,
  float: sql`double precision`,
  bytes: sql`bytea`,
  serial: sql`bigint`,
  identity: (c) => c.primaryKey().generatedByDefaultAsIdentity(),
  clustered: sql``,
}
