/** Local Outlier Factor, fit and score, on dense data without equal rows: the case that gains nothing from repetition. */
import { matrix } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { verdict } from './harness.ts'
import { largestDifference, ourLof, peerLof, tellProcessorTime } from './lof-against-peer.ts'

const nFeatures = 24
const bar = 1.5

export async function run(): Promise<void> {
  for (const n of [20_000, 50_000]) {
    const train = normal(n, 1)
    const test = normal(n, 2)
    const peer = await peerLof(train, test, 2)
    if (!peer) return
    const ours = await ourLof(train, test, 2)
    const difference = largestDifference(ours.scores, peer.scores)
    if (!(difference < 1e-4)) throw new Error(`scores differ by up to ${difference} from scikit-learn's`)
    console.log(`scores of ${n} samples agree with scikit-learn's to ${difference.toExponential(1)} relative`)
    tellProcessorTime(ours, peer)
    const ratio = peer.seconds / ours.seconds
    verdict({
      name: `lof ${n} x ${nFeatures}, fit + score`,
      ours: `${ours.seconds.toFixed(2)} s`,
      peer: 'scikit-learn',
      theirs: `${peer.seconds.toFixed(2)} s`,
      ratio,
      bar: `${bar}x`,
      met: ratio >= bar,
    })
  }
}

/** n samples of independent standard normal features: no structure to prune by. */
function normal(n: number, seed: number) {
  const random = new Random(seed)
  return matrix(
    Float32Array.from({ length: n * nFeatures }, () => random.normal()),
    Array.from({ length: nFeatures }, (_, j) => `x${j}`),
  )
}
