import { InputError } from '../adapters/read-report.ts'
import type { ModelChoice } from '../pipeline/options.ts'
import { type BatchSource, detect } from '../pipeline.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import type { Store } from '../store/store.ts'
import { given } from './given.ts'
import { storedBatches } from './sources.ts'

/** What is asked about stored records. */
export interface StoredQuestion {
  /** A device's number and name. */
  readonly device: readonly [id: number, name: string]
  /** Seconds since the epoch; `from` included, `to` excluded. */
  readonly from: number
  readonly to: number
  readonly threshold?: number
  readonly model?: ModelChoice
}

export interface StoredAnswer {
  readonly scored: number
  readonly thresholds: Readonly<Partial<Record<Batch['kind'], number>>>
  readonly found: number
  /** The first {@link MOST_TOLD} of them. */
  readonly anomalies: readonly Anomaly[]
}

/** Anomalies in an answer, and records that a question may be about; beyond, it is a job. */
const MOST_TOLD = 1000
const MOST_RECORDS = 100_000
/** Seconds before the records in question that are read to know the device. */
const HISTORY = 86_400

/**
 * Judges what is stored of a device.
 *
 * @param models the active ones
 * @throws InputError when there is nothing to judge, no model for it, or too much of it; OptionError when a model is
 *   asked for that there is not
 */
export async function answerStored(
  { device, from, to, threshold, model }: StoredQuestion,
  models: readonly ModelBundle[],
  store: Store,
  local: readonly string[] | undefined,
): Promise<StoredAnswer> {
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
