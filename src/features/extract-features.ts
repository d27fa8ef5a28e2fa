import type { Matrix } from '../kernels/matrix.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { FeatureColumns } from './feature-columns.ts'
import { FeatureSpace } from './feature-space.ts'
import { createFlowExtractor } from './flow/extractor.ts'
import { createReadingExtractor } from './reading/extractor.ts'

/**
 * The features of one batch as a scaled matrix (batch.length, features): learns a
 * {@link FeatureSpace} on the batch itself and applies it. To score other records by what these
 * show, keep a space of your own.
 *
 * @throws RangeError when the batch is empty
 */
export function extractFeatures(batch: Batch): Matrix {
  const columns = rawFeatures(batch)
  return FeatureSpace.fit(batch.kind, columns, batch.ts).transform(columns)
}

/** The features of one batch before scaling, by a fresh extractor. */
export function rawFeatures(batch: Batch): FeatureColumns {
  return batch.kind === 'flows'
    ? createFlowExtractor().extract(batch)
    : createReadingExtractor().extract(batch)
}
