import { MOST_RELATED } from '../../kernels/expectation.ts'
import { stringAt } from '../../schema/dictionary.ts'
import type { ReadingBatch } from '../../schema/reading-batch.ts'
import { Recent } from '../../schema/recent.ts'
import type { Undo } from '../../schema/undo.ts'
import { fillCycles } from '../cycles.ts'
import {
  type Acquaintance,
  type FeatureColumns,
  type FeatureExtractor,
  type FeatureSpec,
  UNKNOWN_YET,
} from '../feature-columns.ts'
import { Expectation } from './expectation.ts'
import { keep } from './look.ts'
import { CYCLIC, PLACE, PLACES, readingSpecs, TIMES } from './specs.ts'
import { bytesOf, type Device, type Metric, readingsFromBuffer, readingsToBuffer } from './state.ts'
import { FIRST, Surprise } from './surprise.ts'

/** Share of a new reading in the rolling mean and variance: they reach back about 40 readings. */
const RECENT = 0.05
/** Likewise for the device's own normal: about 500 readings. */
const USUAL = 0.004
/** Devices remembered: at least half as many, those unseen for longest are forgotten. */
const MOST_DEVICES = 200_000
/** Metrics remembered, over all devices; further ones are as if they were always read for the first time. */
const MOST_METRICS = 1 << 20
/** Of these, metrics whose past is kept in full, for their surprise. */
const MOST_PASTS = 1 << 17
/** Devices whose metrics are compared with each other. */
const MOST_EXPECTATIONS = 1 << 16
/** A reading changes the recent variance as if it were at most so many spreads off, or an eighth of what it is. */
const SPREADS = 3
const EIGHTH = 1 / 8

/** A device in a batch, so that its metrics are looked up once. */
interface Met {
  readonly device: Device
  /** By metric of the batch; undefined where the device has not had it. */
  readonly metrics: (Metric | undefined)[]
  /** Metrics of the batch that are related, -1 where the batch lacks one; undefined while none are. */
  related: readonly number[] | undefined
}

/** A batch's metrics, and what is filled of each: n values of the feature at PLACE p from `p * n` on. */
interface Sheet {
  readonly metrics: readonly string[]
  readonly levels: readonly Float64Array[]
  readonly values: readonly Float64Array[]
}

/**
 * Features of each reading against its own device's recent past, in the order in which readings are given. Two
 * devices never mix. A device's own usual is not known before it has had twenty readings. A reading older than its
 * device's newest is compared with what is known and changes nothing.
 * Memory is bounded: 4 kB for each of 131,072 metrics, then 0.4 kB; at most 2.4 kB for each of 65,536 devices.
 */
export class ReadingExtractor implements FeatureExtractor<ReadingBatch> {
  readonly #devices = new Recent<string, Device>(MOST_DEVICES, (device, undo) => this.#forget(device, undo))
  /** Devices, up to two; metrics remembered; those of them with a past. */
  #several = 0
  #metrics = 0
  #pasts = 0
  /** Devices that are compared with what they imply themselves. */
  #expectations = 0
  /** The specs of the metrics of the last batch. */
  #specs: { readonly metrics: readonly string[]; readonly specs: readonly FeatureSpec[] } | undefined
  readonly #related = new Float64Array(MOST_RELATED)
  readonly #now = new Float64Array(MOST_RELATED)
  readonly #recently = new Float64Array(MOST_RELATED)

  readonly #judging: boolean

  constructor(judging = false) {
    this.#judging = judging
  }

