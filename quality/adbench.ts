/**
 * ADBench as PyOD measures it: 60 % of a set's rows at random to learn from, anomalies among them and nobody says
 * which, the rest to rank; mean ROC AUC over seeds. Ours is what any table without times gets from `train`:
 * features, the three models, the ensemble, no option set. PyOD's published figures stand beside it.
 *
 * Data: adbench/*.npz and pyod_roc.csv (Han et al. 2022; Zhao, Nasrullah & Li 2019).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createReadingExtractor } from '../src/features/reading/extractor.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { rocAuc } from '../src/models/metrics.ts'
import { fitBundle } from '../src/pipeline/fit-bundle.ts'
import { DEFAULT_CONTAMINATION } from '../src/pipeline/options.ts'
import { Scorer } from '../src/pipeline/scorer.ts'
import type { ReadingBatch } from '../src/schema/reading-batch.ts'
import { sharedData } from '../test/shared-data.ts'
import { type LabelledTable, readAdbench } from './npz.ts'
import { noData, verdict } from './verdict.ts'

const SEEDS = 5
const LEARNED = 0.6
const models = ['isolation-forest', 'lof', 'autoencoder', 'ensemble'] as const
type ByModel = Record<(typeof models)[number], number>

export async function run(): Promise<void> {
  const dir = sharedData('adbench')
  const files = dir ? readdirSync(dir).filter((f) => f.endsWith('.npz')) : []
  if (!dir || files.length === 0) return noData('adbench', 'adbench')
  const published = pyod(join(dir, 'pyod_roc.csv'))
  const pool = new WorkerPool()
  const sums: ByModel = { 'isolation-forest': 0, lof: 0, autoencoder: 0, ensemble: 0 }
  row('set', ...models, 'PyOD forest', 'PyOD LOF', 'PyOD kNN')
  try {
    for (const file of files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
      const table = readAdbench(join(dir, file))
      const auc: ByModel = { 'isolation-forest': 0, lof: 0, autoencoder: 0, ensemble: 0 }
      for (let seed = 0; seed < SEEDS; seed++) {
        const one = await measure(file, table, seed, pool)
        for (const model of models) auc[model] += one[model] / SEEDS
      }
      for (const model of models) sums[model] += auc[model] / files.length
      const name = file.replace(/^\d+_|\.npz$/g, '')
      const theirs = published.get(name.toLowerCase())
      const peers = ['IForest', 'LOF', 'KNN'].map((detector) => theirs?.get(detector)?.toFixed(3) ?? '-')
      row(name, ...models.map((model) => auc[model].toFixed(3)), ...peers)
    }
  } finally {
    await pool.close()
  }
  row('mean', ...models.map((model) => sums[model].toFixed(4)))
  const best = Math.max(...models.slice(0, 3).map((model) => sums[model]))
  verdict({
    name: `adbench, ${files.length} sets, ${SEEDS} seeds`,
    figure: `mean ROC AUC of the ensemble ${sums.ensemble.toFixed(4)}, of the best of our three ${best.toFixed(4)}`,
    bar: 'at least 0.83, at most 0.02 under the best',
    met: sums.ensemble >= 0.83 && sums.ensemble >= best - 0.02,
  })
}

async function measure(file: string, table: LabelledTable, seed: number, pool: WorkerPool): Promise<ByModel> {
  const n = table.y.length
  const order = new Random(seed).sample(n, n)
  const learned = order.subarray(0, Math.round(LEARNED * n))
  const asked = order.subarray(learned.length)
  const batch = rowsOf(table, learned)
  const bundle = await fitBundle(
    createReadingExtractor().extract(batch),
    batch.ts,
    { kind: 'readings', contamination: DEFAULT_CONTAMINATION, model: 'all', seed },
    { sources: [file], devices: 1, warnings: [], seen: batch.length },
    pool,
  )
  const features = createReadingExtractor().extract(rowsOf(table, asked))
  const { evidence, combined } = await new Scorer(bundle, undefined, pool).score(features)
  const y = Uint8Array.from(asked, (i) => table.y[i]!)
  const auc = (name: string) => rocAuc(evidence[bundle.models.findIndex((m) => m.detector.name === name)]!, y)
  return {
    'isolation-forest': auc('isolation-forest'),
    lof: auc('lof'),
    autoencoder: auc('autoencoder'),
    ensemble: rocAuc(combined, y),
  }
}

/** Rows of the table as adapters give a table without times. */
function rowsOf({ columns }: LabelledTable, rows: Uint32Array): ReadingBatch {
  return {
    kind: 'readings',
    length: rows.length,
    ts: new Float64Array(rows.length).fill(Number.NaN),
    device: { codes: new Uint32Array(rows.length), values: ['table'] },
    metrics: new Map(columns.map((c, j) => [`x${j}`, Float64Array.from(rows, (i) => c[i]!)])),
  }
}

/** PyOD's published ROC AUC: set -> detector -> figure. */
function pyod(path: string): Map<string, Map<string, number>> {
  if (!existsSync(path)) return new Map()
  const [head, ...rows] = readFileSync(path, 'utf8')
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(','))
  return new Map(
    rows.map((cells) => [cells[0]!.toLowerCase(), new Map(head!.map((name, k) => [name, Number(cells[k])]))]),
  )
}

function row(...cells: readonly string[]): void {
  console.log(
    cells
      .map((cell, k) => cell.padEnd(k === 0 ? 12 : 17))
      .join('')
      .trimEnd(),
  )
}
