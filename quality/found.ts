import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TrainOptions } from '../src/pipeline/options.ts'
import { detect, train } from '../src/pipeline.ts'
import type { AnomalyType } from '../src/schema/anomaly.ts'
import type { Incident } from '../src/schema/incident.ts'
import { sharedData } from '../test/shared-data.ts'

/** One anomaly, reduced to what is compared with the truth. */
export interface Row {
  readonly device: string
  readonly ts: number
  readonly label: string
  readonly type: AnomalyType
  readonly incident: number
}

export interface Found {
  readonly rows: readonly Row[]
  readonly incidents: ReadonlyMap<number, Incident>
}

/** Detects in `inputs` with defaults, after learning from `training`. */
export async function found(
  training: readonly string[],
  options: TrainOptions,
  inputs = training,
): Promise<Found> {
  const { bundles } = await train(training, options)
  const rows: Row[] = []
  const detection = detect(inputs, bundles)
  for (;;) {
    const next = await detection.next()
    if (next.done) return { rows, incidents: new Map(next.value.incidents.map((i) => [i.id, i])) }
    for (const { device, timestamp, label = '', type, incident } of next.value) {
      rows.push({ device, ts: timestamp, label, type, incident })
    }
  }
}

/** IoT-23 captures by name with their labelled log, those present. */
export function captures(): { name: string; log: string }[] {
  const root = sharedData('iot23')
  if (!root) return []
  return readdirSync(root)
    .sort()
    .flatMap((name) => {
      const logs = readdirSync(join(root, name)).filter((file) => /^conn\.(log\.labeled|csv)$/.test(file))
      return logs.length === 0 ? [] : [{ name, log: join(root, name, logs.sort().at(-1)!) }]
    })
}

/**
 * What is found in a capture after learning from the first half of its benign flows; from an all-benign capture's
 * where it has too few.
 */
export async function foundIn(log: string): Promise<Found> {
  try {
    return await found([log], { benign: true, first: 0.5 })
  } catch (error) {
    const honeypot = sharedData('iot23/4-1/conn.log.labeled')
    if (!(error instanceof RangeError) || !honeypot) throw error
    return found([honeypot], { benign: true }, [log])
  }
}

/** What IoT-23 calls an attack, in our words; undefined for benign flows and labels that say nothing of behaviour. */
export function familyOf(label: string): AnomalyType | undefined {
  if (/^ddos/i.test(label)) return 'flood'
  if (/portscan/i.test(label)) return 'port scan'
  if (/^c&c(?!-filedownload)/i.test(label)) return 'beaconing'
  return undefined
}
