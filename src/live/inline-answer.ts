import { confidenceOf } from '../models/calibration.ts'
import { foundAnomaly } from '../output/anomaly-json.ts'
import type { Processed } from '../pipeline/engine.ts'
import { JsonWriter } from './json-writer.ts'

const writer = new JsonWriter()
const [FIRST, NEXT, TIMESTAMP, CONFIDENCE, SCORE, USUAL, ANOMALY] = [
  '{"device":',
  ',{"device":',
  ',"timestamp":',
  ',"confidence":',
  ',"score":',
  ',"anomaly":false}',
  ',"anomaly":true}',
].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
const NO_DEVICE = Buffer.from('""')

/**
 * The JSON of what came of a question, but for what became of the records where they are stored: `,"stored":…}` is to
 * follow. As bytes, as that takes a sixth of the time.
 */
export function answerBytes(rows: Processed, notes: readonly string[]): Uint8Array<ArrayBuffer> {
  const { batch, combined, ceiling, threshold, bundle, kind, models, anomalies, firstRecord } = rows
  const { contamination } = bundle.summary
  const found = new Set(anomalies.map(({ record }) => record - firstRecord))
  const names = batch.device?.values.map((name) => Buffer.from(JSON.stringify(name)))
  const codes = batch.device?.codes
  const by = JSON.stringify(models.map(({ detector }) => detector.name))
  writer.text(
    `{"kind":"${kind}","scored":${batch.length},"threshold":${threshold},"models":${by},"results":[`,
  )
  for (let i = 0; i < batch.length; i++) {
    const evidence = Math.min(combined[i]!, ceiling)
    writer.raw(i === 0 ? FIRST : NEXT)
    writer.raw(names && codes ? names[codes[i]!]! : NO_DEVICE)
    writer.raw(TIMESTAMP)
    writer.time(batch.ts[i]!)
    writer.raw(CONFIDENCE)
    writer.number(confidenceOf(evidence, contamination))
    writer.raw(SCORE)
    writer.number(evidence)
    writer.raw(found.has(i) ? ANOMALY : USUAL)
  }
  const explained = anomalies.map((anomaly) => foundAnomaly(anomaly, anomaly.record - firstRecord))
  writer.text(`],"anomalies":${JSON.stringify(explained)},"notes":${JSON.stringify(notes)}`)
  return writer.finish()
}
