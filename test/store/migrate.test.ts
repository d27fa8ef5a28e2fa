import { Migrator } from 'kysely/migration'
import { describe, expect, it } from 'vitest'
import { migrate, openDatabase } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/errors.ts'
import { migrations } from '../../src/store/migrations/all.ts'
import { openStore } from '../../src/store/store.ts'
import { postgresForTest, sqliteForTest } from './databases.ts'

describe.each([
  ['SQLite', sqliteForTest],
  ['PostgreSQL', () => postgresForTest('migrate')],
] as const)('migrations on %s', (_, make) => {
  it('bring a database of the first schema up to date with all that is in it', async ({ skip }) => {
    const made = await make()
    if (!made) return skip('there is no PostgreSQL for this machine')
    const old = openDatabase(made.url)
    const { error } = await new Migrator({ db: old.db, provider: migrations(old.dialect) }).migrateTo(
      '001-first',
    )
    expect(error).toBeUndefined()
    const { db } = old
    const unseen = { label: null, host_name: null, type: null, first_seen: 5, last_seen: 9, learning: null }
    await db
      .insertInto('devices')
      .values({ ...unseen, name: 'pump', created: 1 })
      .execute()
    await db.insertInto('reading_shapes').values({ metrics_json: '["a"]' }).execute()
    const metrics = Buffer.from(Float64Array.of(2.5).buffer)
    const readings = Array.from({ length: 300 }, (_, i) => ({ device_id: 1, ts: i, shape_id: 1, metrics }))
    await db.insertInto('readings').values(readings).execute()
    await old.close()

    // Two programs that start at once after an upgrade.
    const [store, other] = await Promise.all([openStore(made.url), openStore(made.url)])
    await other.close()
    const { items } = await store.readings.query({ deviceId: 1 })
    expect(items.map((r) => [r.ts, r.metrics.a])).toEqual(readings.map(({ ts }) => [ts, 2.5]))
    // What the first schema did not allow.
    await store.db.insertInto('reading_shapes').values({ metrics_json: '["b"]' }).execute()
    await store.db.insertInto('readings').values({ device_id: 1, ts: 0, shape_id: 2, metrics }).execute()
    expect((await store.readings.query({ deviceId: 1, to: 1 })).items.map((r) => r.metrics)).toEqual([
      { a: 2.5 },
      { b: 2.5 },
    ])
    expect(await migrate(store.database)).toEqual([])

    await store.db
      .insertInto('kysely_migration' as 'meta')
      .values({ name: '999-future', timestamp: 'later' } as unknown as { key: string; value: string })
      .execute()
    await store.close()
    const refused = openStore(made.url)
    await expect(refused).rejects.toThrow(StoreError)
    await expect(refused).rejects.toThrow('999-future')
    made.remove()
  })
})
