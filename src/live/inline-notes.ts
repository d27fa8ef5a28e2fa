import type { Engine, Processed } from '../pipeline/engine.ts'
import { learnedReadings } from '../pipeline/trained-past.ts'
import { isOfSample, sampleDevices } from '../simulate/bundled-sample.ts'
import type { ModelBundle } from '../store/model-bundle.ts'

/** Names told in a note. */
const MOST_NAMED = 3

/** The devices whose records a model learned; undefined where it kept nothing of them. */
export function learnedDevices({ kind, past, summary }: ModelBundle): ReadonlySet<string> | undefined {
  if (isOfSample(summary.sources, summary.from)) return sampleDevices()
  if (kind === 'flows' || !past) return undefined
  return new Set(learnedReadings(past).names())
}

/**
 * What one should know about an answer.
 *
 * @param learned see {@link learnedDevices}; without, it counts whether the engine has met a device
 */
export function notesOn(
  { batch, bundle }: Processed,
  learned: ReadonlySet<string> | undefined,
  engine: Engine,
): string[] {
  const until = engine.unusedPast(batch)
  if (until !== undefined) {
    const end = new Date(until * 1000).toISOString()
    return [
      `the records begin before ${end}, the end of training: they are judged as if nothing were known of any device; send later ones, or train again`,
    ]
  }
  if (!batch.device || !(learned || bundle.past)) return []
  const strangers = batch.device.values.filter((name) =>
    learned ? !learned.has(name) : engine.deviceState(name).seen === 0,
  )
  if (strangers.length === 0) return []
  const names = strangers.slice(0, MOST_NAMED).join(', ')
  const more = strangers.length > MOST_NAMED ? ` and ${strangers.length - MOST_NAMED} more` : ''
  return [
    strangers.length === 1
      ? `${names} is no device that the models learned: it is compared with what is normal for others`
      : `${names}${more} are no devices that the models learned: they are compared with what is normal for others`,
  ]
}
