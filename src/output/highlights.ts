import type { Anomaly } from '../schema/anomaly.ts'

/** What is kept about one device. */
export interface DeviceSummary {
  readonly device: string
  name: string | undefined
  count: number
  readonly types: Map<string, number>
  highest: number
  first: number
  last: number
  /** Number of the time bin -> anomalies in it. */
  bins: Map<number, number>
}

/** Most bins a timeline has; their width doubles when time outgrows them. */
const MAX_BINS = 240

/**
 * What is worth counting of a stream of anomalies, in memory bounded by devices, types and time bins, not by
 * anomalies: totals by device and type, and how many there were when.
 */
export class Highlights {
  total = 0
  readonly devices = new Map<string, DeviceSummary>()
  readonly types = new Map<string, number>()
  /** Width of a time bin, s; bin k covers [k * binWidth, (k + 1) * binWidth). */
  binWidth = 1
  #firstBin = Number.POSITIVE_INFINITY
  #lastBin = Number.NEGATIVE_INFINITY

  /** First and last time bin with an anomaly, or undefined when no anomaly had a time. */
  get bins(): { first: number; last: number } | undefined {
    return this.#firstBin <= this.#lastBin ? { first: this.#firstBin, last: this.#lastBin } : undefined
  }

  add(anomalies: readonly Anomaly[]): void {
    for (const anomaly of anomalies) this.#addOne(anomaly)
  }

  /** The devices, the one with most anomalies first. */
  rankedDevices(): DeviceSummary[] {
    return [...this.devices.values()].sort((a, b) => b.count - a.count || b.highest - a.highest)
  }

  #addOne(anomaly: Anomaly): void {
    const { device, type, timestamp, confidence } = anomaly
    this.total++
    this.types.set(type, (this.types.get(type) ?? 0) + 1)

    let summary = this.devices.get(device)
    if (!summary) {
      summary = {
        device,
        name: undefined,
        count: 0,
        types: new Map(),
        highest: 0,
        first: Number.NaN,
        last: Number.NaN,
        bins: new Map(),
      }
      this.devices.set(device, summary)
    }
    summary.count++
    summary.name = anomaly.device_name ?? summary.name
    summary.types.set(type, (summary.types.get(type) ?? 0) + 1)
    summary.highest = Math.max(summary.highest, confidence)
    extend(summary, timestamp)
    this.#count(summary, timestamp)
  }

  #count(summary: DeviceSummary, timestamp: number): void {
    if (!Number.isFinite(timestamp)) return
    let bin = Math.floor(timestamp / this.binWidth)
    while (Math.max(bin, this.#lastBin) - Math.min(bin, this.#firstBin) >= MAX_BINS) {
      this.#widen()
      bin = Math.floor(timestamp / this.binWidth)
    }
    this.#firstBin = Math.min(this.#firstBin, bin)
    this.#lastBin = Math.max(this.#lastBin, bin)
    summary.bins.set(bin, (summary.bins.get(bin) ?? 0) + 1)
  }

  /** Doubles the width of the bins: bins 2k and 2k + 1 become bin k, so nothing has to be counted again. */
  #widen(): void {
    this.binWidth *= 2
    this.#firstBin = Math.floor(this.#firstBin / 2)
    this.#lastBin = Math.floor(this.#lastBin / 2)
    for (const summary of this.devices.values()) {
      const merged = new Map<number, number>()
      for (const [bin, count] of summary.bins) {
        const half = Math.floor(bin / 2)
        merged.set(half, (merged.get(half) ?? 0) + count)
      }
      summary.bins = merged
    }
  }
}

function extend(span: { first: number; last: number }, timestamp: number): void {
  if (!Number.isFinite(timestamp)) return
  if (!(span.first <= timestamp)) span.first = timestamp
  if (!(span.last >= timestamp)) span.last = timestamp
}

/** The entry with the largest count. */
export function most(counts: ReadonlyMap<string, number>): string {
  let best = ''
  let high = 0
  for (const [key, count] of counts) {
    if (count > high) {
      best = key
      high = count
    }
  }
  return best
}
