/**
 * Skoltech Anomaly Benchmark, outlier detection, by the protocol of its leaderboard (v0.9): each run is learned from its
 * first 400 rows and told on the rest, rows of all runs pooled. Defaults only.
 *
 * Data: SKAB (Katser & Kozitsin 2020), GPL-3. Published on all of its folders: convolutional autoencoder F1 0.78 / 13.6 %
 * false alarms, MSET 0.78 / 39.7 %, T² + Q 0.76 / 26.6 %, isolation forest 0.29 / 2.6 %, autoencoder 0.39 / 2.6 %.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readReadings } from '../src/adapters/read.ts'
import { rocAuc } from '../src/models/metrics.ts'
import { DEFAULT_READINGS_THRESHOLD } from '../src/pipeline/options.ts'
import { isBenign } from '../src/pipeline/rows.ts'
import { detect, train } from '../src/pipeline.ts'
import { stringAt } from '../src/schema/dictionary.ts'
import { sharedData } from '../test/shared-data.ts'
import { noData, verdict } from './verdict.ts'

const TRAINING_ROWS = 400
const BAR = { f1: 0.78, falseAlarms: 0.14 }

export async function run(): Promise<void> {
  const root = sharedData('skab')
  if (!root) return noData('skab', 'skab')
  const files = (readdirSync(root, { recursive: true }) as string[])
    .filter((name) => /\d+\.csv$/.test(name))
    .sort()
  const all: Told[] = []
  console.log('run                F1     false  missed  AUC')
  for (const name of files) {
    const rows = await told(join(root, name))
    all.push(...rows)
    const auc = rocAuc(
      Float64Array.from(rows, (r) => r.confidence),
      rows.map((r) => (r.anomaly ? 1 : 0)),
    )
    console.log(`${name.padEnd(18)} ${line(rows)}  ${auc?.toFixed(3) ?? '-'}`)
  }
  for (const threshold of [0.4, 0.5, 0.6, 0.7])
    console.log(`at ${threshold}`.padEnd(19) + line(all, threshold))
  const { f1, falseAlarms, missed } = measures(all, DEFAULT_READINGS_THRESHOLD)
  verdict({
    name: 'skab',
    figure: `F1 ${f1.toFixed(3)}, false alarms ${percent(falseAlarms)}, missed ${percent(missed)}`,
    bar: `F1 ${BAR.f1}, false alarms under ${percent(BAR.falseAlarms)}`,
    met: f1 >= BAR.f1 && falseAlarms < BAR.falseAlarms,
  })
}

/** A row after those learned from. */
interface Told {
  readonly confidence: number
  readonly anomaly: boolean
}

async function told(path: string): Promise<Told[]> {
  const { length, label } = await readReadings(path)
  if (!label) throw new Error(`${path} expects a column anomaly`)
  const { bundles } = await train([path], { first: (TRAINING_ROWS - 0.5) / length })
  const rows = Array.from({ length }, (_, i) => ({ confidence: 0, anomaly: !isBenign(stringAt(label, i)) }))
  for await (const anomalies of detect([path], bundles, { threshold: 0 })) {
    for (const { record, confidence } of anomalies) rows[record]!.confidence = confidence
  }
  return rows.slice(TRAINING_ROWS)
}

function measures(rows: readonly Told[], threshold: number) {
  const count = (alarm: boolean, anomaly: boolean) =>
    rows.filter((r) => r.confidence >= threshold === alarm && r.anomaly === anomaly).length
  const [hits, alarms, misses, quiet] = [
    count(true, true),
    count(true, false),
    count(false, true),
    count(false, false),
  ]
  return {
    f1: (2 * hits) / (2 * hits + alarms + misses),
    falseAlarms: alarms / (alarms + quiet),
    missed: misses / (hits + misses),
  }
}

function line(rows: readonly Told[], threshold = DEFAULT_READINGS_THRESHOLD): string {
  const { f1, falseAlarms, missed } = measures(rows, threshold)
  return `${f1.toFixed(3)}  ${percent(falseAlarms).padStart(6)}  ${percent(missed).padStart(6)}`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
