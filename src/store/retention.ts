import { sql } from 'kysely'
import { inOrder } from './in-order.ts'
import { HOURS_BEFORE } from './meta.ts'
import { Shapes } from './shapes.ts'
import { usedBytes } from './size.ts'
import type { Repositories, Store } from './store.ts'

const DAY = 86_400
const HOUR = 3600
/** Rows deleted in one transaction: others write between. */
const PORTION = 5000

/** Days for which things are kept; what is left out is kept for ever. */
export interface RetentionPolicy {
  /** Readings as they came; older ones are kept by the hour. */
  readonly readings?: number | undefined
  /** Readings by the hour. */
  readonly hours?: number | undefined
  readonly flows?: number | undefined
  /** Anomalies and incidents. */
  readonly anomalies?: number | undefined
  /** Events, alert deliveries, finished jobs and the audit log. */
  readonly history?: number | undefined
  /** Bytes; beyond it the oldest readings are kept by the hour and the oldest flows deleted, until it fits. */
  readonly size?: number | undefined
}

/** Rows that went, by table; `readings` are those that became hours. */
export type Removed = Record<string, number>

/**
 * Deletes what is older than the policy keeps, in small transactions.
 *
 * @param now seconds since the epoch that ages are counted from
 */
export async function applyRetention(
  store: Store,
  policy: RetentionPolicy,
  now: number,
  signal?: AbortSignal,
): Promise<Removed> {
  const removed: Removed = {}
  const count = (table: string, n: number) => {
    if (n > 0) removed[table] = (removed[table] ?? 0) + n
    signal?.throwIfAborted()
  }
  const before = (days: number) => now - days * DAY
  if (policy.readings !== undefined) await downsample(store, before(policy.readings), count)
  if (policy.hours !== undefined) await clear(store, 'reading_rollups', 'bucket', before(policy.hours), count)
  if (policy.flows !== undefined) await clear(store, 'flows', 'ts', before(policy.flows), count)
  if (policy.anomalies !== undefined) {
    await clear(store, 'anomalies', 'ts', before(policy.anomalies), count)
    await clear(store, 'incidents', 'last', before(policy.anomalies), count)
  }
  if (policy.history !== undefined) {
    const at = before(policy.history)
    await clear(store, 'events', 'at', at, count)
    await clear(store, 'alert_deliveries', 'created', at, count)
    await clear(store, 'jobs', 'finished', at, count)
    await clear(store, 'audit', 'at', at, count)
    await clear(store, 'idempotency', 'created', at, count)
  }
  if (policy.size !== undefined) await shrink(store, policy.size, count)
  if (Object.keys(removed).length > 0) await giveBack(store)
  return removed
}

type Count = (table: string, n: number) => void

/** Deletes the rows of `table` whose time is before `time`. */
async function clear(store: Store, table: string, column: string, time: number, count: Count): Promise<void> {
  const [t, c] = [sql.table(table), sql.ref(column)]
  const row = sql.raw(store.database.dialect === 'sqlite' ? (KEYS[table] ?? 'rowid') : 'ctid')
  for (;;) {
    const { numAffectedRows } =
      await sql`delete from ${t} where (${row}) in (select ${row} from ${t} where ${c} < ${time} limit ${PORTION})`.execute(
        store.db,
      )
    const n = Number(numAffectedRows ?? 0)
    count(table, n)
    if (n < PORTION) return
  }
}

/** Keys of the tables without a rowid. */
const KEYS: Readonly<Record<string, string>> = { reading_rollups: 'device_id, metric, bucket' }

/** Turns the readings before `time` into one row an hour and metric. */
export async function downsample(store: Store, time: number, count: Count = () => {}): Promise<void> {
  // Whole hours, so that an hour is not cut.
  const end = Math.floor(time / HOUR) * HOUR
  await store.transaction(async (tx) => {
    const before = (await tx.meta.get<number>(HOURS_BEFORE)) ?? 0
    if (end > before) await tx.meta.set(HOURS_BEFORE, end)
  })
  const devices = await store.db.selectFrom('devices').select('id').orderBy('id').execute()
  for (const { id } of devices) {
    for (;;) {
      const oldest = await store.db
        .selectFrom('readings')
        .select('ts')
        .where('device_id', '=', id)
        .where('ts', '<', end)
        .orderBy('ts')
        .limit(1)
        .executeTakeFirst()
      if (!oldest) break
      const from = Math.floor(oldest.ts / HOUR) * HOUR
      const n = await store.transaction((tx) =>
        // Writers wait: what one of them takes in is either in these hours or knows of them.
        inOrder(tx.db, store.database.dialect, 'journal', () =>
          toHours(tx, id, from, Math.min(end, from + 6 * HOUR)),
        ),
      )
      count('readings', n)
    }
  }
}

