/**
 * Local Outlier Factor score, batch by batch, where features are many: readings as they come live and in questions over
 * HTTP. Few rows and features of ten devices, many of the bundled sample, asked by the devices learned from (near) and
 * by unknown ones with other metrics (far).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readBatches } from '../src/adapters/read.ts'
import { distinctRows, RowIndex } from '../src/kernels/distinct-rows.ts'
import { type Matrix, matrix, selectRows } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { FittedLocalOutlierFactor } from '../src/models/local-outlier-factor.ts'
import { Engine } from '../src/pipeline/engine.ts'
import { train } from '../src/pipeline.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../src/schema/reading-batch.ts'
import { bundledSample, QUIET } from '../src/simulate/bundled-sample.ts'
import type { ModelBundle } from '../src/store/model-bundle.ts'
import { readingsOf } from './api-detect.ts'
import { cache, once, python, verdict } from './harness.ts'

const folder = join(cache, 'lof-batches')
const bar = 1.5
const START = Date.UTC(2026, 0, 5) / 1000
/** Queries of each kind. */
const QUERIES = 1200

export async function run(): Promise<void> {
  const interpreter = await python(['scikit-learn==1.9.1'])
  if (!interpreter) return
  mkdirSync(folder, { recursive: true })
  const small = [join(folder, 'training.ndjson'), join(folder, 'questions.ndjson')] as const
  writeJson(small[0], readingsOf(4000, 1, START).readings)
  writeJson(small[1], readingsOf(QUERIES, 9, START + 400 * 60).readings)
  const few = (await train([small[0]], { model: 'lof' })).bundles
  await measure(interpreter, 'api', few, await featuresOf(few, readBatches([small[1]], {}, [])))
  const { readings } = await bundledSample(join(folder, 'sample'))
  const many = (await train([readings], { model: 'lof', benign: true, first: QUIET })).bundles
  await measure(interpreter, 'near', many, await featuresOf(many, readBatches([readings], {}, [])))
  await measure(interpreter, 'far', many, await featuresOf(many, unknownDevices()))
}

async function measure(
  interpreter: string,
  name: string,
  bundles: readonly ModelBundle[],
  X: Matrix,
): Promise<void> {
  const lof = lofOf(bundles)
  const index = new RowIndex(lof.reference.data, X.nFeatures)
  // What equals a reference row is known without a search.
  const fresh = [...distinctRows(X.data, X.nFeatures).first].filter((i) => index.find(X.data, i) < 0)
  const queries = selectRows(X, fresh.slice(-QUERIES))
  const sizes = [1, 16, 100]
  const expected = lof.score(queries)
  const files = ['train.f32', 'test.f32'].map((file) => join(folder, file)) as [string, string]
  writeFileSync(files[0], lof.reference.data)
  writeFileSync(files[1], queries.data)
  const peer = join(import.meta.dirname, 'lof-batches-peer.py')
  const args = [peer, ...files, String(X.nFeatures), ...sizes.map(String)]
  const { stdout } = await once(interpreter, args, { cores: 1, env: { OMP_NUM_THREADS: '1' } })
  const theirs = stdout.trim().split(/\s+/).map(Number)
  sizes.forEach((size, s) => {
    const parts: Matrix[] = []
    for (let i = 0; i < queries.nSamples; i += size) {
      parts.push(matrix(queries.data.slice(i * X.nFeatures, (i + size) * X.nFeatures), X.featureNames))
    }
    let best = Infinity
    for (let run = 0; run < 5; run++) {
      const before = process.cpuUsage()
      const scores = parts.flatMap((part) => [...lof.score(part)])
      const { user, system } = process.cpuUsage(before)
      best = Math.min(best, (user + system) / queries.nSamples)
      if (scores.some((score, i) => score !== expected[i])) {
        throw new Error(`${name}: scores in batches of ${size} are others than in one`)
      }
    }
    const ratio = theirs[s]! / best
    verdict({
      name: `lof-batches ${name}, ${lof.reference.nSamples} x ${X.nFeatures}, ${queries.nSamples} in batches of ${size}`,
      ours: `${best.toFixed(1)} µs of processor a sample`,
      peer: 'scikit-learn',
      theirs: `${theirs[s]!.toFixed(1)} µs`,
      ratio,
      bar: `${bar}x`,
      met: ratio >= bar,
    })
  })
}

function lofOf(bundles: readonly ModelBundle[]): FittedLocalOutlierFactor {
  for (const { models } of bundles) {
    for (const { detector } of models) if (detector instanceof FittedLocalOutlierFactor) return detector
  }
  throw new Error('there is no LOF among the models')
}

/** The features of all batches, as the engine finds them. */
async function featuresOf(
  bundles: readonly ModelBundle[],
  batches: AsyncIterable<{ batch: Parameters<Engine['process']>[0] }>,
): Promise<Matrix> {
  const engine = new Engine(bundles, { pool: new WorkerPool(1) })
  const parts: Matrix[] = []
  for await (const { batch } of batches) parts.push((await engine.process(batch, 'bench')).X)
  const { featureNames } = parts[0]!
  const data = new Float32Array(parts.reduce((length, part) => length + part.data.length, 0))
  let at = 0
  for (const part of parts) {
    data.set(part.data, at)
    at += part.data.length
  }
  return matrix(data, featureNames)
}

/** 500 devices unknown in training, that tell two metrics every second. */
async function* unknownDevices(): AsyncGenerator<{ batch: ReadingBatch }> {
  const devices = 500
  const random = new Random(1)
  const level = Array.from({ length: devices }, () => 18 + 8 * random.float())
  for (let second = 0; second < 24; second++) {
    const builder = new ReadingBatchBuilder(devices)
    const temperature = builder.column('temperature')
    const humidity = builder.column('humidity')
    for (let i = 0; i < devices; i++) {
      builder.ts[i] = START + second
      builder.device.push(`sensor-${i}`)
      temperature[i] = level[i]! + 3 * Math.sin(second / 13_751 + i) + random.float()
      humidity[i] = 40 + 5 * random.float()
      builder.length++
    }
    yield { batch: builder.finish() }
  }
}

function writeJson(path: string, rows: readonly object[]): void {
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join('\n'))
}
