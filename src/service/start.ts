import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import { AccessControl } from '../access/access-control.ts'
import { firstAdmin } from '../access/first-admin.ts'
import type { Config } from '../config/config.ts'
import { migrate, openDatabase } from '../store/database.ts'
import { createLog } from './log.ts'
import { Readiness } from './readiness.ts'
import type { Service } from './service.ts'

/**
 * Opens the store and starts every part that works in the background.
 *
 * @throws Error when the database cannot be opened, is damaged, or was written by a newer version
 */
export async function startService(config: Config, log: Logger = createLog(config.log)): Promise<Service> {
  const readiness = new Readiness()
  const database = openDatabase(config.database)
  const stops: (() => Promise<void>)[] = [() => database.close()]
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      // In the opposite order of starting: each part is still there for those that were started after it.
      for (const close of stops.toReversed()) await close()
    })()
    return stopping
  }
  try {
    const ran = await migrate(database)
    if (ran.length > 0) log.info({ migrations: ran }, 'schema brought up to date')
    const access = new AccessControl(database, config)
    stops.push(async () => access.close())
    if (await firstAdmin(access.users, config)) log.info('made the user admin')
    const started = Date.now() / 1000
    return { config, database, access, log, readiness, started, version: version(), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
