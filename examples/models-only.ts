/**
 * The detectors alone, on any table of numbers: fit, score, explain, save.
 *
 *   node examples/models-only.ts
 */
import {
  Autoencoder,
  detectorFromBuffer,
  IsolationForest,
  LocalOutlierFactor,
  matrixFromRows,
  rocAuc,
} from 'motewatch'

// Temperature and power of a machine that rise and fall together, and three rows where they do not.
const rows = Array.from({ length: 600 }, (_, i) => {
  const load = (Math.sin(i / 20) + 1) / 2
  return scaled(20 + 30 * load + wobble(i), 5 + 90 * load + wobble(i + 0.5))
})
const odd = [scaled(21, 95), scaled(49, 6), scaled(80, 50)]
const normal = matrixFromRows(rows, ['temperature', 'power'])
const mixed = matrixFromRows([...rows.slice(0, 100), ...odd], ['temperature', 'power'])
const truth = [...rows.slice(0, 100).map(() => 0), ...odd.map(() => 1)]

for (const detector of [
  new IsolationForest({ seed: 1 }),
  new LocalOutlierFactor({ nNeighbors: 20 }),
  new Autoencoder({ hiddenLayerSizes: [8, 1, 8], epochs: 100, seed: 1 }),
]) {
  const fitted = detector.fit(normal)
  // Higher is more abnormal, for every detector.
  const scores = fitted.score(mixed)
  console.log(`${detector.name}: ROC AUC ${rocAuc(scores, truth).toFixed(3)}`)

  // Why: one number a row and feature.
  const why = fitted.contributions(mixed).slice(-mixed.nFeatures)
  console.log(
    `  the last row: ${mixed.featureNames.map((name, j) => `${name} ${why[j]!.toFixed(3)}`).join(', ')}`,
  )

  // A fitted detector is one buffer: a file, a message to a worker.
  const again = detectorFromBuffer(fitted.toBuffer())
  console.log(`  the same after a round trip: ${again.score(mixed).every((s, i) => s === scores[i])}`)
}

/** Distances and reconstruction errors need features of like size; `FeatureSpace` does this for real data. */
function scaled(temperature: number, power: number): number[] {
  return [(temperature - 35) / 11, (power - 50) / 32]
}

function wobble(i: number): number {
  return Math.sin(i * 12.9898) * 1.5
}
