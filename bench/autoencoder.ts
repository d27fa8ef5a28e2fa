/**
 * Training the autoencoder against PyTorch on the CPU: same data, layers, initial scale, batches and epochs.
 * PyTorch runs on one core and on all, and its better time counts. The networks agree when ours ends with
 * no larger error over all samples, in the mean of three seeds.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Matrix, matrix } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { Autoencoder } from '../src/models/autoencoder.ts'
import { cache, once, python, verdict } from './harness.ts'

const nSamples = 100_000
const nFeatures = 30
const hiddenLayerSizes = [16, 6, 16]
const batchSize = 128
const epochs = 10
const learningRate = 0.003
const seeds = [0, 1, 2]
const bar = 5

export async function run(): Promise<void> {
  const interpreter = await python(['numpy', 'torch'])
  if (!interpreter) return
  const X = curved()
  const path = join(cache, 'autoencoder.f32')
  mkdirSync(cache, { recursive: true })
  writeFileSync(path, X.data)

  const peers: { seconds: number; loss: number }[] = []
  for (const threads of new Set([1, availableParallelism()])) {
    const settings = [
      nFeatures,
      hiddenLayerSizes.join(),
      batchSize,
      epochs,
      learningRate,
      threads,
      seeds.length,
    ]
    const script = join(import.meta.dirname, 'autoencoder-peer.py')
    const { stdout, code } = await once(interpreter, [script, path, ...settings.map(String)])
    if (code !== 0) return
    const [seconds, ...losses] = stdout.trim().split(' ').map(Number)
    peers.push({ seconds: seconds!, loss: mean(losses) })
  }
  const theirs = {
    seconds: Math.min(...peers.map((p) => p.seconds)),
    loss: Math.min(...peers.map((p) => p.loss)),
  }

  const train = (seed: number, rounds: number) =>
    new Autoencoder({
      hiddenLayerSizes,
      batchSize,
      epochs: rounds,
      learningRate,
      validationFraction: 0,
      seed,
    }).fit(X)
  train(0, 1)
  const runs = seeds.map((seed) => {
    const started = performance.now()
    const fitted = train(seed, epochs)
    const seconds = (performance.now() - started) / 1000
    return { seconds, loss: mean(fitted.score(X)) }
  })
  const ours = { seconds: Math.min(...runs.map((r) => r.seconds)), loss: mean(runs.map((r) => r.loss)) }

  const ratio = theirs.seconds / ours.seconds
  verdict({
    name: `autoencoder training, ${nSamples} x ${nFeatures}, ${epochs} epochs`,
    ours: `${ours.seconds.toFixed(2)} s (error ${ours.loss.toFixed(5)})`,
    peer: 'PyTorch',
    theirs: `${theirs.seconds.toFixed(2)} s (error ${theirs.loss.toFixed(5)})`,
    ratio,
    bar: `${bar}x at an equal or lower error`,
    met: ratio >= bar && ours.loss <= theirs.loss,
  })
}

/**
 * Samples near a curved surface of 6 dimensions, each feature brought within its middle 99 %: our network
 * would not see further out, and both sides shall learn the same.
 */
function curved(): Matrix {
  const random = new Random(1)
  const mix = Float64Array.from({ length: 6 * nFeatures }, () => random.normal())
  const data = new Float32Array(nSamples * nFeatures)
  for (let i = 0; i < nSamples; i++) {
    const z = Array.from({ length: 6 }, () => Math.tanh(random.normal()))
    for (let j = 0; j < nFeatures; j++) {
      data[i * nFeatures + j] = z.reduce(
        (sum, u, k) => sum + u * mix[k * nFeatures + j]!,
        random.normal() / 10,
      )
    }
  }
  for (let j = 0; j < nFeatures; j++) {
    const column = Float32Array.from({ length: nSamples }, (_, i) => data[i * nFeatures + j]!).sort()
    const [low, high] = [column[nSamples * 0.005]!, column[nSamples * 0.995]!]
    for (let k = j; k < data.length; k += nFeatures) data[k] = Math.max(low, Math.min(high, data[k]!))
  }
  return matrix(
    data,
    Array.from({ length: nFeatures }, (_, j) => `x${j}`),
  )
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
}
