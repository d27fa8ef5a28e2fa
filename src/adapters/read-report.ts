/** A complaint about one place of the input. */
export interface Problem {
  /** Where: `traffic.csv:17`, `capture.pcap packet 12`. */
  readonly place: string
  /** What was expected, what was found and what to do: `duration expects seconds, got "abc"`. */
  readonly message: string
}

/**
 * What happened to everything that was read: read = used + rejected, always.
 *
 * The unit is what the source is made of: packets for a capture, rows for a table, records for JSON.
 */
export class ReadReport {
  /** Problems kept with their place; later ones are only counted. */
  static readonly keptProblems = 20

  readonly source: string
  adapter = ''
  /** Dialect within the adapter, e.g. 'CICFlowMeter'; '' when there is none. */
  dialect = ''
  unit: 'packets' | 'rows' | 'records' = 'rows'
  used = 0
  rejected = 0
  /** Reason -> how many were rejected for it. */
  readonly reasons = new Map<string, number>()
  readonly problems: Problem[] = []
  /** Remarks that reject nothing: 'capture is cut off after packet 24484', 'times have no zone, taken as UTC'. */
  readonly notes: string[] = []
  /** Standard field or metric -> the source's column it was taken from; for `inspect`. */
  readonly mapping = new Map<string, string>()
  /** Source columns that were not used. */
  readonly unmapped: string[] = []

  constructor(source: string) {
    this.source = source
  }

  get read(): number {
    return this.used + this.rejected
  }

  /**
   * Counts `count` rejected items.
   *
   * @param reason short and without values, so that equal reasons add up: 'duration is not a number'
   * @param problem place and full message, kept for the first {@link keptProblems}
   */
  reject(reason: string, problem?: Problem, count = 1): void {
    this.rejected += count
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + count)
    if (problem && this.problems.length < ReadReport.keptProblems) this.problems.push(problem)
  }

  /** Adds a remark once. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text)
  }
}

/** A report as plain data, for JSON. */
export function reportFields(report: ReadReport) {
  const { source, adapter, dialect, unit, read, used, rejected, problems, notes } = report
  const reasons = Object.fromEntries(report.reasons)
  return { source, adapter, dialect, unit, read, used, rejected, reasons, problems, notes }
}

/** Input of which nothing can be used; the message says place, expectation, value and remedy. */
export class InputError extends Error {
  override readonly name = 'InputError'
}
