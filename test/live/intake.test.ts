import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { afterAll, describe, expect, it } from 'vitest'
import { Intake } from '../../src/live/intake/intake.ts'
import { Busy, StoreFull } from '../../src/store/errors.ts'
import { openStore } from '../../src/store/store.ts'
import { postgresForTest, sqliteForTest } from '../store/databases.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-intake-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const records = (device: string, from: number, n: number) =>
  Array.from({ length: n }, (_, i) => ({ id: device, ts: 1_700_000_000 + from + i, v: i, w: Math.sin(i) }))

describe.each([
  ['SQLite', sqliteForTest, 4],
  ['PostgreSQL', () => postgresForTest('intake'), 2],
] as const)('intake on %s', (_, make, kills) => {
  it('keeps every acknowledged record once when it is killed', async ({ skip }) => {
    const database = await make()
    if (!database) return skip('there is no PostgreSQL for this machine')
    await (await openStore(database.url)).close()
    let next = 0
    for (let kill = 0; kill < kills; kill++) {
      const child = spawn(process.execPath, [
        join(import.meta.dirname, 'intake-child.ts'),
        database.url,
        'd',
        String(next),
      ])
      const gone = once(child, 'exit')
      let told = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text
        // Somewhere in the middle of a body.
        if (told.split('\n').length === 8 + 3 * kill)
          setTimeout(() => child.kill('SIGKILL'), Math.random() * 10)
      })
      await gone
      const lines = told.split('\n').slice(0, -1)
      expect(lines.length).toBeGreaterThan(5)
      expect(lines.every((line) => line.endsWith(' 50'))).toBe(true)
      // The body after the last acknowledged one is sent again.
      next += lines.length
    }
    const store = await openStore(database.url)
    const device = (await store.devices.find('d'))!
    const { items } = await store.readings.query({ deviceId: device.id }, { limit: 1_000_000 })
    const seconds = items.map((reading) => reading.ts - 1_700_000_000)
    // Whole bodies, without a gap, one body more than acknowledged at most.
    expect(seconds).toEqual(Array.from({ length: seconds.length }, (_, i) => i))
    expect([next * 50, next * 50 + 50]).toContain(seconds.length)
    // Every accepted record is in the journal once, to be judged once.
    const journal = await store.journal.after(0, 100_000)
    const judged = journal.flatMap(({ batch }) => [...batch.ts].map((ts) => ts - 1_700_000_000))
    expect(judged).toEqual(seconds)
    await store.close()
    database.remove()
  })
})

describe('intake', () => {
  it('waits for a lock, and says so when it lasts', async () => {
    const url = join(folder, 'locked.db')
    const store = await openStore(url)
    const intake = await Intake.start(url)
    const other = new SQLite(url)
    other.exec('begin immediate')
    const waiting = intake.write('readings', records('a', 0, 10), 'test')
    // Reading goes on meanwhile.
    expect(await store.devices.find('a')).toBeUndefined()
    setTimeout(() => other.exec('commit'), 300)
    expect(await waiting).toMatchObject({ accepted: 10 })
    other.close()
    await intake.close()
    await store.close()
  })

  it('refuses more than it has room for', async () => {
    const url = join(folder, 'busy.db')
    await (await openStore(url)).close()
    const intake = await Intake.start(url)
    const body = Buffer.alloc(40 << 20, 'x')
    const first = intake.write('readings', body, 'test')
    await expect(intake.write('readings', body, 'test')).rejects.toThrow(Busy)
    expect(intake.state().refused).toBe(1)
    expect(await first).toMatchObject({ read: 1, rejected: 1 })
    await intake.close()
    await expect(intake.write('readings', [], 'test')).rejects.toThrow(Busy)
  })

  it('loses nothing acknowledged on a full disk, and goes on when there is room', async ({ skip }) => {
    const disk = join(folder, 'disk')
    spawnSync('mkdir', [disk])
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk])
    if (mounted.status !== 0) return skip('a small disk can only be mounted by root')
    try {
      const url = join(disk, 'motewatch.db')
      const store = await openStore(url)
      const intake = await Intake.start(url)
      let accepted = 0
      let error: unknown
      for (let k = 0; k < 60 && !error; k++) {
        await intake.write('readings', records('a', k * 500, 500), 'test').then(
          (result) => {
            accepted += result.accepted
          },
          (e: unknown) => {
            error = e
          },
        )
      }
      expect(error).toBeInstanceOf(StoreFull)
      spawnSync('mount', ['-o', 'remount,size=30m', disk])
      expect(await intake.write('readings', records('b', 0, 500), 'test')).toMatchObject({ accepted: 500 })
      await intake.close()
      const { id } = (await store.devices.find('a'))!
      const { items } = await store.readings.query({ deviceId: id }, { limit: 1_000_000 })
      expect(items.length).toBe(accepted)
      await store.close()
    } finally {
      spawnSync('umount', ['-l', disk])
    }
  })
})
