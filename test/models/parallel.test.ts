import { afterAll, describe, expect, it } from 'vitest'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { Autoencoder } from '../../src/models/autoencoder.ts'
import { IsolationForest } from '../../src/models/isolation-forest.ts'
import { LocalOutlierFactor } from '../../src/models/local-outlier-factor.ts'
import { scoreParallel } from '../../src/models/parallel.ts'
import { bytesOf, correlatedNormal } from './contract.ts'

const one = new WorkerPool(1)
const three = new WorkerPool(3)
afterAll(() => three.close())

const train = correlatedNormal(1000, 5, 1)
const test = correlatedNormal(10_007, 5, 2)
const detectors = [new IsolationForest(), new LocalOutlierFactor(), new Autoencoder()].map((detector) =>
  detector.fit(train),
)

describe('scoreParallel', () => {
  it.each(detectors)('gives the bytes of $name with one worker and with three', async (detector) => {
    const expected = bytesOf(detector.score(test))
    expect(bytesOf(await scoreParallel(detector, test, one))).toEqual(expected)
    expect(bytesOf(await scoreParallel(detector, test, three))).toEqual(expected)
    expect(bytesOf(await scoreParallel(detector, test))).toEqual(expected)
  })

  it('scores with several detectors at the same time', async () => {
    const together = await Promise.all(detectors.map((detector) => scoreParallel(detector, test, three)))
    together.forEach((scores, k) => {
      expect(bytesOf(scores)).toEqual(bytesOf(detectors[k]!.score(test)))
    })
  })

  it('keeps more detectors apart than a worker holds open', async () => {
    const forests = Array.from({ length: 9 }, (_, seed) =>
      new IsolationForest({ seed, nEstimators: 10 }).fit(train),
    )
    for (const forest of [...forests, ...forests]) {
      expect(bytesOf(await scoreParallel(forest, test, three))).toEqual(bytesOf(forest.score(test)))
    }
  })

  it('names the sample of the whole matrix in its errors', async () => {
    const broken = correlatedNormal(10_000, 5, 3)
    broken.data[9000 * 5 + 3] = Number.NaN
    await expect(scoreParallel(detectors[0]!, broken, three)).rejects.toThrow(
      'NaN at sample 9000, feature x3',
    )
    await expect(scoreParallel(detectors[0]!, correlatedNormal(9000, 4, 1), three)).rejects.toThrow(
      '5 features',
    )
  })

  it('leaves the input as it was', async () => {
    const before = bytesOf(test.data)
    await scoreParallel(detectors[0]!, test, three)
    expect(bytesOf(test.data)).toEqual(before)
  })
})
