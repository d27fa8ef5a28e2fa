import type { DevicesState } from '../devices/device-resolver.ts'
import { createReadingExtractor, type ReadingExtractor } from '../features/reading/extractor.ts'
import { ModelFormatError } from '../models/buffer.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { TrainedPast } from '../store/model-bundle.ts'
import type { Stages } from './stages.ts'

type Kind = Batch['kind']

/** Most bytes that a model file spends on what its devices did. */
const MOST_BYTES = 32 * 2 ** 20
/** Names and MAC addresses kept of it. */
const MOST_NAMES = 50_000

/**
 * What the stages know of devices at the end of training; undefined where records had no time. Of more than fits into
 * a model file, what was not met for longest is left out.
 */
export function pastOf(kind: Kind, stages: Stages, most = MOST_BYTES): TrainedPast | undefined {
  const extractor = stages[kind]
  const since = cutOf(extractor.ages(), most)
  let [until, devices, leftOut] = [-Infinity, 0, 0]
  for (const { last } of extractor.acquaintances()) {
    if (last > until) until = last
    if (since === undefined || last >= since) devices++
    else leftOut++
  }
  if (!Number.isFinite(until)) return undefined
  const places = kind === 'flows' ? JSON.stringify(stages.devices.save(MOST_NAMES)) : ''
  return {
    until,
    devices,
    leftOut,
    features: new Uint8Array(extractor.toBuffer(since)),
    places: new TextEncoder().encode(places),
  }
}

/** The time from which on everything fits into `most` bytes; undefined when all does. */
function cutOf(
  ages: Iterable<{ readonly last: number; readonly bytes: number }>,
  most: number,
): number | undefined {
  const all = [...ages]
  let bytes = all.reduce((sum, age) => sum + age.bytes, 0)
  if (bytes <= most) return undefined
  all.sort((a, b) => a.last - b.last)
  let k = 0
  for (; k < all.length && bytes > most; k++) bytes -= all[k]!.bytes
  // All of one time stay or go together.
  while (k > 0 && k < all.length && all[k]!.last === all[k - 1]!.last) k++
  return all[k]?.last ?? Infinity
}

/**
 * Lets the stages begin with what training knew.
 *
 * @throws ModelFormatError when it is damaged or of another version
 */
export function startFrom(kind: Kind, { features, places }: TrainedPast, stages: Stages): void {
  try {
    stages[kind].restore(Uint8Array.from(features).buffer)
    if (kind === 'flows') {
      stages.devices.restore(JSON.parse(new TextDecoder().decode(Uint8Array.from(places))) as DevicesState)
    }
  } catch (error) {
    throw new ModelFormatError(
      `what the ${kind} model remembers of its devices cannot be used (${(error as Error).message}); train again`,
    )
  }
}

/** What training knew of the devices that sent readings. */
export function learnedReadings({ features }: TrainedPast): ReadingExtractor {
  const extractor = createReadingExtractor()
  extractor.restore(Uint8Array.from(features).buffer)
  return extractor
}
