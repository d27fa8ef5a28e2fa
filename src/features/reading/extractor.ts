import type { ReadingBatch } from '../../schema/reading-batch.ts'
import type { FeatureColumns, FeatureExtractor } from '../feature-columns.ts'
import { unitOf } from './units.ts'

/** Features of each reading; see docs/features.md. */
export class ReadingExtractor implements FeatureExtractor<ReadingBatch> {
  extract(batch: ReadingBatch): FeatureColumns {
    const names = [...batch.metrics.keys()]
    return {
      length: batch.length,
      specs: names.map((name) => ({
        name,
        unit: unitOf(name),
        scale: 'linear',
        direction: 'both',
        words: name,
        metric: name,
        aspect: 'level',
      })),
      columns: names.map((name) => batch.metrics.get(name)!),
    }
  }
}

/** A fresh extractor for readings. */
export function createReadingExtractor(): FeatureExtractor<ReadingBatch> {
  return new ReadingExtractor()
}
