import { OptionError } from './options.ts'

/**
 * Anomalies of one device that come within ten minutes of each other are one *alarm*: what a person is called
 * for once. False alarms are promised and measured in alarms a *device-day*, one device watched for one day.
 */
export const BURST = 600
const DAY = 86_400

/** Counts alarms as anomalies stream by, in order of time for each device. */
export class AlarmCounter {
  readonly #last = new Map<string | number, number>()
  readonly #alarms = new Map<string | number, number>()
  total = 0

  /** @returns whether the anomaly begins an alarm; one without time (NaN) always does */
  add(device: string | number, ts: number): boolean {
    const before = this.#last.get(device)
    this.#last.set(device, ts)
    if (before !== undefined && Math.abs(ts - before) <= BURST) return false
    this.#alarms.set(device, (this.#alarms.get(device) ?? 0) + 1)
    this.total++
    return true
  }

  of(device: string | number): number {
    return this.#alarms.get(device) ?? 0
  }
}

/** How long each device was watched: from its first row to the last row of all. */
export class Watch {
  readonly #first = new Map<string | number, number>()
  #last = -Infinity

  add(device: string | number, ts: number): void {
    if (!Number.isFinite(ts)) return
    const first = this.#first.get(device)
    if (first === undefined || ts < first) this.#first.set(device, ts)
    if (ts > this.#last) this.#last = ts
  }

  get devices(): Iterable<string | number> {
    return this.#first.keys()
  }

  daysOf(device: string | number): number {
    const first = this.#first.get(device)
    return first === undefined ? 0 : (this.#last - first) / DAY
  }

  get deviceDays(): number {
    let days = 0
    for (const first of this.#first.values()) days += (this.#last - first) / DAY
    return days
  }
}

const DAYS = { hour: 1 / 24, day: 1, week: 7 } as const

/** How many false alarms a user accepts. */
export interface AcceptedAlarms {
  /** As it was asked for. */
  readonly text: string
  readonly alarms: number
  /** Days over which they may come. */
  readonly days: number
  /** For each device, or for all devices together. */
  readonly each: boolean
}

/**
 * `1/device-day`, `0.5/device-hour`, `2/device-week` for each device; `3/day`, `1/hour`, `1/week` for all
 * devices together.
 *
 * @throws OptionError for anything else
 */
export function parseAcceptedAlarms(text: string): AcceptedAlarms {
  const match = /^\s*([\d.]+)\s*\/\s*(device-)?(hour|day|week)\s*$/.exec(text)
  const alarms = Number(match?.[1])
  if (!match || !(alarms > 0 && Number.isFinite(alarms))) {
    throw new OptionError(
      `false alarms expects a number and a time, for example 1/device-day, 1/device-week or, for all devices together, 3/day; got "${text}"`,
    )
  }
  return {
    text: text.trim(),
    alarms,
    days: DAYS[match[3] as keyof typeof DAYS],
    each: match[2] !== undefined,
  }
}

/** Rows that models did not know, in order of time, with the evidence against them. */
export interface HeldOut {
  readonly ts: Float64Array
  /** A number for each device. */
  readonly device: Float64Array
  readonly evidence: Float64Array
  /** First row of each block scored by the same models, then the number of rows. */
  readonly edges: readonly number[]
  /** Rows that the models of the first block knew, those of later blocks know more; null when all know as many. */
  readonly earlier: number | null
  /** Records that each row stands for, 1 unless training was sampled. */
  readonly weight: number
}

/** Rows `from` up to `to`, with the blocks they are of. */
export function heldOutPart(rows: HeldOut, from: number, to: number): HeldOut {
  const inside = rows.edges.filter((edge) => edge > from && edge < to).map((edge) => edge - from)
  return {
    ts: rows.ts.subarray(from, to),
    device: rows.device.subarray(from, to),
    evidence: rows.evidence.subarray(from, to),
    edges: [0, ...inside, to - from],
    earlier: rows.earlier === null ? null : rows.earlier + from,
    weight: rows.weight,
  }
}

/** Alarms a device-day at a line, as counted; device-days watched. */
export function measureAlarms(rows: HeldOut, line: number): { perDeviceDay: number; deviceDays: number } {
  const counter = new AlarmCounter()
  for (let i = 0; i < rows.ts.length; i++) {
    if (rows.evidence[i]! >= line) counter.add(rows.device[i]!, rows.ts[i]!)
  }
  const deviceDays = daysWatched(rows)
  return { perDeviceDay: (counter.total * rows.weight) / deviceDays, deviceDays }
}

/** Lines looked at: steps of evidence from the first, one record in ten, below which bursts only flow together. */
const STEP = 0.05
const LOWEST = 1
/** Fewest alarms that are counted; beyond, their number is taken to fall as p does. */
const COUNTED = 3
/** Part of the accepted rate that is aimed at: between mute and too many there is more room below. */
const AIM = 2 / 3

/** The evidence from which rows are to be alarmed. */
export interface AlarmLine {
  readonly evidence: number
  /** Whether fewer than three alarms reached it, so that the tail of p was followed beyond what was counted. */
  readonly extrapolated: boolean
}

/**
 * The line for an accepted rate: the least evidence at which a careful estimate of the alarms a device-day is
 * two thirds of it. The estimate at a line is the mean over the blocks plus its standard error, so that times
 * that differ from each other make the line higher. A block counts by its length and by the rows that its models
 * knew, as the finished models know all of them. The estimate is never lower than at a higher line, as bursts
 * flow together below.
 *
 * @param accepted alarms a device-day, > 0
 * @throws RangeError when rows have no time, or no time passes between them
 */
export function alarmLine(rows: HeldOut, accepted: number): AlarmLine {
  const deviceDays = daysWatched(rows)
  if (!(deviceDays > 0)) {
    throw new RangeError(
      'false alarms a day expects records with times, some apart from each other; use --contamination and --threshold where there are none',
    )
  }
  const target = accepted * AIM
  const estimates: number[] = []
  let counted = 0
  for (let step = 0; ; step++) {
    const { total, estimate } = carefully(rows, LOWEST + step * STEP, deviceDays)
    if (step > 0 && total < COUNTED) break
    estimates.push(estimate)
    counted = step
  }
  for (let step = counted; step > 0; step--) {
    estimates[step - 1] = Math.max(estimates[step - 1]!, estimates[step]!)
  }
  const found = estimates.findIndex((estimate) => estimate <= target)
  if (found >= 0) return { evidence: LOWEST + found * STEP, extrapolated: false }
  const beyond = Math.log10(estimates[counted]! / target)
  return { evidence: LOWEST + counted * STEP + beyond, extrapolated: true }
}

function carefully(rows: HeldOut, line: number, deviceDays: number): { total: number; estimate: number } {
  const counter = new AlarmCounter()
  const { ts, edges, earlier } = rows
  // Rows without time are the first.
  const span = ts.at(-1)! - ts.find(Number.isFinite)!
  const blocks: { rate: number; weight: number }[] = []
  for (let b = 0; b + 1 < edges.length; b++) {
    const before = counter.total
    for (let i = edges[b]!; i < edges[b + 1]!; i++) {
      if (rows.evidence[i]! >= line) counter.add(rows.device[i]!, ts[i]!)
    }
    const end = edges[b + 1]! < ts.length ? ts[edges[b + 1]!]! : ts.at(-1)!
    const share = (end - ts[edges[b]!]!) / span
    const weight = share * (earlier === null ? 1 : earlier + edges[b]!)
    if (weight > 0) blocks.push({ rate: (counter.total - before) / (share * deviceDays), weight })
  }
  return { total: counter.total, estimate: meanAndError(blocks) * rows.weight }
}

/** Weighted mean plus its standard error, for the effective number of values (Kish 1965). */
function meanAndError(values: readonly { rate: number; weight: number }[]): number {
  const sum = values.reduce((s, v) => s + v.weight, 0)
  const effective = sum ** 2 / values.reduce((s, v) => s + v.weight ** 2, 0)
  const mean = values.reduce((s, v) => s + v.rate * v.weight, 0) / sum
  const variance = values.reduce((s, v) => s + v.weight * (v.rate - mean) ** 2, 0) / sum
  return mean + Math.sqrt(variance / Math.max(1, effective - 1))
}

function daysWatched({ ts, device }: HeldOut): number {
  const watch = new Watch()
  for (let i = 0; i < ts.length; i++) watch.add(device[i]!, ts[i]!)
  return watch.deviceDays
}
