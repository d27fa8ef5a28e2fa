import { MOST_RELATED } from '../../kernels/expectation.ts'
import { stringAt } from '../../schema/dictionary.ts'
import type { ReadingBatch } from '../../schema/reading-batch.ts'
import { Recent } from '../../schema/recent.ts'
import type { Undo } from '../../schema/undo.ts'
import { cyclicSpecs, fillCycles } from '../cycles.ts'
import {
  type Acquaintance,
  type FeatureColumns,
  type FeatureExtractor,
  type FeatureSpec,
  UNKNOWN_YET,
} from '../feature-columns.ts'
import { Expectation } from './expectation.ts'
import { bytesOf, type Device, type Metric, readingsFromBuffer, readingsToBuffer } from './state.ts'
import { FIRST, Surprise } from './surprise.ts'
import { unitOf } from './units.ts'

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

const GAP: FeatureSpec = {
  name: 'gap',
  unit: 's',
  scale: 'log1p',
  direction: 'high',
  words: 'time since the last reading',
  aspect: 'gap',
}
const CYCLES = cyclicSpecs()

/** The features of one metric, in column order. */
function specsOf(metric: string): FeatureSpec[] {
  const unit = unitOf(metric)
  const spec = (
    name: string,
    words: string,
    aspect: FeatureSpec['aspect'],
    rest: Partial<FeatureSpec> = {},
  ): FeatureSpec => ({
    name,
    unit,
    scale: 'linear',
    direction: 'both',
    words,
    metric,
    aspect: aspect!,
    ...rest,
  })
  return [
    spec(metric, metric, 'level'),
    spec(`${metric} average`, `recent average of ${metric}`, 'level'),
    spec(`${metric} shift`, `shift of ${metric} from its own usual`, 'level'),
    spec(`${metric} change`, `change of ${metric}`, 'change'),
    spec(`${metric} spread`, `recent spread of ${metric}`, 'spread'),
    spec(`${metric} surprise`, `${metric} as rare for this device as once in`, 'level', {
      unit: 'readings',
      scale: 'evidence',
      direction: 'high',
    }),
    spec(`${metric} unchanged`, `readings without a change of ${metric}`, 'spread', {
      unit: 'readings',
      scale: 'log1p',
      direction: 'high',
    }),
    spec(`${metric} unexpected`, `${metric} against what its other metrics and the hour imply`, 'relation', {
      unit: 'usual deviations',
    }),
    spec(
      `${metric} average unexpected`,
      `recent average of ${metric} against what its other metrics and the hour imply`,
      'relation',
      { unit: 'usual deviations' },
    ),
  ]
}
const PER_METRIC = specsOf('').length

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

  readonly #judging: boolean

  constructor(judging = false) {
    this.#judging = judging
  }

  extract(batch: ReadingBatch, undo?: Undo): FeatureColumns {
    const n = batch.length
    const metrics = [...batch.metrics.keys()]
    const specs = this.#specsOf(metrics)
    const columns = specs.map((_, j) =>
      j % PER_METRIC === 0 && j < metrics.length * PER_METRIC
        ? batch.metrics.get(metrics[j / PER_METRIC]!)!
        : new Float64Array(n).fill(Number.NaN),
    )
    const gap = columns[metrics.length * PER_METRIC]!
    const at = new Map(metrics.map((name, m) => [name, m * PER_METRIC]))
    const kept = undo && { undo, of: new Set<object>() }
    undo?.push(this.#countsAsTheyAre())
    for (let i = 0; i < n; i++) {
      const ts = batch.ts[i]!
      if (!Number.isFinite(ts)) continue
      const device = this.#device(stringAt(batch.device, i), ts, undo)
      if (kept) keep(device, kept)
      const late = ts < device.ts
      gap[i] = Math.log1p(Math.max(0, ts - device.ts))
      if (this.#judging && device.seen === 0) gap[i] = UNKNOWN_YET
      metrics.forEach((name, m) => {
        const x = columns[m * PER_METRIC]![i]!
        if (!Number.isFinite(x)) return
        const known = device.metrics.get(name)
        if (known && kept) keepMetric(known, kept)
        const metric = known ?? begin(x)
        this.#follow(metric, ts, x, late, columns, m * PER_METRIC, i)
        if (known || late || this.#metrics >= MOST_METRICS) return
        device.metrics.set(name, metric)
        this.#metrics++
        undo?.push(() => device.metrics.delete(name))
      })
      this.#expect(device, ts, late, columns, at, i)
      device.seen++
      if (!late) device.ts = ts
    }
    fillCycles(batch.ts, columns.slice(-CYCLES.length))
    return { length: n, specs, columns }
  }

  /** How far a device's metrics are from what they imply of each other. */
  #expect(
    device: Device,
    ts: number,
    late: boolean,
    columns: readonly Float64Array[],
    at: ReadonlyMap<string, number>,
    i: number,
  ): void {
    if (!device.expectation && !late && device.seen === FIRST && this.#expectations < MOST_EXPECTATIONS) {
      device.related = [...device.metrics.keys()].slice(0, MOST_RELATED)
      device.expectation = new Expectation(device.related.length)
      this.#expectations++
    }
    if (!device.expectation) return
    const { related, expectation } = device
    const values = Float64Array.from(related, (name) => columns[at.get(name) ?? -1]?.[i] ?? Number.NaN)
    const now = new Float64Array(related.length)
    const recently = new Float64Array(related.length)
    expectation.next(ts, values, now, recently, late)
    related.forEach((name, k) => {
      const column = at.get(name)
      if (column === undefined || !Number.isFinite(values[k]!)) return
      columns[column + 7]![i] = now[k]!
      columns[column + 8]![i] = recently[k]!
    })
  }

  #follow(
    metric: Metric,
    ts: number,
    x: number,
    late: boolean,
    columns: readonly Float64Array[],
    at: number,
    i: number,
  ): void {
    const weight = Math.max(RECENT, 1 / (metric.count + 1))
    const usual = metric.usual + Math.max(USUAL, 1 / (metric.count + 1)) * (x - metric.usual)
    const off = x - metric.mean
    const mean = metric.mean + weight * off
    // One wild value must not make all that follow look restless; many do.
    const most = Math.max(SPREADS * Math.sqrt(metric.variance), EIGHTH * Math.abs(off))
    const size = metric.count < FIRST ? Math.abs(off) : Math.min(Math.abs(off), most)
    const variance = (1 - weight) * (metric.variance + weight * size * size)
    const same = x === metric.value && metric.count > 0 ? metric.same + 1 : 0
    columns[at + 1]![i] = mean
    // A lone device's average already says this; among several, only this compares each with itself.
    if (this.#several > 1) columns[at + 2]![i] = mean - usual
    columns[at + 3]![i] = x - metric.value
    columns[at + 4]![i] = Math.sqrt(variance)
    columns[at + 6]![i] = Math.log1p(same)
    if (this.#judging) hide(metric.count, this.#several, columns, at, i)
    columns[at + 7]![i] = 0
    columns[at + 8]![i] = 0
    columns[at + 5]![i] = late ? 0 : this.#surprise(metric, ts, x)
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
    const specs = [...metrics.flatMap(specsOf), GAP, ...CYCLES]
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

/**
 * What needs a longer past than there is says nothing yet: the average of few readings strays as one reading does, and
 * the first has no change. Only where records are judged. Training learns from them as they are: without such rows a
 * course of 400 readings looks steadier than it is (31 % false alarms on SKAB instead of 8 %, docs/decisions/083-readings.md).
 */
function hide(count: number, several: number, columns: readonly Float64Array[], at: number, i: number): void {
  if (count < FIRST) for (const k of [1, 2, 4]) columns[at + k]![i] = UNKNOWN_YET
  if (count === 0) columns[at + 3]![i] = UNKNOWN_YET
  if (several < 2) columns[at + 2]![i] = UNKNOWN_YET
}

function begin(x: number): Metric {
  return { value: x, mean: x, usual: x, variance: 0, count: 0, same: 0, surprise: new Surprise() }
}

interface Kept {
  readonly undo: Undo
  /** What is kept already. */
  readonly of: Set<object>
}

function keep(device: Device, { undo, of }: Kept): void {
  if (of.has(device)) return
  of.add(device)
  const { ts, seen, related, expectation } = device
  const copy = expectation && new Expectation(expectation.d, expectation.state.slice())
  undo.push(() => {
    device.ts = ts
    device.seen = seen
    device.related = related
    device.expectation = copy
  })
}

function keepMetric(metric: Metric, { undo, of }: Kept): void {
  if (of.has(metric)) return
  of.add(metric)
  const { surprise, ...numbers } = metric
  const back = surprise.undo()
  undo.push(() => {
    Object.assign(metric, numbers)
    back()
  })
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
 * @param judging whether what needs a past is {@link UNKNOWN_YET} while a device has none
 */
export function createReadingExtractor(judging = false): ReadingExtractor {
  return new ReadingExtractor(judging)
}
