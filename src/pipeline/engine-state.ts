import { deserialize, serialize } from 'node:v8'
import type { ExplainerState } from '../anomalies/explainer.ts'
import type { JudgeState } from '../feedback/judge.ts'
import type { TrackerState } from '../incidents/incident-tracker.ts'
import { ModelFormatError, readSections, writeSections } from '../models/buffer.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { DriftState } from './drift.ts'
import type { StagesState } from './stages.ts'

/** A change of meaning of anything inside raises the version. */
const magic = 'MOTESTAT'
const version = 1

/** What an engine remembers of one kind of data beside its features. */
export interface KindState {
  readonly kind: Batch['kind']
  readonly explainer: ExplainerState
  readonly judge: JudgeState
  /** Where slow changes are followed. */
  readonly drift?: DriftState
}

/** All that an engine's later answers depend on, beside its models. */
export interface EngineState {
  readonly stages: StagesState
  /** Kinds of data of which there was some. */
  readonly begun: readonly Batch['kind'][]
  readonly records: number
  /** Number of the newest incident. */
  readonly incidents: number
  readonly kinds: readonly KindState[]
  readonly tracker: TrackerState
}

/** One checked buffer, of data only. */
export function stateToBuffer({
  stages,
  begun,
  records,
  incidents,
  kinds,
  tracker,
}: EngineState): ArrayBuffer {
  const parts = {
    flows: new Uint8Array(stages.flows),
    readings: new Uint8Array(stages.readings),
    devices: new TextEncoder().encode(JSON.stringify(stages.devices)),
    // Structured clone keeps what the histories have in common, and numbers that JSON lacks.
    histories: new Uint8Array(serialize({ kinds, tracker })),
  }
  const lengths = Object.entries(parts).map(([name, bytes]) => [`${name}Bytes`, bytes.length])
  const shared = writeSections(
    magic,
    version,
    { begun, records, incidents, ...Object.fromEntries(lengths) },
    parts,
  )
  const buffer = new ArrayBuffer(shared.byteLength)
  new Uint8Array(buffer).set(new Uint8Array(shared))
  return buffer
}

/** @throws ModelFormatError when the buffer is damaged, of another version or no state at all */
export function stateFromBuffer(buffer: ArrayBufferLike): EngineState {
  try {
    const sections = readSections(buffer, magic, version)
    const bytesOf = (name: string) => {
      const bytes = sections.array(name, Uint8Array, sections.integer(`${name}Bytes`, 0, buffer.byteLength))
      return Uint8Array.from(bytes)
    }
    const histories = deserialize(bytesOf('histories')) as Pick<EngineState, 'kinds' | 'tracker'>
    return {
      ...histories,
      stages: {
        devices: JSON.parse(new TextDecoder().decode(bytesOf('devices'))) as StagesState['devices'],
        flows: bytesOf('flows').buffer,
        readings: bytesOf('readings').buffer,
      },
      begun: sections.strings('begun').filter((kind) => kind === 'flows' || kind === 'readings'),
      records: sections.integer('records', 0, Number.MAX_SAFE_INTEGER),
      incidents: sections.integer('incidents', 0, Number.MAX_SAFE_INTEGER),
    }
  } catch (error) {
    const message = (error as Error).message.replace(/; (copy it again or )?train again$/, '')
    throw new ModelFormatError(
      `the saved state of the engine cannot be used: ${message}; start without it, devices are learned again`,
    )
  }
}
