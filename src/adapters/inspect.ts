import type { Dictionary } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ReadInputOptions } from './read.ts'
import { readBatches } from './read.ts'
import { InputError, type Problem, ReadReport, reportFields } from './read-report.ts'

/** What one source is, as `motewatch inspect` shows it. */
export interface SourceInspection {
  readonly source: string
  readonly adapter: string
  /** Dialect within the adapter: 'IoT-23', 'CICFlowMeter', …; '' when there is none. */
  readonly dialect: string
  /** A table is readings without times and devices; empty is what is well-formed without a record. */
  readonly kind: 'flows' | 'readings' | 'table' | 'empty' | 'unreadable'
  /** What was read: packets, rows or records; read = used + rejected. */
  readonly unit: string
  readonly read: number
  readonly used: number
  readonly rejected: number
  readonly reasons: Readonly<Record<string, number>>
  readonly problems: readonly Problem[]
  readonly notes: readonly string[]
  /** Flows or readings that came out: fewer than what was read for a capture. */
  readonly records: number
  /** Standard field or metric, and the source's column it comes from. */
  readonly mapping: readonly { readonly field: string; readonly column: string }[]
  readonly unmapped: readonly string[]
  /** Ids of readings; for flows the addresses in private networks, or the originators where there are none. Busiest first. */
  readonly devices: readonly { readonly device: string; readonly records: number }[]
  /** Seconds since the epoch of the first and last record; undefined where there are no times. */
  readonly start?: number
  readonly end?: number
  /** Label -> number of records; empty without ground truth. */
  readonly labels: Readonly<Record<string, number>>
}

/** What all inputs are. */
export interface Inspection {
  readonly sources: readonly SourceInspection[]
}

/** Names counted at most, so that a scan of the whole internet stays small. */
const MAX_COUNTED = 100_000
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe80:)/

/**
 * Reads the inputs through and tells what they are, how their columns map, and what is wrong with them.
 *
 * @throws InputError when nothing can be read of any input
 */
export async function inspectInput(
  inputs: string | readonly string[],
  options: ReadInputOptions = {},
): Promise<Inspection> {
  const reports: ReadReport[] = []
  const tallies = new Map<ReadReport, Tally>()
  const paths = typeof inputs === 'string' ? [inputs] : inputs
  let failure: InputError | undefined
  for (const path of paths) {
    try {
      for await (const { batch } of readBatches([path], options, reports)) {
        const report = reports.at(-1)!
        let tally = tallies.get(report)
        if (!tally) {
          tally = new Tally()
          tallies.set(report, tally)
        }
        tally.add(batch)
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      failure ??= error
      const report = reports.at(-1)
      if (report && report.used === 0) report.note(error.message)
      else reports.push(unreadable(path, error))
    }
  }
  if (failure && tallies.size === 0) throw failure
  return { sources: reports.map((report) => summary(report, tallies.get(report) ?? new Tally())) }
}

function unreadable(path: string, error: InputError): ReadReport {
  const report = new ReadReport(path)
  report.note(error.message)
  return report
}

/** Counts over the batches of one source. */
class Tally {
  kind: SourceInspection['kind'] = 'unreadable'
  records = 0
  start = Number.POSITIVE_INFINITY
  end = Number.NEGATIVE_INFINITY
  readonly local = new Map<string, number>()
  readonly other = new Map<string, number>()
  readonly labels = new Map<string, number>()

  add(batch: Batch): void {
    this.records += batch.length
    for (const time of batch.ts) {
      if (time < this.start) this.start = time
      if (time > this.end) this.end = time
    }
    if (batch.label) count(this.labels, batch.label)
    if (batch.kind === 'flows') {
      this.kind = 'flows'
      for (const hosts of [batch.orig_h, batch.resp_h]) count(this.local, hosts, (host) => PRIVATE.test(host))
      count(this.other, batch.orig_h, (host) => !PRIVATE.test(host))
    } else {
      count(this.local, batch.device)
      const untimed = this.end === Number.NEGATIVE_INFINITY
      this.kind = untimed && this.local.size === 1 ? 'table' : 'readings'
    }
  }
}

function count(
  counts: Map<string, number>,
  column: Dictionary,
  wanted: (value: string) => boolean = () => true,
): void {
  const rows = new Uint32Array(column.values.length)
  for (const code of column.codes) rows[code]!++
  column.values.forEach((value, code) => {
    if (rows[code] === 0 || value === '' || !wanted(value)) return
    if (counts.has(value) || counts.size < MAX_COUNTED)
      counts.set(value, (counts.get(value) ?? 0) + rows[code]!)
  })
}

function summary(report: ReadReport, tally: Tally): SourceInspection {
  const devices = tally.local.size > 0 ? tally.local : tally.other
  return {
    ...reportFields(report),
    kind: report.adapter !== '' && report.read === 0 && report.notes.length === 0 ? 'empty' : tally.kind,
    records: tally.records,
    mapping: [...report.mapping].map(([field, column]) => ({ field, column })),
    unmapped: report.unmapped,
    devices: [...devices]
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      .map(([device, records]) => ({ device, records })),
    ...(tally.start <= tally.end ? { start: tally.start, end: tally.end } : {}),
    labels: Object.fromEntries([...tally.labels].sort((a, b) => b[1] - a[1])),
  }
}
