import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { rawFeatures } from '../src/features/extract-features.ts'
import type { FeatureColumns } from '../src/features/feature-columns.ts'
import { Random } from '../src/kernels/random.ts'
import type { WorkerPool } from '../src/kernels/worker-pool.ts'
import { selectFeatures } from '../src/pipeline/feature-sample.ts'
import { fitBundle } from '../src/pipeline/fit-bundle.ts'
import { DEFAULT_CONTAMINATION } from '../src/pipeline/options.ts'
import { pickRows } from '../src/pipeline/rows.ts'
import { Stages } from '../src/pipeline/stages.ts'
import type { Batch, ReadingBatch } from '../src/schema/reading-batch.ts'
import type { ModelBundle } from '../src/store/model-bundle.ts'
import { sharedData } from '../test/shared-data.ts'
import { readCaptures } from './labelled-flows.ts'
import { readAdbench } from './npz.ts'

/** A fitted bundle and normal records that it has not learned from. */
export interface Subject {
  readonly name: string
  readonly bundle: ModelBundle
  readonly learned: FeatureColumns
  readonly batch: Batch
  readonly features: FeatureColumns
}

/** Most records taken of a source; more would change no share visibly. */
const MOST = 4000

/**
 * What explanations are checked on: tables made from a seed (independent, correlated, with flags and counts), the
 * normal rows of the ADBench sets, the benign flows of the IoT-23 captures. Even rows are learned from, odd
 * ones asked about.
 */
export async function* subjects(pool: WorkerPool): AsyncGenerator<Subject> {
  for (const [name, columns] of made()) yield await fitted(name, table(name, columns), pool)
  const adbench = sharedData('adbench')
  for (const file of adbench ? readdirSync(adbench).filter((f) => f.endsWith('.npz')) : []) {
    const { columns, y } = readAdbench(join(adbench!, file))
    const normal = columns.map((column) => column.filter((_, i) => y[i] === 0).subarray(0, MOST))
    yield await fitted(file.replace(/^\d+_|\.npz$/g, ''), table(file, normal), pool)
  }
  const iot23 = sharedData('iot23')
  for (const capture of iot23 ? await readCaptures(iot23) : []) {
    if (capture.benign.length < 200) continue
    const rows = Uint32Array.from(capture.benign.slice(0, MOST))
    yield await fitted(`iot23 ${capture.name}`, pickRows(capture.flows, rows), pool)
  }
}

async function fitted(name: string, all: Batch, pool: WorkerPool): Promise<Subject> {
  const { batch, features } =
    all.kind === 'flows' ? new Stages(undefined).prepare(all) : { batch: all, features: rawFeatures(all) }
  const half = (odd: number) => Uint32Array.from({ length: batch.length >> 1 }, (_, i) => 2 * i + odd)
  const learned = selectFeatures(features, half(0))
  const bundle = await fitBundle(
    learned,
    pickRows(batch, half(0)).ts,
    { kind: batch.kind, contamination: DEFAULT_CONTAMINATION, model: 'all', seed: 0 },
    { sources: [name], devices: 1, warnings: [], seen: learned.length },
    pool,
  )
  return {
    name,
    bundle,
    learned,
    batch: pickRows(batch, half(1)),
    features: selectFeatures(features, half(1)),
  }
}

/** Columns as adapters give a table without times. */
function table(name: string, columns: readonly Float64Array[]): ReadingBatch {
  const length = columns[0]!.length
  return {
    kind: 'readings',
    length,
    ts: new Float64Array(length).fill(Number.NaN),
    device: { codes: new Uint32Array(length), values: [name] },
    metrics: new Map(columns.map((column, j) => [`x${j}`, column])),
  }
}

function* made(): Generator<[string, Float64Array[]]> {
  const random = new Random(23)
  const column = (value: (i: number) => number) => Float64Array.from({ length: MOST }, (_, i) => value(i))
  const normals = (d: number) => Array.from({ length: d }, () => column(() => random.normal()))
  yield ['12 normal', normals(12)]
  yield ['24 normal', normals(24)]
  const hidden = normals(4)
  yield [
    '24 correlated',
    Array.from({ length: 24 }, () => {
      const weights = hidden.map(() => random.normal())
      return column((i) => hidden.reduce((sum, h, k) => sum + weights[k]! * h[i]!, 0.5 * random.normal()))
    }),
  ]
  yield [
    '24 flags, counts',
    [
      ...normals(8),
      ...Array.from({ length: 8 }, () => column(() => Number(random.float() < 0.2))),
      ...Array.from({ length: 8 }, () => column(() => Math.floor(-4 * Math.log(1 - random.float())))),
    ],
  ]
}
