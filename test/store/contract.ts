import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Intake } from '../../src/live/intake/intake.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import type { Incident } from '../../src/schema/incident.ts'
import { CursorError, StoreError } from '../../src/store/errors.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import type { TestDatabase } from './databases.ts'
import { tinyModel } from './tiny-model.ts'

/** What a store does, whichever database is below. The tests build on one another's rows as little as they can. */
export function storeContract(make: () => Promise<TestDatabase | undefined>): void {
  let database: TestDatabase
  let store: Store
  let other: Store
  let intake: Intake

  beforeAll(async () => {
    const made = await make()
    if (!made) return
    database = made
    // Two at once, as a service and a command line would.
    ;[store, other] = await Promise.all([openStore(database.url), openStore(database.url)])
    intake = await Intake.start(database.url)
  })
  afterAll(async () => {
    await intake?.close()
    await Promise.all([store?.close(), other?.close()])
    database?.remove()
  })
  const test = (name: string, work: () => Promise<void>) =>
    it(name, async ({ skip }) => {
      if (!database) skip('there is no PostgreSQL for this machine')
      await work()
    })

  test('knows devices by number and by name', async () => {
    const ids = await store.devices.ensure(['pump', '7', 'pump'])
    const again = await other.devices.ensure(['7', 'fan'])
    expect(again.get('7')).toBe(ids.get('7'))
    expect((await store.devices.find('pump'))?.id).toBe(ids.get('pump'))
    expect((await store.devices.find(ids.get('pump')!))?.name).toBe('pump')
    expect((await store.devices.find('7'))?.name).toBe('7')
    expect(await store.devices.find('nobody')).toBeUndefined()
    expect(await store.devices.find('1e999')).toBeUndefined()
    await store.devices.update(ids.get('pump')!, { label: 'Main 100% Pump', type: 'pump' })
    await store.devices.seen([{ id: ids.get('pump')!, first: 20, last: 30, readings: 2 }])
    await store.devices.seen([{ id: ids.get('pump')!, first: 10, last: 15, readings: 1 }])
    const pump = await store.devices.find('pump')
    expect(pump).toMatchObject({
      label: 'Main 100% Pump',
      first_seen: 10,
      last_seen: 30,
      readings: 3,
      learning: null,
    })
    const found = await store.devices.list({ search: '100% p' })
    expect(found.items.map((d) => d.name)).toEqual(['pump'])
    expect((await store.devices.list({ search: '100_ p' })).items).toEqual([])
  })

  test('counts readings of a device once, also while they are moved', async () => {
    const sent = Array.from({ length: 40 }, (_, i) => JSON.parse(reading('moving', i, { v: i })) as unknown)
    await intake.write('readings', sent, 'test')
    const { id } = (await store.devices.find('moving'))!
    const count = async () => (await store.devices.find(id))!.readings
    await expect.poll(async () => (await readingsIn('readings')).length, { timeout: 5000 }).toBe(40)
    let moving = true
    // As the writer does, there and back.
    const mover = (async () => {
      for (let there = false; moving; there = !there) {
        const [from, to] = there
          ? (['recent_readings', 'readings'] as const)
          : (['readings', 'recent_readings'] as const)
        await other.transaction(async (tx) => {
          await tx.db
            .insertInto(to)
            .columns(['device_id', 'ts', 'shape_id', 'metrics'])
            .expression((eb) =>
              eb
                .selectFrom(from)
                .select(['device_id', 'ts', 'shape_id', 'metrics'])
                .where('device_id', '=', id),
            )
            .execute()
          await tx.db.deleteFrom(from).where('device_id', '=', id).execute()
          await tx.db
            .updateTable('devices')
            .set((eb) => ({
              readings: eb('readings', '+', there ? 40 : -40),
              first_seen: there ? T0 : null,
              last_seen: there ? T0 + 39 : null,
            }))
            .where('id', '=', id)
            .execute()
        })
      }
    })()
    try {
      for (let i = 0; i < 100; i++) {
        const device = (await store.devices.find(id))!
        expect(device).toMatchObject({ readings: 40, first_seen: T0, last_seen: T0 + 39 })
      }
    } finally {
      moving = false
      await mover
    }
    expect(await count()).toBe(40)

    function readingsIn(table: 'readings') {
      return store.db.selectFrom(table).select('ts').where('device_id', '=', id).execute()
    }
  })

  test('pages through every device once', async () => {
    await store.devices.ensure(Array.from({ length: 25 }, (_, i) => `paged ${i}`))
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await store.devices.list({ search: 'paged' }, 10, cursor)
      names.push(...page.items.map((d) => d.name))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect(new Set(names).size).toBe(25)
    expect(names.length).toBe(25)
    await expect(store.devices.list({}, 10, 'nonsense')).rejects.toThrow(CursorError)
  })

  test('takes readings in once, with all that is said about wrong ones', async () => {
    const body = Buffer.from(
      [
        reading('m1', 0, { temperature: 20, humidity: 40 }),
        reading('m1', 1, { temperature: 21, humidity: null }),
        reading('m1', 1, { vibration: 3 }),
        reading('m1', 0, { temperature: 20, humidity: 40 }),
        reading('m1', 0, { temperature: 99, humidity: 40 }),
        '{"id":"m1"}',
        'nonsense',
        '7',
        reading('m2', 5, { on: true }),
      ].join('\r\n'),
    )
    const first = await intake.write('readings', body, 'test')
    expect(first).toMatchObject({ read: 9, accepted: 4, duplicates: 1, rejected: 4 })
    expect(first.problems.map((p) => [p.record, p.path]).sort()).toEqual([
      [4, ''],
      [5, 'timestamp'],
      [6, ''],
      [7, ''],
    ])
    const second = await intake.write('readings', body, 'test')
    expect(second).toMatchObject({ read: 9, accepted: 0, duplicates: 5, rejected: 4 })
    const id = (await store.devices.find('m1'))!.id
    const { items } = await store.readings.query({ deviceId: id })
    expect(items.map((r) => [r.ts - T0, r.metrics])).toEqual([
      [0, { temperature: 20, humidity: 40 }],
      [1, { temperature: 21, humidity: Number.NaN }],
      [1, { vibration: 3 }],
    ])
    const m2 = (await store.devices.find('m2'))!.id
    expect((await store.readings.last(m2))?.metrics).toEqual({ on: 1 })
  })

  test('pages through readings both ways, whatever is moved meanwhile', async () => {
    const all = Array.from({ length: 50 }, (_, i) => JSON.parse(reading('paging', i, { v: i })) as unknown)
    for (let i = 0; i < 50; i += 10) await intake.write('readings', all.slice(i, i + 10), 'test')
    const id = (await store.devices.find('paging'))!.id
    for (const newestFirst of [false, true]) {
      const values: number[] = []
      let cursor: string | undefined
      do {
        const page = await store.readings.query(
          { deviceId: id, from: T0 + 5 },
          { limit: 7, cursor, newestFirst },
        )
        values.push(...page.items.map((r) => r.metrics.v!))
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
      const expected = Array.from({ length: 45 }, (_, i) => i + 5)
      expect(values).toEqual(newestFirst ? expected.reverse() : expected)
    }
  })

  test('plots a time in intervals, old hours included', async () => {
    await intake.write(
      'readings',
      Array.from({ length: 60 }, (_, i) => JSON.parse(reading('plot', i, { v: i, w: 1 })) as unknown),
      'test',
    )
    const id = (await store.devices.find('plot'))!.id
    await store.db
      .insertInto('reading_rollups')
      .values({ device_id: id, metric: 'v', bucket: T0 + 30, n: 10, min: -5, max: 500, sum: 100 })
      .execute()
    const plot = await store.readings.plot({ deviceId: id, from: T0, to: T0 + 60, metrics: ['v'] }, 6)
    expect(plot.step).toBe(10)
    expect([...plot.metrics.keys()]).toEqual(['v'])
    const v = plot.metrics.get('v')!
    expect([...v.n]).toEqual([10, 10, 10, 20, 10, 10])
    expect([...v.min]).toEqual([0, 10, 20, -5, 40, 50])
    expect([...v.max]).toEqual([9, 19, 29, 500, 49, 59])
    expect(v.mean[3]).toBe((345 + 100) / 20)
  })

  test('takes flows in once and knows their device', async () => {
    const flow = {
      ts: T0,
      'id.orig_h': '192.168.1.5',
      'id.orig_p': 4000,
      'id.resp_h': '8.8.8.8',
      'id.resp_p': 53,
      proto: 'udp',
      orig_bytes: 40,
    }
    const wrong = { ...flow, 'id.resp_p': 70_000 }
    const result = await intake.write('flows', [flow, { ...flow, ts: T0 + 1 }, flow, wrong], 'test')
    expect(result).toMatchObject({ read: 4, accepted: 2, duplicates: 1, rejected: 1 })
    expect(result.problems).toMatchObject([{ record: 3, path: 'resp_p' }])
    const device = (await store.devices.find('192.168.1.5'))!
    const { items } = await store.flows.query({ deviceId: device.id }, { newestFirst: true })
    expect(items.map((f) => f.ts - T0)).toEqual([1, 0])
    expect(items[0]).toMatchObject({ proto: 17, resp_p: 53, orig_bytes: 40, resp_bytes: null })
    expect(device).toMatchObject({ flows: 2, first_seen: T0, last_seen: T0 + 1 })
  })

  test('keeps what was accepted in the journal, in order, until it is trimmed', async () => {
    const before = (await store.journal.after(0, 10_000)).at(-1)?.seq ?? 0
    await intake.write('readings', [JSON.parse(reading('j', 1, { a: 1, b: 2 }))], 'test')
    await intake.write('readings', [JSON.parse(reading('j', 1, { a: 1, b: 2 }))], 'test')
    await intake.write(
      'readings',
      [JSON.parse(reading('j', 2, { b: 3 })), JSON.parse(reading('k', 2, { a: 4 }))],
      'x',
    )
    const entries = await store.journal.after(before)
    expect(entries.map((e) => [e.source, e.batch.length])).toEqual([
      ['test', 1],
      ['x', 2],
    ])
    const { batch } = entries[1]!
    if (batch.kind !== 'readings') throw new Error('expected readings')
    expect([...batch.ts]).toEqual([T0 + 2, T0 + 2])
    expect([...batch.metrics.get('a')!]).toEqual([Number.NaN, 4])
    expect(batch.device.values).toEqual(['j', 'k'])
    expect(await store.journal.backlog(before)).toMatchObject({ entries: 2, records: 3 })
    await store.transaction(async (tx) => {
      await tx.engines.save('live', { seq: entries[0]!.seq, models: 'm', state: Uint8Array.of(1, 2) })
      await tx.journal.trim(entries[0]!.seq)
    })
    expect((await store.journal.after(0)).map((e) => e.seq)).toEqual([entries[1]!.seq])
    const state = await other.engines.load('live')
    expect([state?.seq, [...(state?.state ?? [])]]).toEqual([entries[0]!.seq, [1, 2]])
  })

  test('lists anomalies newest first, those without a time last, each once', async () => {
    const [device] = (await store.devices.ensure(['anomalous'])).values()
    const rows = [5, 3, Number.NaN, 9, 3, Number.NaN].map((t, i) => ({
      uid: `list:${i}`,
      deviceId: device!,
      incidentId: null,
      origin: 'list',
      anomaly: anomaly(t, i % 2 ? 'spike' : 'drift', 0.5 + i / 20),
    }))
    const added = await store.anomalies.insert(rows)
    expect(added.length).toBe(6)
    expect(await other.anomalies.insert(rows)).toEqual([])
    const found: (number | null)[] = []
    let cursor: string | undefined
    do {
      const page = await store.anomalies.list({ origin: 'list' }, 2, cursor)
      found.push(...page.items.map((a) => a.ts))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    expect(found).toEqual([9, 5, 3, 3, null, null])
    const list = async (filter: Parameters<Store['anomalies']['list']>[0]) =>
      (await store.anomalies.list({ origin: 'list', ...filter })).items.map((a) => a.uid)
    expect(await list({ types: ['spike'] })).toEqual(['list:3', 'list:1', 'list:5'])
    expect(await list({ minConfidence: 0.7 })).toEqual(['list:4', 'list:5'])
    expect(await list({ from: 3, to: 9 })).toEqual(['list:0', 'list:4', 'list:1'])
    const { id } = added[0]!
    expect(await store.anomalies.acknowledge(id)).toMatchObject({ state: 'acknowledged' })
    expect(await store.anomalies.setFeedback(id, 'expected')).toMatchObject({ feedback: 'expected' })
    expect(await list({ state: 'acknowledged' })).toEqual([added[0]!.uid])
    expect(await list({ feedback: 'expected' })).toEqual([added[0]!.uid])
    await store.anomalies.comment(id, 'ann', 'seen')
    expect(await store.anomalies.comments(id)).toMatchObject([{ author: 'ann', text: 'seen' }])
    expect(await store.anomalies.comment(1e9, 'ann', 'no')).toBeUndefined()
  })

  test('replaces an incident as it becomes, its acknowledgement apart', async () => {
    const uid = 'incident:1'
    const ids = await store.incidents.upsert([{ uid, origin: 'o', incident: incident(1) }])
    const id = ids.get(uid)!
    await store.incidents.acknowledge(id)
    const again = await store.incidents.upsert([{ uid, origin: 'o', incident: incident(7) }])
    expect(again.get(uid)).toBe(id)
    expect(await store.incidents.get(id)).toMatchObject({ count: 7, state: 'acknowledged' })
    expect((await store.incidents.list({ origin: 'o' })).items.map((i) => i.id)).toEqual([id])
  })

  test('has one active model a kind and goes back', async () => {
    const bytes = await tinyModel()
    const [a, b] = [await store.models.add(bytes, 'test', 'first'), await store.models.add(bytes, 'test')]
    expect(b).toMatchObject({ kind: 'readings', active: 0, name: `readings ${b.id}`, size: bytes.length })
    await store.models.activate(a.id)
    await store.models.activate(b.id)
    expect((await other.models.active('readings'))?.id).toBe(b.id)
    expect((await store.models.bundles()).map((m) => m.kind)).toEqual(['readings'])
    expect(Buffer.from((await store.models.bytes(b.id))!).equals(Buffer.from(bytes))).toBe(true)
    await expect(store.models.remove(b.id)).rejects.toThrow(StoreError)
    expect((await store.models.rollBack('readings')).id).toBe(a.id)
    expect(await store.models.remove(b.id)).toBe(true)
    await expect(store.models.rollBack('flows')).rejects.toThrow('no earlier model')
    await expect(store.models.add(bytes.slice(0, 100), 'test')).rejects.toThrow()
  })

  test('keeps all of a transaction or nothing', async () => {
    const failing = store.transaction(async (tx) => {
      await tx.devices.ensure(['never'])
      await tx.events.append([{ type: 'device', data: {} }])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await store.devices.find('never')).toBeUndefined()
  })

  test('does not wait for an open transaction when reading', async () => {
    await store.transaction(async (tx) => {
      await tx.devices.ensure(['half'])
      expect(await store.devices.find('half')).toBeUndefined()
      expect(await other.devices.find('half')).toBeUndefined()
    })
    expect((await other.devices.find('half'))?.name).toBe('half')
  })

  test('tells events of every writer, in order and none twice', async () => {
    const start = await store.events.last()
    const seen: number[] = []
    const told: unknown[] = []
    const stop = store.events.tail(start, (events) => {
      seen.push(...events.map((e) => e.seq))
      told.push(...events.map((e) => JSON.parse(e.data_json) as unknown))
    })
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 ? store : other).transaction(async (tx) => {
          await tx.meta.set(`event ${i}`, i)
          await tx.events.append([
            { type: 'job', data: i },
            { type: 'job', data: i },
          ])
        }),
      ),
    )
    for (let tries = 0; told.length < 80 && tries < 100; tries++) await pause(50)
    stop()
    expect(told.length).toBe(80)
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
    expect(new Set(told).size).toBe(40)
    expect((await store.events.after(seen[9]!, 3)).map((e) => e.seq)).toEqual(seen.slice(10, 13))
    expect(await store.meta.get('event 7')).toBe(7)
  })

  test('loses nothing to two writers at once', async () => {
    const second = await Intake.start(database.url)
    const bodies = Array.from({ length: 30 }, (_, k) =>
      Array.from({ length: 20 }, (_, i) => JSON.parse(reading(`w${i % 4}`, k * 20 + i, { v: k })) as unknown),
    )
    // Each body to both: one of them is told that it is there already.
    const results = await Promise.all(
      bodies.flatMap((body) => [intake.write('readings', body, 'a'), second.write('readings', body, 'b')]),
    )
    await second.close()
    const sum = (key: 'accepted' | 'duplicates' | 'rejected') => results.reduce((n, r) => n + r[key], 0)
    expect([sum('accepted'), sum('duplicates'), sum('rejected')]).toEqual([600, 600, 0])
    let stored = 0
    for (let i = 0; i < 4; i++) {
      const id = (await store.devices.find(`w${i}`))!.id
      stored += (await store.readings.query({ deviceId: id })).items.length
    }
    expect(stored).toBe(600)
  })
}

const T0 = 1_700_000_000

function reading(id: string, second: number, metrics: Record<string, number | boolean | null>): string {
  return JSON.stringify({ id, timestamp: new Date((T0 + second) * 1000).toISOString(), ...metrics })
}

function anomaly(timestamp: number, type: Anomaly['type'], confidence: number): Anomaly {
  return {
    incident: 1,
    device: 'anomalous',
    timestamp,
    type,
    confidence,
    p_value: 0.001,
    model_confidence: {},
    affected_features: [],
    description: 'unlike the others',
    record: 0,
    source: 'test',
    fields: {},
  } as unknown as Anomaly
}

function incident(count: number): Incident {
  const one = anomaly(1, 'spike', 0.9)
  const none = { distinct: 0, top: [] }
  return {
    id: 1,
    kind: 'readings',
    type: 'spike',
    devices: [{ device: 'anomalous', count }],
    first: 1,
    last: Number.NaN,
    count,
    addresses: none,
    ports: none,
    features: none,
    highest_confidence: 0.9,
    confidence: 0.9,
    evidence: 3,
    description: 'd',
    strongest: one,
    first_anomaly: one,
    last_anomaly: one,
  } as unknown as Incident
}
