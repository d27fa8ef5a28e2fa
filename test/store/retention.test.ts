import { afterAll, describe, expect, it } from 'vitest'
import { Intake } from '../../src/live/intake/intake.ts'
import { applyRetention, downsample } from '../../src/store/retention.ts'
import { databaseStats } from '../../src/store/size.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { postgresForTest, sqliteForTest, type TestDatabase } from './databases.ts'

/** A whole hour. */
const T0 = 1_699_999_200
const HOUR = 3600
const DAY = 24 * HOUR

describe.each([
  ['SQLite', sqliteForTest],
  ['PostgreSQL', () => postgresForTest('retention')],
])('retention on %s', (_, make) => {
  const closing: (() => Promise<void> | void)[] = []
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  const READINGS = ['a', 'b'].flatMap((id) =>
    Array.from({ length: 2 * 24 * 60 }, (_, i) => ({
      id,
      ts: T0 + i * 60,
      v: i % 60,
      w: i === 0 ? 7 : null,
    })),
  )

  /** Two days of a reading a minute of two devices, and a flow an hour. */
  async function filled(database: TestDatabase): Promise<Store> {
    const store = await openStore(database.url)
    closing.push(() => store.close())
    const intake = await Intake.start(database.url)
    const flows = Array.from({ length: 48 }, (_, i) => ({
      ts: T0 + i * HOUR,
      orig_h: '10.0.0.1',
      resp_h: '10.0.0.2',
      proto: 'tcp',
    }))
    await intake.write('readings', READINGS, 'test')
    await intake.write('flows', flows, 'test')
    await intake.close()
    return store
  }

  it('keeps old readings by the hour, so that plots stay and ages and sizes are kept to', async ({
    skip,
  }) => {
    const database = await make()
    if (!database) return skip('there is no PostgreSQL for this machine')
    closing.push(() => database.remove())
    const store = await filled(database)
    const id = (await store.devices.find('a'))!.id
    const plot = () => store.readings.plot({ deviceId: id, from: T0, to: T0 + 2 * DAY }, 48)
    const before = await plot()

    // Not on the hour: the hour that is cut stays as it is.
    const removed = await applyRetention(store, { readings: 1, flows: 1 }, T0 + 2 * DAY + 1800)
    expect(removed).toEqual({ readings: 2 * 24 * 60, flows: 25 })
    const rows = (await databaseStats(store.database)).rows
    expect([rows.readings + rows.recent_readings, rows.reading_rollups, rows.flows]).toEqual([2880, 50, 23])
    expect(await plot()).toEqual(before)
    expect((await store.readings.query({ deviceId: id }, { limit: 1 })).items[0]?.ts).toBe(T0 + DAY)

    // Sent again, readings of such hours are not counted again; those of other hours, metrics and devices are new.
    const intake = await Intake.start(database.url)
    const again = await intake.write('readings', READINGS, 'test')
    expect(again).toMatchObject({ accepted: 0, duplicates: 2880, rejected: 2880 })
    expect(again.problems[0]?.message).toContain('kept as a summary')
    const old = { id: 'a', ts: T0 + 61, v: 1 }
    const others = [{ ...old, id: 'c' }, { ...old, ts: T0 - 61 }, { id: 'a', ts: T0, x: 1 }, old]
    expect(await intake.write('readings', others, 'test')).toMatchObject({ accepted: 3, rejected: 1 })
    await intake.close()
    await applyRetention(store, { readings: 1 }, T0 + 2 * DAY)
    expect((await plot()).metrics.get('v')).toEqual(before.metrics.get('v'))

    // A reading that is taken in while its hour is made joins it.
    await store.db
      .insertInto('readings')
      .columns(['device_id', 'ts', 'shape_id', 'metrics'])
      .expression((eb) =>
        eb
          .selectFrom('readings')
          .select((e) => ['device_id', e.val(T0 + 5).as('ts'), 'shape_id', 'metrics'])
          .where('device_id', '=', id)
          .limit(1),
      )
      .execute()
    await downsample(store, T0 + HOUR)
    expect((await plot()).metrics.get('v')!.n[0]).toBe(61)

    const stored = (await databaseStats(store.database)).used
    await applyRetention(store, { size: stored * 0.85 }, 0)
    const after = await databaseStats(store.database)
    expect(after.rows.readings).toBeLessThan(2880)
    expect(
      await applyRetention(store, { hours: 0, flows: 0, anomalies: 0, history: 0 }, T0 + 3 * DAY),
    ).toMatchObject({
      reading_rollups: expect.any(Number) as number,
    })
    expect((await databaseStats(store.database)).rows.reading_rollups).toBe(0)
  })
})
