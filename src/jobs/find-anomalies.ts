import { setImmediate as breath } from 'node:timers/promises'
import { InputError, reportFields } from '../adapters/read-report.ts'
import { collectGarbage } from '../kernels/garbage.ts'
import { incidentJson } from '../output/incident-json.ts'
import type { DetectOptions } from '../pipeline/options.ts'
import { type BatchSource, detect } from '../pipeline.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { chunks } from '../store/cursor.ts'
import { Findings, forgetFindings as forget, PORTION } from '../store/findings.ts'
import type { Store } from '../store/store.ts'
import { type Conclusion, type JobContext, WORKERS } from './kind.ts'

/** Incidents told in the result itself. */
const TOLD = 20
/** Records after which the memory they took is given back: a second or two of work, some 50 MB. */
const TIDY = 50_000
/** Devices told in the result, and steps by which their slow changes were followed. */
const MOST_DEVICES = 100
const MOST_ADAPTATIONS = 100

/**
 * Scores what `source` has with the active models; what is new goes to the store as it is found. A cancelled job hears
 * of it only where it takes a breath.
 */
export async function findAnomalies(
  source: BatchSource,
  options: Pick<DetectOptions, 'local' | 'threshold' | 'model'>,
  keep: boolean,
  { id, store, models, signal }: JobContext,
): Promise<Conclusion> {
  const { bundles } = await models.active()
  if (bundles.length === 0) {
    throw new InputError('there is no active model; train one, or activate one that there is')
  }
  const findings = new Findings(`job:${id}`, store)
  let since = 0
  const onBatch = ({ length }: Batch) => {
    since += length
    if (since < TIDY) return
    since = 0
    collectGarbage()
  }
  const found = detect(source, bundles, { ...options, workers: WORKERS, onBatch })
  let next = await found.next()
  for (; !next.done; next = await found.next()) {
    for (const portion of keep ? chunks(next.value, PORTION) : []) {
      await breath()
      signal.throwIfAborted()
      await findings.add(portion)
    }
    await breath()
    signal.throwIfAborted()
  }
  const { reports, incidents, incidentsLeftOut, byDevice, byType, adaptations, ...summary } = next.value
  return async (tx) => {
    const stored = keep ? await findings.conclude(tx, incidents) : undefined
    const devices = Object.entries(byDevice).sort(([, a], [, b]) => b - a)
    return {
      ...summary,
      by_type: byType,
      by_device: Object.fromEntries(devices.slice(0, MOST_DEVICES)),
      devices: devices.length,
      adaptations: adaptations.slice(-MOST_ADAPTATIONS),
      incidents: incidents.length + incidentsLeftOut,
      strongest: incidents.slice(0, TOLD).map(incidentJson),
      stored: stored ?? null,
      sources: reports.map(reportFields),
    }
  }
}

/** Removes what a job has stored. */
export function forgetFindings(job: number, store: Store): Promise<void> {
  return forget(`job:${job}`, store)
}
