import { DeviceResolver, type DevicesState } from '../devices/device-resolver.ts'
import type { Acquaintance, FeatureColumns } from '../features/feature-columns.ts'
import { createFlowExtractor } from '../features/flow/extractor.ts'
import { createReadingExtractor, type ReadingExtractor } from '../features/reading/extractor.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { Undo } from '../schema/undo.ts'

/** A batch whose rows know their device, with their features. */
export interface PreparedBatch {
  readonly batch: Batch
  readonly features: FeatureColumns
}

/** Everything that later features and devices depend on. */
export interface StagesState {
  readonly devices: DevicesState
  readonly flows: ArrayBufferLike
  readonly readings: ArrayBufferLike
}

/** What happens to every batch before scores: devices are resolved, features computed, in input order. */
export class Stages {
  devices: DeviceResolver
  flows = createFlowExtractor()
  readings: ReadingExtractor
  readonly #local: readonly string[] | undefined
  readonly #judging: boolean

  /** @param judging whether records are judged, so that what needs a past says nothing of devices without */
  constructor(local: readonly string[] | undefined, judging = false) {
    this.#local = local
    this.#judging = judging
    this.devices = resolver(local)
    this.readings = createReadingExtractor(judging)
  }

  /** @param undo where given, learns how to put back what the batch changed */
  prepare(batch: Batch, undo?: Undo): PreparedBatch {
    if (batch.kind === 'readings') return { batch, features: this.readings.extract(batch, undo) }
    const assigned = this.devices.assign(batch, undo)
    return { batch: assigned, features: this.flows.extract(assigned, undo) }
  }

  /** How well a device is known; undefined where it was never seen or is forgotten. */
  acquaintance(kind: Batch['kind'], device: string): Acquaintance | undefined {
    return this[kind].acquaintance(device)
  }

  save(): StagesState {
    return {
      devices: this.devices.save(),
      flows: this.flows.toBuffer(),
      readings: this.readings.toBuffer(),
    }
  }

  /** @throws RangeError when it is damaged or of another version */
  restore(kind: Batch['kind'], { devices, flows, readings }: StagesState): void {
    if (kind === 'readings') this.readings.restore(readings)
    else {
      this.devices.restore(devices)
      this.flows.restore(flows)
    }
  }

  /** As if there had never been a batch of this kind. */
  forget(kind: Batch['kind']): void {
    if (kind === 'readings') this.readings = createReadingExtractor(this.#judging)
    else {
      this.devices = resolver(this.#local)
      this.flows = createFlowExtractor()
    }
  }
}

function resolver(local: readonly string[] | undefined): DeviceResolver {
  return new DeviceResolver(local ? { local } : {})
}