  extract(batch: ReadingBatch, undo?: Undo): FeatureColumns {
    const n = batch.length
    const metrics = [...batch.metrics.keys()]
    const levels = [...batch.metrics.values()]
    const specs = this.#specsOf(metrics)
    // Columns of a metric share memory: a small array costs more to come by than to fill.
    const values = levels.map(() => new Float64Array(n * PLACES.length).fill(Number.NaN))
    const times = new Float64Array(n * TIMES).fill(Number.NaN)
    const columnOf = (values: Float64Array, place: number) => values.subarray(place * n, (place + 1) * n)
    const columns = levels.flatMap((level, m) => [
      level,
      ...PLACES.map((place) => columnOf(values[m]!, place)),
    ])
    for (let k = 0; k < TIMES; k++) columns.push(columnOf(times, k))
    undo?.push(this.#countsAsTheyAre())
    this.#fill(batch, { metrics, levels, values }, times, undo)
    fillCycles(batch.ts, columns.slice(-CYCLIC))
    return { length: n, specs, columns }
  }

  #fill(batch: ReadingBatch, sheet: Sheet, gap: Float64Array, undo: Undo | undefined): void {
    const n = batch.length
    const { metrics, levels, values } = sheet
    const met: Met[] = []
    for (let i = 0; i < n; i++) {
      const ts = batch.ts[i]!
      if (!Number.isFinite(ts)) continue
      const device = this.#device(stringAt(batch.device, i), ts, undo)
      const code = batch.device.codes[i]!
      let here = met[code]
      if (here?.device !== device) {
        here = meet(device, metrics, undo)
        met[code] = here
      }
      const late = ts < device.ts
      gap[i] = this.#judging && device.seen === 0 ? UNKNOWN_YET : Math.log1p(Math.max(0, ts - device.ts))
      for (let m = 0; m < levels.length; m++) {
        const x = levels[m]![i]!
        if (!Number.isFinite(x)) continue
        const known = here.metrics[m]
        const metric = known ?? begin(x)
        this.#follow(metric, ts, x, late, values[m]!, i, n)
        if (known || late || this.#metrics >= MOST_METRICS) continue
        const name = metrics[m]!
        here.metrics[m] = metric
        device.metrics.set(name, metric)
        this.#metrics++
        undo?.push(() => device.metrics.delete(name))
      }
      this.#expect(here, ts, late, sheet, i, n)
      device.seen++
      if (!late) device.ts = ts
    }
  }

  /** How far a device's metrics are from what they imply of each other. */
  #expect(
    here: Met,
    ts: number,
    late: boolean,
    { metrics, levels, values }: Sheet,
    i: number,
    n: number,
  ): void {
    const { device } = here
    if (!device.expectation && !late && device.seen === FIRST && this.#expectations < MOST_EXPECTATIONS) {
      device.related = [...device.metrics.keys()].slice(0, MOST_RELATED)
      device.expectation = new Expectation(device.related.length)
      this.#expectations++
    }
    if (!device.expectation) return
    here.related ??= device.related.map((name) => metrics.indexOf(name))
    const { related } = here
    const [own, now, recently] = [this.#related, this.#now, this.#recently]
    for (let k = 0; k < related.length; k++) own[k] = levels[related[k]!]?.[i] ?? Number.NaN
    device.expectation.next(ts, own, now, recently, late)
    for (let k = 0; k < related.length; k++) {
      if (!Number.isFinite(own[k]!)) continue
      const filled = values[related[k]!]!
      filled[PLACE.unexpected * n + i] = now[k]!
      filled[PLACE.averageUnexpected * n + i] = recently[k]!
    }
  }

  /** Fills the features of row i of a metric. */
  #follow(
    metric: Metric,
    ts: number,
    x: number,
    late: boolean,
    values: Float64Array,
    i: number,
    n: number,
  ): void {
    const { count } = metric
    const share = 1 / (count + 1)
    const weight = Math.max(RECENT, share)
    const usual = metric.usual + Math.max(USUAL, share) * (x - metric.usual)
    const off = x - metric.mean
    const mean = metric.mean + weight * off
    // One wild value must not make all that follow look restless; many do.
    const most = Math.max(SPREADS * Math.sqrt(metric.variance), EIGHTH * Math.abs(off))
    const size = count < FIRST ? Math.abs(off) : Math.min(Math.abs(off), most)
    const variance = (1 - weight) * (metric.variance + weight * size * size)
    const same = x === metric.value && count > 0 ? metric.same + 1 : 0
    // What needs a longer past than there is says nothing yet, where records are judged: see `createReadingExtractor`.
    const judging = this.#judging
    const young = judging && count < FIRST
    values[PLACE.average * n + i] = young ? UNKNOWN_YET : mean
    // A lone device's average already says this; among several, only this compares each with itself.
    if (this.#several > 1) values[PLACE.shift * n + i] = young ? UNKNOWN_YET : mean - usual
    else if (judging) values[PLACE.shift * n + i] = UNKNOWN_YET
    values[PLACE.change * n + i] = judging && count === 0 ? UNKNOWN_YET : x - metric.value
    values[PLACE.spread * n + i] = young ? UNKNOWN_YET : Math.sqrt(variance)
    values[PLACE.surprise * n + i] = late ? 0 : this.#surprise(metric, ts, x)
    values[PLACE.unchanged * n + i] = same === 0 ? 0 : Math.log1p(same)
    values[PLACE.unexpected * n + i] = 0
    values[PLACE.averageUnexpected * n + i] = 0
    if (late) return
    metric.value = x
    metric.mean = mean
    metric.usual = usual
    metric.variance = variance
    metric.count++
    metric.same = same
  }

  #surprise({ surprise }: Metric, ts: number, x: number): number {
    const before = surprise.hasPast
    const told = surprise.next(ts, x, this.#pasts < MOST_PASTS)
    if (!before && surprise.hasPast) this.#pasts++
    return told
  }

  #device(id: string, ts: number, undo: Undo | undefined): Device {
    const known = this.#devices.get(id, undo)
    if (known) return known
    const device: Device = { ts, seen: 0, metrics: new Map(), related: [], expectation: undefined }
    this.#devices.set(id, device, undo)
    this.#several = Math.min(2, this.#several + 1)
    return device
  }

