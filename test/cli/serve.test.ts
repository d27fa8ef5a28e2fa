import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { motewatch, type Result } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-serve-'))
afterAll(() => rmSync(folder, { recursive: true }))

const env = { MOTEWATCH_SAMPLE: 'false', MOTEWATCH_PORT: '0' }

/** Runs `serve`, does something with it once it listens, and ends it with SIGTERM. */
async function serving(args: string[], work: (url: string) => Promise<void>): Promise<Result> {
  let failed: unknown
  const result = await motewatch(['serve', ...args], {
    cwd: folder,
    env,
    during: (child) => {
      let log = ''
      let begun = false
      child.stderr!.on('data', (text: string) => {
        log += text
        const url = /listening on (http:\/\/[^"]+)/.exec(log)?.[1]
        if (!url || begun) return
        begun = true
        work(url)
          .catch((error) => {
            failed = error
          })
          .finally(() => child.kill('SIGTERM'))
      })
    },
  })
  if (failed) throw failed
  return result
}

describe.concurrent('motewatch serve', () => {
  it('answers at once on this machine, and ends when it is told to', async () => {
    const { code, stderr } = await serving(['--database', 'a.db'], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      const [status, page] = await Promise.all([fetch(`${url}/api/v1/status`), fetch(url)])
      expect(await status.json()).toMatchObject({ status: 'ok' })
      expect(await page.text()).toContain('<title>Motewatch</title>')
    })
    expect(code).toBe(0)
    const lines = stderr.trimEnd().split('\n')
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: 30, time: expect.any(String) })
    expect(JSON.parse(lines.at(-1)!).msg).toBe('stopping')
  })

  it('does not start where others can reach it without an account, and does with one', async () => {
    const open = await motewatch(['serve', '--host', '0.0.0.0', '--database', 'b.db'], { cwd: folder, env })
    expect(open).toMatchObject({ code: 2, stdout: '' })
    expect(open.stderr).toContain('motewatch user add NAME --role admin')
    writeFileSync(join(folder, 'password'), 'correct horse battery\n')
    const args = ['--host', '0.0.0.0', '--database', 'b.db', '--admin-password-file', 'password']
    const closed = await serving(args, async (url) => {
      const local = url.replace(/\/\/[^:]+/, '//127.0.0.1')
      expect((await fetch(`${local}/api/v1/status`)).status).toBe(401)
      const login = await fetch(`${local}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'admin', password: 'correct horse battery' }),
      })
      expect(login.status).toBe(200)
    })
    expect(closed.code).toBe(0)
  })

  it('says what is wrong with its settings, its port and its database', async () => {
    const settings = await motewatch(['serve'], { cwd: folder, env: { ...env, MOTEWATCH_PORT: 'http' } })
    expect(settings).toMatchObject({ code: 2 })
    expect(settings.stderr).toContain('MOTEWATCH_PORT: port expected number, got "http"')
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    const taken = await motewatch(['serve', '--port', String(port), '--database', 'c.db'], {
      cwd: folder,
      env,
    })
    server.close()
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain(`port ${port} of 127.0.0.1 is taken`)
    const broken = await motewatch(['serve', '--database', 'password'], { cwd: folder, env })
    expect(broken.code).toBe(1)
    expect(broken.stderr).toContain('password expects an SQLite database')
  })
})

describe.concurrent('motewatch user', () => {
  it('makes, lists, changes and removes accounts', async () => {
    writeFileSync(join(folder, 'pw'), 'correct horse battery\n')
    const user = (...args: string[]) => motewatch(['user', ...args, '--database', 'd.db'], { cwd: folder })
    expect((await user('add', 'ada', '--role', 'admin', '--password-file', 'pw')).stdout).toBe(
      'ada can log in now.\n',
    )
    expect((await user('add', 'bob', '--password-file', 'pw')).code).toBe(0)
    expect((await user('role', 'bob', '--role', 'operator')).code).toBe(0)
    const { users } = JSON.parse((await user('list', '--json')).stdout)
    expect(users.map(({ name, role }: { name: string; role: string }) => [name, role])).toEqual([
      ['ada', 'admin'],
      ['bob', 'operator'],
    ])
    expect((await user('remove', 'bob')).code).toBe(0)
    expect(await user('remove', 'ada')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('last admin'),
    })
    expect(await user('add', 'cem')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--password-file'),
    })
  })
})
