/**
 * Contributions add up to the score: for every model, on records of every subject, ordinary ones and ones made
 * extreme; the largest relative difference counts.
 */
import { matrix } from '../src/kernels/matrix.ts'
import { Random } from '../src/kernels/random.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { subjects } from './subjects.ts'
import { verdict } from './verdict.ts'

const RECORDS = 2000

export async function run(): Promise<void> {
  const pool = new WorkerPool()
  const worst = new Map<string, number>()
  let records = 0
  try {
    for await (const { name, bundle, features } of subjects(pool)) {
      const X = bundle.space.transform(features)
      const random = new Random(5)
      const n = Math.min(RECORDS, X.nSamples)
      // Every other record has a tenth of its values blown up.
      const data = X.data
        .slice(0, n * X.nFeatures)
        .map((x, at) => (Math.floor(at / X.nFeatures) % 2 && random.float() < 0.1 ? x * 10 + 3 : x))
      const asked = matrix(data, X.featureNames)
      records += n
      const cells = bundle.models.map(({ detector }) => {
        const scores = detector.score(asked)
        const parts = detector.contributions(asked)
        let most = 0
        for (let i = 0; i < n; i++) {
          let sum = 0
          for (let j = 0; j < X.nFeatures; j++) sum += parts[i * X.nFeatures + j]!
          most = Math.max(most, Math.abs(sum - scores[i]!) / Math.abs(scores[i]!))
        }
        worst.set(detector.name, Math.max(most, worst.get(detector.name) ?? 0))
        return `${detector.name} ${most.toExponential(1)}`
      })
      console.log(`${name.padEnd(20)} ${cells.join(', ')}`)
    }
  } finally {
    await pool.close()
  }
  for (const [name, most] of worst) {
    verdict({
      name: `additivity, ${name}`,
      figure: `largest relative difference ${most.toExponential(1)} over ${records} records`,
      bar: '1e-6',
      met: most <= 1e-6,
    })
  }
}
