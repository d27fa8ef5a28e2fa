import { InputError } from '../adapters/read-report.ts'
import { detect, train } from '../pipeline.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import { AlarmCounter, Watch } from './alarms.ts'
import type { DetectOptions, DetectSummary, TrainOptions } from './options.ts'
import { benignCodes, isBenign } from './rows.ts'

export interface BacktestOptions extends Omit<TrainOptions, 'first'>, DetectOptions {
  /** Share of the records, in order of time, that is learned from; 0–1, default 0.7. */
  readonly trainOn?: number
  readonly model?: TrainOptions['model']
}

/** What one device would have given its owner after training. */
export interface BacktestDevice {
  readonly device: string
  readonly days: number
  readonly anomalies: number
  /** Bursts of anomalies: see `BURST`. */
  readonly alarms: number
  /** Of these, the ones without an attack in them; null where records have no labels. */
  readonly falseAlarms: number | null
  /** Alarms of each day (UTC) that had some, `2025-03-05`. */
  readonly byDay: Readonly<Record<string, number>>
}

/** A replay of history: what would have come had it been watched. */
export interface Backtest {
  readonly bundles: readonly ModelBundle[]
  /** Time of the first record that was detected in, seconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly records: number
  /** Attack records among them, and how many were anomalies; null where records have no labels. */
  readonly attacks: { readonly records: number; readonly found: number } | null
  /** Share of the benign records that were anomalies; null where records have no labels. */
  readonly falseAlarmRate: number | null
  readonly alarms: number
  readonly alarmsPerDeviceDay: number
  readonly falseAlarmsPerDeviceDay: number | null
  readonly deviceDays: number
  /** Most alarms first. */
  readonly devices: readonly BacktestDevice[]
  /** Likewise of all devices together. */
  readonly byDay: Readonly<Record<string, number>>
  readonly summary: DetectSummary
}

/**
 * Learns from the first part of `inputs` in time and detects in the rest, as it would have gone. The input is
 * read twice, so it cannot be standard input.
 *
 * @returns anomalies of the rest while it is read, then what came of it
 * @throws InputError when records have no time or nothing comes after the training; what `train` and `detect` throw
 */
export async function* backtest(
  inputs: readonly string[],
  options: BacktestOptions = {},
): AsyncGenerator<readonly Anomaly[], Backtest> {
  const { trainOn = 0.7, threshold, ...training } = options
  if (inputs.includes('-')) {
    throw new InputError(
      'backtest expects files or folders, as it reads them twice; save standard input first',
    )
  }
  const { bundles } = await train(inputs, { ...training, first: trainOn })
  const after: Partial<Record<ModelBundle['kind'], number>> = {}
  for (const { kind, summary } of bundles) {
    if (summary.to === null) {
      throw new InputError(`backtest expects ${kind} with times, these have none; use train and detect`)
    }
    after[kind] = summary.to
  }
  const tally = new BacktestTally()
  const found = detect(inputs, bundles, {
    ...training,
    ...(threshold === undefined ? {} : { threshold }),
    after,
    onBatch: (batch) => tally.watch(batch, after[batch.kind]!),
  })
  for (;;) {
    const next = await found.next()
    if (next.done) return { bundles, ...tally.finish(), summary: next.value }
    tally.add(next.value)
    yield next.value
  }
}

class BacktestTally {
  #records = 0
  #attacks = 0
  #labelled = false
  #found = 0
  #benignAnomalies = 0
  #from = Infinity
  #to = -Infinity
  readonly #watch = new Watch()
  readonly #anomalies = new Map<string, number>()
  readonly #alarms = new AlarmCounter()
  readonly #falseAlarms = new AlarmCounter()
  /** Device -> day -> alarms. */
  readonly #byDay = new Map<string, Map<string, number>>()

  watch(batch: Batch, after: number): void {
    const benign = batch.label && benignCodes(batch.label)
    if (benign) this.#labelled = true
    for (let i = 0; i < batch.length; i++) {
      const ts = batch.ts[i]!
      if (!(ts > after)) continue
      this.#records++
      this.#from = Math.min(this.#from, ts)
      this.#to = Math.max(this.#to, ts)
      if (benign && !benign[batch.label!.codes[i]!]) this.#attacks++
      this.#watch.add(batch.device ? stringAt(batch.device, i) : '', ts)
    }
  }

  add(anomalies: readonly Anomaly[]): void {
    for (const { device, timestamp, label } of anomalies) {
      this.#anomalies.set(device, (this.#anomalies.get(device) ?? 0) + 1)
      if (this.#alarms.add(device, timestamp)) {
        const day = new Date(timestamp * 1000).toISOString().slice(0, 10)
        const days = this.#byDay.get(device) ?? new Map<string, number>()
        this.#byDay.set(device, days.set(day, (days.get(day) ?? 0) + 1))
      }
      if (label !== undefined && !isBenign(label)) this.#found++
      else {
        this.#benignAnomalies++
        this.#falseAlarms.add(device, timestamp)
      }
    }
  }

  finish(): Omit<Backtest, 'bundles' | 'summary'> {
    if (this.#records === 0) throw new InputError('backtest expects records after the training, found none')
    const { deviceDays } = this.#watch
    const devices = [...this.#watch.devices].map(String).map((device) => ({
      device,
      days: this.#watch.daysOf(device),
      anomalies: this.#anomalies.get(device) ?? 0,
      alarms: this.#alarms.of(device),
      falseAlarms: this.#labelled ? this.#falseAlarms.of(device) : null,
      byDay: inOrder(this.#byDay.get(device) ?? new Map()),
    }))
    devices.sort((a, b) => b.alarms - a.alarms || b.anomalies - a.anomalies)
    return {
      from: this.#from,
      to: this.#to,
      records: this.#records,
      attacks: this.#labelled ? { records: this.#attacks, found: this.#found } : null,
      falseAlarmRate: this.#labelled
        ? this.#benignAnomalies / Math.max(1, this.#records - this.#attacks)
        : null,
      alarms: this.#alarms.total,
      alarmsPerDeviceDay: this.#alarms.total / deviceDays,
      falseAlarmsPerDeviceDay: this.#labelled ? this.#falseAlarms.total / deviceDays : null,
      deviceDays,
      devices,
      byDay: inOrder(this.#allDays()),
    }
  }

  #allDays(): Map<string, number> {
    const all = new Map<string, number>()
    for (const days of this.#byDay.values()) {
      for (const [day, alarms] of days) all.set(day, (all.get(day) ?? 0) + alarms)
    }
    return all
  }
}

/** Days as they came. */
function inOrder(days: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...days].sort())
}
