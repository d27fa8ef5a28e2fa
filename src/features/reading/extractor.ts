import { stringAt } from '../../schema/dictionary.ts'
import type { ReadingBatch } from '../../schema/reading-batch.ts'
import { cyclicSpecs, fillCycles } from '../cycles.ts'
import type { FeatureColumns, FeatureExtractor, FeatureSpec } from '../feature-columns.ts'
import { Surprise } from './surprise.ts'
import { unitOf } from './units.ts'

/** Share of a new reading in the rolling mean and variance: they reach back about 40 readings. */
const RECENT = 0.05
/** Likewise for the device's own normal: about 500 readings. */
const USUAL = 0.004
/** Devices whose past is kept; beyond that the one first seen is forgotten. */
const MAX_DEVICES = 100_000

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
    spec(`${metric} surprise`, `how rarely ${metric} is so far from what this device usually has`, 'level', {
      unit: '',
      direction: 'high',
    }),
    spec(`${metric} unchanged`, `readings without a change of ${metric}`, 'spread', {
      unit: 'readings',
      scale: 'log1p',
      direction: 'high',
    }),
  ]
}
const PER_METRIC = specsOf('').length

/** What is known of one metric of one device. */
interface Past {
  value: number
  mean: number
  /** The device's own normal. */
  usual: number
  variance: number
  /** Readings so far, and how many in a row had the same value. */
  count: number
  same: number
  readonly surprise: Surprise
}

/** What is known of one device. */
interface Device {
  ts: number
  readonly metrics: Map<string, Past>
}

/**
 * Features of each reading: every metric's level, recent average, change, spread and how long it has
 * stood still, and the gap in time. Without times (a plain table) rows have no order to speak of, so
 * only the levels are given. Two devices never mix. A reading older than its device's newest is
 * compared with what is known and changes nothing.
 */
export class ReadingExtractor implements FeatureExtractor<ReadingBatch> {
  readonly #devices = new Map<string, Device>()

  extract(batch: ReadingBatch): FeatureColumns {
    const n = batch.length
    const metrics = [...batch.metrics.keys()]
    const specs = [...metrics.flatMap(specsOf), GAP, ...CYCLES]
    const columns = specs.map((_, j) =>
      j % PER_METRIC === 0 && j < metrics.length * PER_METRIC
        ? batch.metrics.get(metrics[j / PER_METRIC]!)!
        : new Float64Array(n).fill(Number.NaN),
    )
    const gap = columns[metrics.length * PER_METRIC]!
    for (let i = 0; i < n; i++) {
      const ts = batch.ts[i]!
      if (!Number.isFinite(ts)) continue
      const device = this.#device(stringAt(batch.device, i), ts)
      const late = ts < device.ts
      gap[i] = Math.log1p(Math.max(0, ts - device.ts))
      metrics.forEach((metric, m) => {
        const x = columns[m * PER_METRIC]![i]!
        if (Number.isFinite(x)) this.#follow(device, metric, ts, x, late, columns, m * PER_METRIC, i)
      })
      if (!late) device.ts = ts
    }
    fillCycles(batch.ts, columns.slice(-CYCLES.length))
    return { length: n, specs, columns }
  }

  #follow(
    device: Device,
    metric: string,
    ts: number,
    x: number,
    late: boolean,
    columns: readonly Float64Array[],
    at: number,
    i: number,
  ): void {
    const known = device.metrics.get(metric)
    const past = known ?? {
      value: x,
      mean: x,
      usual: x,
      variance: 0,
      count: 0,
      same: 0,
      surprise: new Surprise(),
    }
    const weight = Math.max(RECENT, 1 / (past.count + 1))
    const usual = past.usual + Math.max(USUAL, 1 / (past.count + 1)) * (x - past.usual)
    const off = x - past.mean
    const mean = past.mean + weight * off
    const variance = (1 - weight) * (past.variance + weight * off * off)
    const same = x === past.value && past.count > 0 ? past.same + 1 : 0
    columns[at + 1]![i] = mean
    // A lone device's average already says this; among several, only this compares each with itself.
    if (this.#devices.size > 1) columns[at + 2]![i] = mean - usual
    columns[at + 3]![i] = x - past.value
    columns[at + 4]![i] = Math.sqrt(variance)
    columns[at + 6]![i] = Math.log1p(same)
    columns[at + 5]![i] = late ? 0 : past.surprise.next(ts, x)
    if (late) return
    past.value = x
    past.mean = mean
    past.usual = usual
    past.variance = variance
    past.count++
    past.same = same
    if (!known) device.metrics.set(metric, past)
  }

  #device(id: string, ts: number): Device {
    let device = this.#devices.get(id)
    if (!device) {
      if (this.#devices.size >= MAX_DEVICES) this.#devices.delete(this.#devices.keys().next().value!)
      device = { ts, metrics: new Map() }
      this.#devices.set(id, device)
    }
    return device
  }
}

/** A fresh extractor for readings. */
export function createReadingExtractor(): FeatureExtractor<ReadingBatch> {
  return new ReadingExtractor()
}
