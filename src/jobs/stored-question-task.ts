import { parentPort, workerData } from 'node:worker_threads'
import { InputError } from '../adapters/read-report.ts'
import { type BatchSource, detect } from '../pipeline.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { openDatabase } from '../store/database.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import { Store } from '../store/store.ts'
import { given } from './given.ts'
import { storedBatches } from './sources.ts'
import {
  type AnswerMessage,
  MOST_RECORDS,
  MOST_TOLD,
  type Question,
  type QuestionMessage,
  type StoredAnswer,
} from './stored-question.ts'

/** The thread that answers questions about stored records. */

const { url, local } = workerData as { url: string; local: readonly string[] | undefined }
const port = parentPort!
const store = new Store(openDatabase(url))
/** Seconds before the records in question that are read to know the device. */
const HISTORY = 86_400

let bundles: readonly ModelBundle[] = []
let signature = ''

async function modelsNow(): Promise<readonly ModelBundle[]> {
  const active = (await store.models.list()).filter((model) => model.active === 1)
  const now = active.map(({ id, sha256 }) => `${id}:${sha256}`).join(' ')
  if (now !== signature) {
    bundles = await store.models.bundles()
    signature = now
  }
  return bundles
}

async function answer({ device, from, to, threshold, model }: Question): Promise<StoredAnswer> {
  const models = await modelsNow()
  if (models.length === 0) throw new InputError('there is no active model; train one, or activate one')
  const range = { devices: new Map([device]), from: from - HISTORY, to }
  const kinds = models.map(({ kind }) => kind)
  const stored = storedBatches(range, kinds, { store, progress: () => {} })
  // Records before `from` make the device known; they are judged by nobody.
  const after = { flows: before(from), readings: before(from) }
  const found = detect(bounded(stored), models, given({ threshold, model, local, after, workers: 1 }))
  const anomalies: Anomaly[] = []
  let next = await found.next()
  for (; !next.done; next = await found.next()) {
    anomalies.push(...next.value.slice(0, MOST_TOLD - anomalies.length))
  }
  const { scored, anomalies: count, thresholds } = next.value
  return { scored, thresholds, found: count, anomalies }
}

/** The largest number below a time: `after` of a detection is a time that is still history. */
function before(time: number): number {
  return time - Math.max(1e-6, Math.abs(time) * Number.EPSILON)
}

function bounded(source: BatchSource): BatchSource {
  return {
    name: source.name,
    async *batches(reports) {
      let records = 0
      for await (const part of source.batches(reports)) {
        records += part.batch.length
        if (records > MOST_RECORDS) {
          throw new InputError(
            `that is more than ${MOST_RECORDS} records; ask for a shorter time, or begin a job: POST /api/v1/jobs with kind detect`,
          )
        }
        yield part
      }
    },
  }
}

let turn: Promise<void> = Promise.resolve()
port.on('message', ({ id, question }: QuestionMessage) => {
  turn = turn.then(async () => {
    let message: AnswerMessage
    try {
      message = { id, answer: await answer(question) }
    } catch (error) {
      const { name, message: text } = error as Error
      message = { id, error: { name, message: text } }
    }
    port.postMessage(message)
  })
})
