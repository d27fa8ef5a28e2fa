/**
 * Planted anomalies: in ordinary records one feature, or a pair, is moved out of its 1–99 % range of training by one
 * to three times the width of that range. Right when the first affected feature told, through the explanations that
 * people get, is one that was moved: for each model alone and for the ensemble.
 */
import { Explainer } from '../src/anomalies/explainer.ts'
import type { FeatureColumns } from '../src/features/feature-columns.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { selectFeatures } from '../src/pipeline/feature-sample.ts'
import { DEFAULT_CONTAMINATION } from '../src/pipeline/options.ts'
import { pickRows } from '../src/pipeline/rows.ts'
import { Scorer } from '../src/pipeline/scorer.ts'
import { type Subject, subjects } from './subjects.ts'
import { verdict } from './verdict.ts'

/** Records planted a subject. */
const RECORDS = 200
const choices = ['isolation-forest', 'lof', 'autoencoder', 'all'] as const

export async function run(): Promise<void> {
  const pool = new WorkerPool()
  const right = new Map<string, number>(choices.map((choice) => [choice, 0]))
  let planted = 0
  console.log(`subject              records  ${choices.map((c) => c.padEnd(17)).join('')}`)
  try {
    for await (const subject of subjects(pool)) {
      const plants = await plant(subject, pool)
      planted += plants.length
      const cells: string[] = []
      for (const choice of choices) {
        const hits = await firstRight(subject, plants, choice, pool)
        right.set(choice, right.get(choice)! + hits)
        cells.push(`${((100 * hits) / plants.length).toFixed(1)} %`.padEnd(17))
      }
      console.log(`${subject.name.padEnd(20)} ${String(plants.length).padEnd(8)} ${cells.join('').trimEnd()}`)
    }
  } finally {
    await pool.close()
  }
  for (const choice of choices) {
    const share = right.get(choice)! / planted
    verdict({
      name: `planted, ${choice === 'all' ? 'ensemble' : choice}`,
      figure: `true feature first in ${(100 * share).toFixed(1)} % of ${planted}`,
      bar: '95 %',
      met: share >= 0.95,
    })
  }
}

interface Plant {
  readonly row: number
  /** Features moved, and to what. */
  readonly moved: ReadonlyMap<string, number>
}

/** Ordinary records of the subject and what to do to them. */
async function plant({ bundle, learned, features }: Subject, pool: WorkerPool): Promise<Plant[]> {
  const random = new Random(7)
  const movable = learned.specs.flatMap((spec, j) => {
    const kept = bundle.space.specs.some((s) => s.name === spec.name)
    if (!kept || spec.group || spec.cycle || spec.whereRare || spec.scale === 'code') return []
    const sorted = learned.columns[j]!.filter(Number.isFinite).sort()
    const low = sorted[Math.floor(0.01 * sorted.length)]!
    const high = sorted[Math.floor(0.99 * sorted.length)]!
    const few = new Set(sorted).size < 5
    return high > low && !few ? [{ name: spec.name, low, high, both: spec.direction === 'both' }] : []
  })
  const { combined } = await new Scorer(bundle, undefined, pool).score(features)
  const ordinary = [...combined.keys()].filter((i) => combined[i]! < 1)
  const rows = random.sample(ordinary.length, Math.min(RECORDS, ordinary.length))
  return Array.from(rows, (k, n) => {
    const moved = new Map<string, number>()
    const count = Math.min(1 + (n % 2), movable.length)
    for (const j of random.sample(movable.length, count)) {
      const { name, low, high, both } = movable[j]!
      const by = (1 + 2 * random.float()) * (high - low)
      moved.set(name, both && random.float() < 0.5 ? low - by : high + by)
    }
    return { row: ordinary[k]!, moved }
  })
}

/** In how many planted records the first affected feature is one that was moved. */
async function firstRight(
  { bundle, batch, features }: Subject,
  plants: readonly Plant[],
  choice: (typeof choices)[number],
  pool: WorkerPool,
): Promise<number> {
  const rows = Uint32Array.from(plants, (p) => p.row)
  const changed: FeatureColumns = selectFeatures(features, rows)
  changed.specs.forEach(({ name }, j) => {
    plants.forEach(({ moved }, i) => {
      const value = moved.get(name)
      if (value !== undefined) changed.columns[j]![i] = value
    })
  })
  const scorer = new Scorer(bundle, choice, pool)
  const scores = await scorer.score(changed)
  const options = { contamination: DEFAULT_CONTAMINATION, least: -Infinity, ceiling: scorer.ceiling }
  const source = { ...scores, batch: pickRows(batch, rows), features: changed, source: 'planted' }
  const explained = new Explainer(bundle.space, scorer.models, options).explain(source, 0)
  return explained.filter((a, i) => plants[i]!.moved.has(a.affected_features[0]!.feature)).length
}
