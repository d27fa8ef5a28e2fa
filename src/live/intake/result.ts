/** What is wrong with one record. */
export interface RecordProblem {
  /** Number of the record among those sent, 0-based. */
  readonly record: number
  /** Keys joined with a dot; '' for the record itself. */
  readonly path: string
  /** Expectation, value, remedy. */
  readonly message: string
}

/** What became of the records sent: read = accepted + duplicates + rejected. */
export interface IntakeResult {
  readonly read: number
  readonly accepted: number
  /** There already, with the same values. */
  readonly duplicates: number
  readonly rejected: number
  /** The first of them. */
  readonly problems: readonly RecordProblem[]
}

const MOST_PROBLEMS = 20

/** Counts while records are read and stored. */
export class Tally {
  read = 0
  accepted = 0
  duplicates = 0
  rejected = 0
  readonly problems: RecordProblem[] = []

  reject(record: number, path: string, message: string): void {
    this.rejected++
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ record, path, message })
  }

  result(): IntakeResult {
    const { read, accepted, duplicates, rejected, problems } = this
    return { read, accepted, duplicates, rejected, problems }
  }
}