interface Hour {
  n: number
  min: number
  max: number
  sum: number
}

async function toHours({ db }: Repositories, device: number, from: number, to: number): Promise<number> {
  // Deleting tells the rows: none can come between reading and deleting.
  const rows = await db
    .deleteFrom('readings')
    .where('device_id', '=', device)
    .where('ts', '>=', from)
    .where('ts', '<', to)
    .returning(['ts', 'shape_id', 'metrics'])
    .execute()
  const shapes = await new Shapes(db, new Map()).metrics(new Set(rows.map((row) => row.shape_id)))
  const hours = new Map<string, Map<number, Hour>>()
  for (const { ts, shape_id, metrics } of rows) {
    const bucket = Math.floor(ts / HOUR) * HOUR
    const view = new DataView(metrics.buffer, metrics.byteOffset, metrics.byteLength)
    const names = shapes.get(shape_id) ?? []
    for (let j = 0; j < names.length; j++) {
      const value = view.getFloat64(j * 8, true)
      if (!Number.isNaN(value)) put(hours, names[j]!, bucket, value)
    }
  }
  const values = [...hours].flatMap(([metric, buckets]) =>
    [...buckets].map(([bucket, hour]) => ({ device_id: device, metric, bucket, ...hour })),
  )
  for (let i = 0; i < values.length; i += 500) {
    await db
      .insertInto('reading_rollups')
      .values(values.slice(i, i + 500))
      // Readings that came late join their hour.
      .onConflict((c) =>
        c.columns(['device_id', 'metric', 'bucket']).doUpdateSet({
          n: sql`reading_rollups.n + excluded.n`,
          sum: sql`reading_rollups.sum + excluded.sum`,
          min: sql`case when excluded.min < reading_rollups.min then excluded.min else reading_rollups.min end`,
          max: sql`case when excluded.max > reading_rollups.max then excluded.max else reading_rollups.max end`,
        }),
      )
      .execute()
  }
  return rows.length
}

function put(hours: Map<string, Map<number, Hour>>, metric: string, bucket: number, value: number): void {
  let buckets = hours.get(metric)
  if (!buckets) {
    buckets = new Map()
    hours.set(metric, buckets)
  }
  const hour = buckets.get(bucket)
  if (!hour) buckets.set(bucket, { n: 1, min: value, max: value, sum: value })
  else {
    hour.n++
    hour.min = Math.min(hour.min, value)
    hour.max = Math.max(hour.max, value)
    hour.sum += value
  }
}

/** Thins out the oldest tenth of readings and flows until the rest fits, or nothing is left that may go. */
async function shrink(store: Store, size: number, count: Count): Promise<void> {
  while ((await usedBytes(store.database)) > size) {
    const range = await store.db
      .selectFrom((eb) =>
        eb
          .selectFrom('readings')
          .select((e) => [e.fn.min('ts').as('first'), e.fn.max('ts').as('last')])
          .unionAll(
            eb.selectFrom('flows').select((e) => [e.fn.min('ts').as('first'), e.fn.max('ts').as('last')]),
          )
          .as('both'),
      )
      .select((eb) => [eb.fn.min('first').as('first'), eb.fn.max('last').as('last')])
      .executeTakeFirst()
    const { first, last } = range as { first: number | null; last: number | null }
    if (first === null || last === null || last - first < 2 * HOUR) return
    const until = first + Math.max(HOUR, (last - first) / 10)
    await downsample(store, until, count)
    await clear(store, 'flows', 'ts', until, count)
  }
}

/** Gives the space of deleted rows back to the system. */
async function giveBack({ database, db }: Store): Promise<void> {
  if (database.dialect === 'postgres') {
    await sql`vacuum (analyze) readings, flows, anomalies, events`.execute(db)
    return
  }
  for (;;) {
    const { rows } = await sql<{ n: number }>`select freelist_count as n from pragma_freelist_count`.execute(
      db,
    )
    const free = rows[0]?.n ?? 0
    if (free === 0) return
    await sql`pragma incremental_vacuum(2000)`.execute(db)
    const after = await sql<{ n: number }>`select freelist_count as n from pragma_freelist_count`.execute(db)
    if ((after.rows[0]?.n ?? 0) >= free) return
  }
}
