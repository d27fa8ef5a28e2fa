import type { Knows } from '../pipeline/engine.ts'
import { learnedReadings } from '../pipeline/trained-past.ts'
import { sampleDevices } from '../simulate/bundled-sample.ts'
import type { ModelBundle } from '../store/model-bundle.ts'

type Kind = ModelBundle['kind']

/**
 * Whose records the models can judge.
 *
 * The sample's know the sample's devices. Any other model knows what was learned from, and every device that sends
 * the same metrics as one of those does: it may be compared with them. Flows are the same columns whoever sends them.
 */
export class Knowledge {
  readonly #bySample: ReadonlySet<Kind>
  readonly #readings: Known | undefined

  /** @param bySample kinds whose model is the sample's, and was not chosen by a person */
  constructor(bundles: readonly ModelBundle[], bySample: ReadonlySet<Kind>) {
    this.#bySample = bySample
    const readings = bundles.find(({ kind }) => kind === 'readings')
    this.#readings = readings && knownTo(readings)
  }

  readonly knows: Knows = (kind, device, metrics) => {
    if (this.#bySample.has(kind)) return sampleDevices().has(device)
    if (kind === 'flows' || !this.#readings) return true
    const { devices, sets, learned } = this.#readings
    return devices.has(device) || sets.has(setOf(metrics, learned))
  }
}

interface Known {
  readonly devices: ReadonlySet<string>
  /** What its devices send, of what the model looks at; see {@link setOf}. */
  readonly sets: ReadonlySet<string>
  readonly learned: ReadonlySet<string>
}

/** Undefined where training kept nothing of its devices. */
function knownTo({ past, space }: ModelBundle): Known | undefined {
  if (!past) return undefined
  const learned = new Set(space.specs.flatMap(({ metric }) => metric ?? []))
  const extractor = learnedReadings(past)
  const devices = new Set(extractor.names())
  const sets = new Set([...devices].map((name) => setOf(extractor.metricsOf(name), learned)))
  return { devices, sets, learned }
}

function setOf(metrics: Iterable<string>, learned: ReadonlySet<string>): string {
  const names = [...metrics].filter((name) => learned.has(name))
  return names.sort().join('\n')
}
