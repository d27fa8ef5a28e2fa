import type { Anomaly, AnomalyType } from '../schema/anomaly.ts'

/** Counts what `detect` has seen and found. */
export class Tally {
  scored = 0
  #anomalies = 0
  readonly #byDevice = new Map<string, number>()
  readonly #byType = new Map<AnomalyType, number>()

  add(scored: number, anomalies: readonly Anomaly[]): void {
    this.scored += scored
    this.#anomalies += anomalies.length
    for (const { device, type } of anomalies) {
      this.#byDevice.set(device, (this.#byDevice.get(device) ?? 0) + 1)
      this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1)
    }
  }

  /** Devices and types with the most anomalies first. */
  summary() {
    return {
      scored: this.scored,
      anomalies: this.#anomalies,
      byDevice: ordered(this.#byDevice) as Record<string, number>,
      byType: ordered(this.#byType) as Partial<Record<AnomalyType, number>>,
    }
  }
}

function ordered(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
}
