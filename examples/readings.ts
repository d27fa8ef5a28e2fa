/**
 * Sensor readings from your own program: no files, no formats, just the columns.
 *
 *   node examples/readings.ts
 */
import { extractFeatures, IsolationForest, ReadingBatchBuilder, stringAt } from 'motewatch'

const builder = new ReadingBatchBuilder(2000)
for (let minute = 0; minute < 1000; minute++) {
  for (const device of ['boiler', 'pump']) {
    // The pump runs hot for ten minutes.
    const fault = device === 'pump' && minute >= 700 && minute < 710 ? 25 : 0
    builder.add({
      ts: 1_700_000_000 + minute * 60,
      device,
      metrics: { temperature: 60 + 5 * Math.sin(minute / 90) + Math.sin(minute * 7.3) + fault },
    })
  }
}
const batch = builder.finish()

const X = extractFeatures(batch)
console.log(`${X.nSamples} readings, features: ${X.featureNames.join(', ')}`)
const scores = new IsolationForest({ seed: 0 }).fit(X).score(X)
const strongest = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!).slice(0, 5)
for (const i of strongest) {
  const minute = (batch.ts[i]! - 1_700_000_000) / 60
  console.log(`${scores[i]!.toFixed(3)} ${stringAt(batch.device, i)} at minute ${minute}`)
}
