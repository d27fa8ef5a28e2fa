import { FittedAutoencoder } from './autoencoder.ts'
import { type ModelBytes, ModelFormatError, magicOf, viewOf } from './buffer.ts'
import type { FittedDetector } from './detector.ts'
import { FittedIsolationForest } from './isolation-forest.ts'
import { FittedLocalOutlierFactor } from './local-outlier-factor.ts'
import { FittedSurprise } from './surprise.ts'

/** Every kind of fitted detector, by what its buffer starts with. */
const kinds = new Map<string, { fromBuffer(bytes: ModelBytes): FittedDetector }>([
  ['FOREST', FittedIsolationForest],
  ['LOF', FittedLocalOutlierFactor],
  ['AUTOENC', FittedAutoencoder],
  ['SURPRISE', FittedSurprise],
])

/** Where the opened detectors lie. */
const opened = new WeakMap<FittedDetector, Uint8Array>()

/**
 * Opens what a fitted detector's `toBuffer` gave, whatever its kind; nothing is copied.
 *
 * @throws ModelFormatError when it is no model, one of another version, or a damaged one
 */
export function detectorFromBuffer(bytes: ModelBytes): FittedDetector {
  const magic = magicOf(bytes)
  const kind = kinds.get(magic)
  if (!kind) {
    const known = [...kinds.keys()].join(', ')
    throw new ModelFormatError(
      `no detector starts with ${JSON.stringify(magic)}, expected one of ${known}; train again`,
    )
  }
  const detector = kind.fromBuffer(bytes)
  opened.set(detector, viewOf(bytes))
  return detector
}

/** The bytes of a detector: those that it was opened from, else made now. */
export function bytesOf(detector: FittedDetector): Uint8Array {
  return opened.get(detector) ?? viewOf(detector.toBuffer())
}
