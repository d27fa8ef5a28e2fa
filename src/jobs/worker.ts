import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../store/database.ts'
import { JobRows } from '../store/jobs.ts'
import { modelsThrough } from '../store/shared-models.ts'
import { Store } from '../store/store.ts'
import { kindNamed } from './kinds/all.ts'
import type { Ending, Order, Progress } from './running.ts'

/** The thread of one job. */

/** How far a job stands back behind what people wait for (nice), on Linux, where it is a matter of each thread. */
const NICE = 5
if (process.platform === 'linux') setPriority(NICE)

const { id, owner, kind: name, params, url, models, settings } = workerData as Order
const port = parentPort!
const cancel = new AbortController()
port.on('message', () => cancel.abort(new Error('cancelled')))

const kind = kindNamed(name)
const store = new Store(openDatabase(url))
let ending: Ending
try {
  const conclude = await kind.run(kind.params.parse(params), {
    id,
    store,
    models: modelsThrough(models),
    ...settings,
    signal: cancel.signal,
    progress(share, message) {
      cancel.signal.throwIfAborted()
      port.postMessage({ progress: share, message } satisfies Progress)
    },
  })
  cancel.signal.throwIfAborted()
  await new JobRows(store).done(id, owner, conclude)
  ending = { state: 'done' }
} catch (error) {
  ending = cancel.signal.aborted ? { state: 'cancelled' } : { state: 'failed', error: errorOf(error) }
} finally {
  await store.close()
}
port.postMessage(ending)
port.close()

function errorOf(error: unknown): { type: string; message: string } {
  const { name: type, message } = error instanceof Error ? error : new Error(String(error))
  return { type, message: message.replace(/\s*\n\s*/g, ' ') }
}
