/** Local Outlier Factor, fit and score, on the features of real flows, most of which repeat (IoT-23, capture 34-1). */
import { readFlows } from '../src/adapters/read.ts'
import { extractFeatures } from '../src/features/extract-features.ts'
import { distinctRows } from '../src/kernels/distinct-rows.ts'
import { selectRows } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { sharedData } from '../test/shared-data.ts'
import { verdict } from './harness.ts'
import { largestDifference, ourLof, peerLof, tellProcessorTime } from './lof-against-peer.ts'

const bar = 4

export async function run(): Promise<void> {
  const path = sharedData('iot23/34-1/conn.log.labeled')
  if (!path) {
    console.log(
      'lof-real: no data; put IoT-23 into ../shared/data/iot23 or name its folder in MOTEWATCH_DATA',
    )
    return
  }
  const X = extractFeatures(await readFlows(path))
  // Scores are the same by definition only where no rows are equal and no k-th neighbour is a tie.
  const distinct = selectRows(X, distinctRows(X.data, X.nFeatures).first)
  const random = new Random(1)
  for (let i = 0; i < distinct.data.length; i++) distinct.data[i]! += 0.01 * random.normal()
  const check = await peerLof(distinct, distinct, 1)
  if (!check) return
  const difference = largestDifference((await ourLof(distinct, distinct, 1)).scores, check.scores)
  if (!(difference < 1e-4)) throw new Error(`scores differ by up to ${difference} from scikit-learn's`)
  console.log(
    `scores of the ${distinct.nSamples} distinct of ${X.nSamples} flows, ties broken, agree with scikit-learn's to ${difference.toExponential(1)} relative`,
  )
  const peer = await peerLof(X, X, 2)
  if (!peer) return
  const ours = await ourLof(X, X, 2)
  tellProcessorTime(ours, peer)
  const ratio = peer.seconds / ours.seconds
  verdict({
    name: `lof-real ${X.nSamples} x ${X.nFeatures}, fit + score`,
    ours: `${ours.seconds.toFixed(3)} s`,
    peer: 'scikit-learn',
    theirs: `${peer.seconds.toFixed(2)} s`,
    ratio,
    bar: `${bar}x`,
    met: ratio >= bar,
  })
}
