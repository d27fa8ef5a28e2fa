import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { settings } from '../../src/config/settings.ts'
import { configYaml, shownConfig } from '../../src/config/show.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function yaml(text: string): string {
  const file = join(folder, 'm.yaml')
  writeFileSync(file, text)
  return file
}

const failure = (sources: Parameters<typeof loadConfig>[0]) =>
  loadConfig({ env: {}, ...sources }).then(
    () => '',
    (error: Error) => error.message,
  )

describe('configuration', () => {
  it('is complete without any source', async () => {
    const { config, origins } = await loadConfig({ env: {} })
    expect(config).toMatchObject({ host: '127.0.0.1', port: 5000, access: { sessionHours: 168 } })
    expect(origins.size).toBe(0)
  })

  it('comes from the file, the environment above it, options above that; each value tells from where', async () => {
    const file = yaml('# first line\nport: 1\nhost: ::1\ndatabase: a.db\naccess:\n  sessionHours: 2\n')
    const loaded = await loadConfig({
      file,
      env: {
        MOTEWATCH_HOST: 'localhost',
        MOTEWATCH_PORT: '2',
        MOTEWATCH_ACCESS_TRUST_PROXY: '10.0.0.1, 10.1.0.0/16',
      },
      options: { port: 3, database: undefined },
    })
    expect(loaded.config).toMatchObject({
      port: 3,
      host: 'localhost',
      database: 'a.db',
      access: { sessionHours: 2, trustProxy: ['10.0.0.1', '10.1.0.0/16'] },
    })
    expect(shownConfig(loaded)).toMatchObject({
      port: { value: 3, from: '--port' },
      host: { from: 'MOTEWATCH_HOST' },
      database: { from: `${file}:4` },
      'access.sessionHours': { value: 2, from: `${file}:6` },
      log: { value: 'info', from: 'default' },
    })
  })

  it('takes a value from a file that a variable names', async () => {
    const secret = join(folder, 'url')
    writeFileSync(secret, 'postgres://u:p@h/d\n')
    const { config } = await loadConfig({ env: { MOTEWATCH_DATABASE_FILE: secret } })
    expect(config.database).toBe('postgres://u:p@h/d')
    expect(await failure({ env: { MOTEWATCH_DATABASE_FILE: '/none' } })).toContain(
      'MOTEWATCH_DATABASE_FILE: /none',
    )
  })

  it('names every wrong value with its place', async () => {
    const message = await failure({
      file: yaml('port: many\naccess:\n  sessionHours: 0\n  orgins: []\n'),
      env: { MOTEWATCH_SAMPLE: 'perhaps' },
    })
    expect(message).toContain('m.yaml:1: port expected number, got "many"')
    expect(message).toContain('m.yaml:3: access.sessionHours')
    expect(message).toContain('m.yaml:4: access.orgins is no setting')
    expect(message).toContain('MOTEWATCH_SAMPLE: sample expected boolean, got "perhaps"')
  })

  it.each([
    ['a: [', 'm.yaml is not YAML'],
    ['- 1', 'm.yaml expects lines like "port: 5000"'],
    ['access: 5', 'm.yaml:1: access expected object, got 5'],
    ['access:\n  origins: [nonsense]', 'm.yaml:2: access.origins.0'],
  ])('refuses %j', async (text, message) => expect(await failure({ file: yaml(text) })).toContain(message))

  it('that cannot be read is told', async () => {
    expect(await failure({ file: join(folder, 'none.yaml') })).toContain('none.yaml: cannot be read')
  })

  it('is shown as a file that gives the same, without secrets', async () => {
    const env = {
      MOTEWATCH_PORT: '7',
      MOTEWATCH_DATABASE: 'postgres://u:verysecret@h/d',
      MOTEWATCH_ACCESS_ORIGINS: 'https://a.example',
    }
    const loaded = await loadConfig({ env })
    const text = configYaml(loaded)
    expect(text).not.toContain('verysecret')
    const again = await loadConfig({ file: yaml(text), env: {} })
    expect(again.config).toEqual({ ...loaded.config, database: 'postgres://u:***@h/d' })
    for (const { path, variable, description } of settings) {
      expect(description, path).not.toBe('')
      expect(text).toContain(variable)
    }
  })
})
