import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import type { Logger } from 'pino'
import { AccessControl } from '../access/access-control.ts'
import { firstAdmin } from '../access/first-admin.ts'
import { Alerts } from '../alerts/alerts.ts'
import type { Config } from '../config/config.ts'
import { Jobs } from '../jobs/jobs.ts'
import { Questions } from '../jobs/questions.ts'
import { Schedules } from '../jobs/schedules.ts'
import { EventsFeed } from '../live/events-feed.ts'
import { Follower } from '../live/follower.ts'
import { Intake } from '../live/intake/intake.ts'
import { Simulator } from '../live/simulator.ts'
import { SharedModels } from '../store/shared-models.ts'
import { openStore } from '../store/store.ts'
import { createLog } from './log.ts'
import { Metrics } from './metrics.ts'
import { waiting } from './readiness.ts'
import type { Service } from './service.ts'

/**
 * For the threads that are started from now on: memory that is soon garbage, which V8 lets grow to 100 MB a thread, is
 * looked through after 4 MB. The first thread gets it from the command line.
 */
const LESS_GARBAGE = '--max-semi-space-size=4'

/**
 * Opens the store and starts every part that works in the background.
 *
 * @throws Error when the database cannot be opened, is damaged, or was written by a newer version
 */
export async function startService(config: Config, log: Logger = createLog(config.log)): Promise<Service> {
  setFlagsFromString(LESS_GARBAGE)
  const store = await openStore(config.database)
  const stops: (() => Promise<void>)[] = [() => store.close()]
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      // In the opposite order of starting: each part is still there for those that were started after it.
      for (const close of stops.toReversed()) await close()
    })()
    return stopping
  }
  try {
    const access = new AccessControl(store.database, config)
    stops.push(async () => access.close())
    if (await firstAdmin(access.users, config)) log.info('made the user admin')
    const onError = (error: unknown) => log.error(error)
    const feed = new EventsFeed(store, onError)
    await feed.start()
    stops.push(async () => feed.stop())
    const local = config.local.length > 0 ? config.local : undefined
    const models = new SharedModels(store.models)
    const follower = new Follower({ url: config.database, local, models }, log)
    follower.start()
    stops.push(() => follower.stop())
    const intake = await Intake.start(config.database, local)
    stops.push(() => intake.close())
    const questions = new Questions({ store, models, local, log })
    stops.push(() => questions.close())
    const alerts = new Alerts({
      store,
      allowLocal: config.alerts.local,
      agent: `motewatch/${version()}`,
      onError,
    })
    await alerts.start()
    stops.push(() => alerts.stop())
    const jobs = new Jobs({ store, models, folder: config.data, local, keeping: config.keep, onError })
    await jobs.start()
    stops.push(() => jobs.stop())
    const schedules = new Schedules(store, onError)
    await schedules.start()
    stops.push(() => schedules.stop())
    const simulator = new Simulator(store, intake, onError)
    await simulator.start()
    stops.push(() => simulator.stop())
    return {
      config,
      store,
      models,
      jobs,
      schedules,
      simulator,
      intake,
      questions,
      feed,
      alerts,
      access,
      log,
      metrics: new Metrics(store, intake),
      started: Date.now() / 1000,
      version: version(),
      waiting: () => waiting(models, jobs),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
