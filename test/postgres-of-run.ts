import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Postgres, RUN_FOLDER, startPostgres } from './postgres.ts'

/** Before all tests: waits for one of them to want PostgreSQL, and then starts it. After all: stops it. */
export default function setup(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-tests-'))
  process.env[RUN_FOLDER] = folder
  let server: Promise<Postgres | undefined> | undefined
  const look = setInterval(() => {
    if (server || !existsSync(join(folder, 'wanted'))) return
    clearInterval(look)
    // The data is thrown away: nothing needs to survive a power failure.
    server = startPostgres({ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
    void server.then(async (postgres) => {
      if (!postgres) return
      writeFileSync(join(folder, 'url.part'), await postgres.database('motewatch'))
      renameSync(join(folder, 'url.part'), join(folder, 'url'))
    })
  }, 50)
  return async () => {
    clearInterval(look)
    await (await server)?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
