import { InputError, type ReadReport } from '../read-report.ts'

/** Text of a cell for a message: short, one line. */
export function shown(bytes: Uint8Array, start: number, end: number): string {
  const text = new TextDecoder().decode(bytes.subarray(start, Math.min(end, start + 60)))
  return `"${text.replaceAll(/\p{Cc}/gu, '·')}${end - start > 60 ? '…' : ''}"`
}

/** Rejects the row on `line` for a cell that is not what its column expects. */
export function rejectCell(
  report: ReadReport,
  line: number,
  column: string,
  expected: string,
  found: string,
): void {
  report.reject(`${column} is not ${expected}`, {
    place: `${report.source}:${line}`,
    message: `${column} expects ${expected}, got ${found}; correct or remove the row`,
  })
}

/** Rejects the row on `line` for having too few or too many columns. */
export function rejectWidth(report: ReadReport, line: number, expected: number, found: number): void {
  report.reject('wrong number of columns', {
    place: `${report.source}:${line}`,
    message: `expects ${expected} columns as the header says, got ${found}; correct or remove the row`,
  })
}

/** Throws when a source gave nothing: says how many were rejected and the first reason. */
export function nothingUsed(report: ReadReport): void {
  if (report.used > 0) return
  const first = report.problems[0]
  throw new InputError(
    first
      ? `${report.source} has no usable ${report.unit.slice(0, -1)}, ${report.rejected} rejected; first: ${first.place} ${first.message}`
      : `${report.source} has no ${report.unit}; expects at least one`,
  )
}
