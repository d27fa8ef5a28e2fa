import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Intake } from '../../src/live/intake/intake.ts'
import { Simulator, stretch } from '../../src/live/simulator.ts'
import { openStore, type Store } from '../../src/store/store.ts'

let folder: string
let store: Store
let intake: Intake

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'motewatch-simulator-'))
  store = await openStore(join(folder, 'test.db'))
  intake = await Intake.start(store.database.url)
})
afterAll(async () => {
  await intake.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('demo devices', () => {
  it('live from the last hour on, go on after a restart, and keep their data when switched off', async () => {
    const errors: unknown[] = []
    const simulator = new Simulator(store, intake, (error) => errors.push(error))
    await simulator.start()
    expect(simulator.state).toEqual({ on: false, devices: 14, since: null, sent: 0 })
    const before = Date.now() / 1000
    expect(await simulator.switch(true, 10)).toMatchObject({ on: true, devices: 10 })
    // Sent when the hour is in: from then on records come one by one.
    await expect.poll(() => simulator.state.sent, { timeout: 20_000 }).toBeGreaterThan(300)
    const list = async () => (await store.devices.list({}, 1000)).items
    // Devices hear of their readings a second later.
    await expect
      .poll(async () => (await list()).some(({ readings }) => readings > 50), { timeout: 5000 })
      .toBe(true)
    const devices = await list()
    expect(devices.length).toBeGreaterThan(10)
    expect(devices.some(({ flows }) => flows > 5)).toBe(true)
    for (const { first_seen, last_seen } of devices) {
      expect(first_seen).toBeGreaterThan(before - 3602)
      expect(last_seen).toBeLessThanOrEqual(Date.now() / 1000)
    }
    await simulator.stop()
    const rows = async () =>
      (await store.readings.query({ deviceId: devices[0]!.id }, { limit: 10_000 })).items
    const first = await rows()

    const next = new Simulator(store, intake, (error) => errors.push(error))
    await next.start()
    expect(next.state).toMatchObject({ on: true, devices: 10 })
    await new Promise((done) => setTimeout(done, 1500))
    const second = await rows()
    expect(second.slice(0, first.length)).toEqual(first)
    expect(second.length - first.length).toBeLessThan(3)

    await next.switch(false)
    expect(next.state).toMatchObject({ on: false, since: null })
    expect(await rows()).toHaveLength(second.length)
    expect(errors).toEqual([])
  })

  it('are the same whenever one looks, and something happens to them', () => {
    const start = 1_763_856_000
    const records = [...stretch(start, 14)]
    expect(records.every(({ ts }, i) => i === 0 || records[i - 1]!.ts <= ts)).toBe(true)
    expect(records[0]!.ts).toBeGreaterThanOrEqual(start - 1)
    expect(records.at(-1)!.ts).toBeLessThan(start + 6 * 3600 + 60)
    expect(JSON.stringify(records.slice(0, 500))).toBe(JSON.stringify([...stretch(start, 14)].slice(0, 500)))
    const happened = new Set(
      records.map((r) => ('flow' in r ? r.flow.detailed_label : r.reading.detailed_label)),
    )
    expect(happened.size).toBeGreaterThan(8)
  })
})
