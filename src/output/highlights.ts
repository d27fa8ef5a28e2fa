import type { Anomaly } from '../schema/anomaly.ts'

/** Anomalies of one device and type. */
export interface Group {
  readonly device: string
  readonly type: string
  count: number
  /** Seconds since the epoch; NaN where the source has no time. */
  first: number
  last: number
  /** The strongest, strongest first. */
  readonly strongest: Anomaly[]
}

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
 * What is worth showing of a stream of anomalies, in memory bounded by devices, types and time bins, not by
 * anomalies: totals, the strongest examples of every device and type, and how many there were when.
 *
 * Groups are shown instead of a plain top list, which one flood would fill by itself.
 */
export class Highlights {
  total = 0
  readonly devices = new Map<string, DeviceSummary>()
  readonly types = new Map<string, number>()
  readonly #groups = new Map<string, Group>()
  readonly #perGroup: number
  /** Width of a time bin, s; bin k covers [k * binWidth, (k + 1) * binWidth). */
  binWidth = 1
  #firstBin = Number.POSITIVE_INFINITY
  #lastBin = Number.NEGATIVE_INFINITY

  /** @param perGroup examples kept of each device and type */
  constructor(perGroup = 3) {
    this.#perGroup = perGroup
  }

  /** First and last time bin with an anomaly, or undefined when no anomaly had a time. */
  get bins(): { first: number; last: number } | undefined {
    return this.#firstBin <= this.#lastBin ? { first: this.#firstBin, last: this.#lastBin } : undefined
  }

  add(anomalies: readonly Anomaly[]): void {
    for (const anomaly of anomalies) this.#addOne(anomaly)
  }

  /** The groups, the most telling first: a rare kind of record counts, and so does how often it came. */
  groups(): Group[] {
    return [...this.#groups.values()].sort((a, b) => weight(b) - weight(a))
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

    const key = `${device}\n${type}`
    let group = this.#groups.get(key)
    if (!group) {
      group = { device, type, count: 0, first: Number.NaN, last: Number.NaN, strongest: [] }
      this.#groups.set(key, group)
    }
    group.count++
    extend(group, timestamp)
    keep(group.strongest, anomaly, this.#perGroup)
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

/** Inserts `anomaly` by confidence; equals stay in the order they came. */
function keep(strongest: Anomaly[], anomaly: Anomaly, most: number): void {
  if (strongest.length === most && anomaly.confidence <= strongest[most - 1]!.confidence) return
  let at = strongest.length
  while (at > 0 && strongest[at - 1]!.confidence < anomaly.confidence) at--
  strongest.splice(at, 0, anomaly)
  if (strongest.length > most) strongest.pop()
}

/** Orders of magnitude by which the strongest is rare among normal records, and by which the group is large. */
function weight({ count, strongest: [first] }: Group): number {
  return Math.log10(count) - Math.log10(Math.max(first!.p_value, Number.MIN_VALUE))
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
