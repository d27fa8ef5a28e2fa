import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Intake } from '../../src/live/intake/intake.ts'
import { backup, restore } from '../../src/store/backup.ts'
import { StoreError } from '../../src/store/errors.ts'
import { openStore } from '../../src/store/store.ts'
import { TABLE_NAMES } from '../../src/store/tables.ts'
import { motewatch } from '../cli/run.ts'
import { postgresForTest } from './databases.ts'
import { tinyModel } from './tiny-model.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-backup-'))
const original = join(dir, 'original.db')
const file = join(dir, 'backup.db')
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Every row of every table, readings wherever they are. */
async function contents(url: string): Promise<Record<string, string[]>> {
  const store = await openStore(url)
  const all: Record<string, string[]> = {}
  for (const table of TABLE_NAMES) {
    const rows = await store.db.selectFrom(table).selectAll().execute()
    const name = table === 'recent_readings' ? 'readings' : table
    const texts = rows.map(({ ...row }) => {
      if (table === 'recent_readings') delete (row as { id?: number }).id
      return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
    })
    all[name] = [...(all[name] ?? []), ...texts].sort()
  }
  await store.close()
  return all
}

describe('a backup', () => {
  beforeAll(async () => {
    const store = await openStore(original)
    const { id } = await store.models.add(await tinyModel(), 'test')
    await store.models.activate(id)
    await store.events.append([{ type: 'device', data: { text: 'naïve \u{1F600}' } }])
    await store.db
      .insertInto('users')
      .values({ name: 'ann', password: 'x', role: 'admin', disabled: 0, created: 1, last_login: null })
      .execute()
    await store.db.insertInto('sessions').values({ hash: 'h', user_id: 1, created: 1, expires: 2 }).execute()
    await store.close()
    const intake = await Intake.start(original)
    const readings = Array.from({ length: 5000 }, (_, i) => ({
      id: `d${i % 7}`,
      ts: 1.7e9 + i,
      a: i / 7,
      b: null,
    }))
    await intake.write('readings', readings, 'test')
    // Taken while it is worked on.
    await backup(original, file)
    await intake.write('readings', [{ id: 'late', ts: 1.7e9, a: 1 }], 'test')
    await intake.close()
  })

  it.skipIf(process.platform === 'win32')('is for nobody else to read, as the database', () => {
    for (const path of [original, file]) expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is restored as it was, to another file and over one with --replace', async () => {
    const copy = join(dir, 'copy.db')
    await restore(file, copy)
    const expected = await contents(file)
    expect(expected.readings?.length).toBe(5000)
    expect(await contents(copy)).toEqual(expected)
    await expect(restore(file, original)).rejects.toThrow('not empty')
    await restore(file, original, true)
    expect((await contents(original)).readings?.length).toBe(5000)
  })

  it('goes to PostgreSQL and back', async ({ skip }) => {
    const database = await postgresForTest('backup')
    if (!database) return skip('there is no PostgreSQL for this machine')
    await restore(file, database.url)
    const expected = await contents(file)
    expect(await contents(database.url)).toEqual(expected)
    await expect(restore(file, database.url)).rejects.toThrow('not empty')
    const store = await openStore(database.url)
    // Numbers go on behind those restored.
    expect((await store.devices.ensure(['new'])).get('new')).toBe(8)
    await store.close()
    await restore(file, database.url, true)
    const again = join(dir, 'again.db')
    await backup(database.url, again)
    expect(await contents(again)).toEqual(expected)
  })

  it('is refused when it is damaged, no backup, or the database is in use', async () => {
    const wrong = join(dir, 'wrong.db')
    writeFileSync(wrong, 'something else')
    await expect(restore(wrong, join(dir, 'x.db'))).rejects.toThrow(StoreError)
    await expect(restore(join(dir, 'none.db'), join(dir, 'x.db'))).rejects.toThrow('does not exist')
    const store = await openStore(join(dir, 'used.db'))
    await expect(restore(file, join(dir, 'used.db'), true)).rejects.toThrow('in use')
    expect(await store.devices.count()).toBe(0)
    await store.close()
    await expect(backup(original, original)).rejects.toThrow('database itself')
    await expect(backup(original, join(dir, 'no', 'such', 'folder'))).rejects.toThrow('cannot be written')
  })

  it('is made, restored and looked into from the command line', async () => {
    const out = join(dir, 'cli.db')
    const made = await motewatch(['db', 'backup', out, '--database', original])
    expect(made.stderr).toBe('')
    await motewatch(['db', 'restore', out, '--database', join(dir, 'cli-restored.db')])
    const { stdout } = await motewatch(['db', 'stats', '--json', '--database', join(dir, 'cli-restored.db')])
    const { rows } = JSON.parse(stdout) as { rows: Record<string, number> }
    expect(rows.readings! + rows.recent_readings!).toBe(5000)
    const refused = await motewatch(['db', 'restore', out, '--database', original])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('not empty') as string])
  })
})
