import { DeviceResolver } from '../devices/device-resolver.ts'
import type { FeatureColumns, FeatureExtractor } from '../features/feature-columns.ts'
import { createFlowExtractor } from '../features/flow/extractor.ts'
import { createReadingExtractor } from '../features/reading/extractor.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { Batch, ReadingBatch } from '../schema/reading-batch.ts'

/** A batch whose rows know their device, with their features. */
export interface PreparedBatch {
  readonly batch: Batch
  readonly features: FeatureColumns
}

/** What happens to every batch before scores: devices are resolved, features computed, in input order. */
export class Stages {
  readonly #devices: DeviceResolver
  readonly #flows: FeatureExtractor<FlowBatch> = createFlowExtractor()
  readonly #readings: FeatureExtractor<ReadingBatch> = createReadingExtractor()

  constructor(local: readonly string[] | undefined) {
    this.#devices = new DeviceResolver(local ? { local } : {})
  }

  prepare(batch: Batch): PreparedBatch {
    if (batch.kind === 'readings') return { batch, features: this.#readings.extract(batch) }
    const assigned = this.#devices.assign(batch)
    return { batch: assigned, features: this.#flows.extract(assigned) }
  }

  nameOf(device: string): string | undefined {
    return this.#devices.nameOf(device)
  }
}
