/** A process that runs jobs until it is killed: `node runner.ts DATABASE FOLDER`. */
import { Jobs } from '../../src/jobs/jobs.ts'
import { SharedModels } from '../../src/store/shared-models.ts'
import { openStore } from '../../src/store/store.ts'

const [url, folder] = process.argv.slice(2) as [string, string]
const store = await openStore(url)
const jobs = new Jobs({ store, models: new SharedModels(store.models), folder })
await jobs.start()
process.stdout.write('ready\n')
process.on('SIGTERM', async () => {
  await jobs.stop(0)
  await store.close()
})