  #forget({ metrics, expectation }: Device, undo: Undo | undefined): void {
    undo?.push(this.#countsAsTheyAre())
    this.#metrics -= metrics.size
    if (expectation) this.#expectations--
    for (const { surprise } of metrics.values()) if (surprise.hasPast) this.#pasts--
  }

  #countsAsTheyAre(): () => void {
    const [several, metrics, pasts] = [this.#several, this.#metrics, this.#pasts]
    const expectations = this.#expectations
    return () => {
      this.#several = several
      this.#metrics = metrics
      this.#pasts = pasts
      this.#expectations = expectations
    }
  }

  #specsOf(metrics: readonly string[]): readonly FeatureSpec[] {
    const last = this.#specs
    if (last?.metrics.length === metrics.length && last.metrics.every((name, m) => name === metrics[m])) {
      return last.specs
    }
    const specs = readingSpecs(metrics)
    this.#specs = { metrics, specs }
    return specs
  }

  /** How well a device is known; undefined where it was never seen or is forgotten. */
  acquaintance(id: string): Acquaintance | undefined {
    const device = this.#devices.look(id)
    return device && acquaintanceOf(device)
  }

  *acquaintances(): Generator<Acquaintance> {
    for (const device of this.#devices.values()) yield acquaintanceOf(device)
  }

  /** The metrics that a device has sent; none where it was never seen or is forgotten. */
  metricsOf(id: string): Iterable<string> {
    return this.#devices.look(id)?.metrics.keys() ?? []
  }

  /** The names of the devices that are remembered. */
  *names(): Generator<string> {
    for (const [id] of this.#devices.entries()) yield id
  }

  *ages(): Generator<{ readonly last: number; readonly bytes: number }> {
    for (const [id, device] of this.#devices.entries()) yield { last: device.ts, bytes: bytesOf(id, device) }
  }

  /**
   * All that is remembered of the readings so far: another extractor that is {@link restore}d goes on as this one would.
   *
   * @param since devices not seen since then are left out, seconds since the epoch
   */
  toBuffer(since = Number.NEGATIVE_INFINITY): ArrayBuffer {
    const { old, young } = this.#devices.save()
    const kept = (entries: [string, Device][]) => entries.filter(([, { ts }]) => ts >= since)
    return readingsToBuffer({ several: this.#several, old: kept(old), young: kept(young) })
  }

  /** @throws RangeError when `buffer` is damaged or of another version */
  restore(buffer: ArrayBufferLike): void {
    const { several, old, young } = readingsFromBuffer(buffer)
    this.#several = several
    this.#devices.restore({ old, young })
    this.#metrics = 0
    this.#pasts = 0
    this.#expectations = 0
    for (const { metrics, expectation } of this.#devices.values()) {
      this.#metrics += metrics.size
      if (expectation) this.#expectations++
      for (const { surprise } of metrics.values()) if (surprise.hasPast) this.#pasts++
    }
  }
}

/** A device as the rows of a batch find it. */
function meet(device: Device, metrics: readonly string[], undo: Undo | undefined): Met {
  const own = metrics.map((name) => device.metrics.get(name))
  if (undo) keep(device, own, undo)
  return { device, metrics: own, related: undefined }
}

function begin(x: number): Metric {
  return { value: x, mean: x, usual: x, variance: 0, count: 0, same: 0, surprise: new Surprise() }
}

/** A device is known once one of its metrics is. */
function acquaintanceOf({ ts, seen, metrics }: Device): Acquaintance {
  let most = 0
  for (const { count } of metrics.values()) if (count > most) most = count
  return { seen, last: ts, learning: Math.max(0, FIRST - most) }
}

/**
 * A fresh extractor for readings.
 *
 * @param judging whether what needs a longer past than there is says nothing ({@link UNKNOWN_YET}): the average of few
 *   readings strays as one reading does, and the first has no change. Only where records are judged. Training learns
 *   from them as they are: without such rows a course of 400 readings looks steadier than it is (31 % false alarms on
 *   SKAB instead of 8 %, docs/decisions/083-readings.md)
 */
export function createReadingExtractor(judging = false): ReadingExtractor {
  return new ReadingExtractor(judging)
}
