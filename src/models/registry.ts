import { FittedAutoencoder } from './autoencoder.ts'
import { ModelFormatError, magicOf } from './buffer.ts'
import type { FittedDetector } from './detector.ts'
import { FittedIsolationForest } from './isolation-forest.ts'
import { FittedLocalOutlierFactor } from './local-outlier-factor.ts'
import { FittedSurprise } from './surprise.ts'

/** Every kind of fitted detector, by what its buffer starts with. */
const kinds = new Map<string, { fromBuffer(buffer: ArrayBufferLike): FittedDetector }>([
  ['FOREST', FittedIsolationForest],
  ['LOF', FittedLocalOutlierFactor],
  ['AUTOENC', FittedAutoencoder],
  ['SURPRISE', FittedSurprise],
])

/**
 * Opens what a fitted detector's `toBuffer` gave, whatever its kind; nothing is copied.
 *
 * @throws ModelFormatError when it is no model, one of another version, or a damaged one
 */
export function detectorFromBuffer(buffer: ArrayBufferLike): FittedDetector {
  const magic = magicOf(buffer)
  const kind = kinds.get(magic)
  if (!kind) {
    const known = [...kinds.keys()].join(', ')
    throw new ModelFormatError(
      `no detector starts with ${JSON.stringify(magic)}, expected one of ${known}; train again`,
    )
  }
  return kind.fromBuffer(buffer)
}
