/**
 * Numenta Anomaly Benchmark, scored by its own function, standard profile, as anybody would use it: `train` on the
 * probationary part of each series, `detect` on all of it, the confidence of each reading as its anomaly score; one
 * threshold for the corpus, chosen as NAB does for every detector. Defaults only.
 *
 * Data: NAB (Lavin & Ahmad 2015), MIT. Published on the whole of it: ARTime 74.9, HTM 70.5, random cut forest 51.7,
 * windowed Gaussian 39.6.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readReadings } from '../src/adapters/read.ts'
import { detect, train } from '../src/pipeline.ts'
import { sharedData } from '../test/shared-data.ts'
import { type NabSeries, nabScore, probationRows } from './nab-score.ts'
import { noData, verdict } from './verdict.ts'

const BAR = 60
/** Confidence below which nobody would put a threshold; spares explaining every row. */
const LEAST = 0.3

export async function run(): Promise<void> {
  const root = sharedData('nab')
  if (!root) return noData('nab', 'nab')
  const labels = JSON.parse(readFileSync(join(root, 'labels', 'combined_windows.json'), 'utf8')) as Record<
    string,
    [string, string][]
  >
  const folders = new Map<string, NabSeries[]>()
  for (const [name, windows] of Object.entries(labels)) {
    const path = join(root, 'data', name)
    if (!existsSync(path)) continue
    const folder = name.split('/')[0]!
    folders.set(folder, [...(folders.get(folder) ?? []), await told(path, windows)])
  }
  const corpus = [...folders.values()].flat()
  const all = nabScore(corpus)
  console.log('folder                series  windows  found  false alarms  score at the common threshold')
  for (const [folder, series] of folders) {
    const some = series.some((s) => s.windows.length > 0)
    const { windows, found, falseAlarms, score } = some
      ? nabScore(series, all.threshold)
      : { windows: 0, found: 0, falseAlarms: countFrom(series, all.threshold), score: Number.NaN }
    const counts = [series.length, windows, found, falseAlarms]
    console.log(
      `${folder.padEnd(22)}${counts.map((c) => String(c).padStart(6)).join('  ')}  ${some ? score.toFixed(1) : '-'}`,
    )
  }
  for (const threshold of [0.5, 0.7, 0.75, 0.8, 0.9]) {
    const { score, found, falseAlarms } = nabScore(corpus, threshold)
    console.log(`at ${threshold}: ${score.toFixed(1)}, ${found} windows, ${falseAlarms} false alarms`)
  }
  verdict({
    name: 'nab',
    figure: `score ${all.score.toFixed(1)} at ${all.threshold.toFixed(3)}, ${all.found} of ${all.windows} windows, ${all.falseAlarms} false alarms`,
    bar: String(BAR),
    met: all.score >= BAR,
  })
}

/** A series as the confidence of its readings, by a model learned from its probation. */
async function told(path: string, labels: readonly (readonly [string, string])[]): Promise<NabSeries> {
  const { length, ts } = await readReadings(path)
  const row = (time: string) => ts.indexOf(Date.parse(`${time.replace(' ', 'T')}Z`) / 1000)
  const windows = labels.map(([from, to]): [number, number] => [row(from), row(to)])
  // Half a row less, as the share is rounded up to whole rows.
  const { bundles } = await train([path], { first: (probationRows(length) - 0.5) / length })
  const scores = new Float64Array(length)
  for await (const anomalies of detect([path], bundles, { threshold: LEAST })) {
    for (const { record, confidence } of anomalies) scores[record] = confidence
  }
  return { scores, windows }
}

function countFrom(series: readonly NabSeries[], threshold: number): number {
  let count = 0
  for (const { scores } of series) {
    for (const score of scores.subarray(probationRows(scores.length))) if (score >= threshold) count++
  }
  return count
}
