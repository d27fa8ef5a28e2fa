import type { ReadReport } from '../adapters/read-report.ts'
import { plain, style } from './terminal.ts'

/** Sources listed one by one; of a large folder the rest is only added up. */
const SHOWN_SOURCES = 8
const SHOWN_PROBLEMS = 3

export const count = (n: number): string => n.toLocaleString('en-US')

/** `1 packet`, `2 packets`. */
export function counted(n: number, plural: string): string {
  return `${count(n)} ${n === 1 ? plural.replace(/ies$/, 'y').replace(/s$/, '') : plural}`
}

/** What was read of each source: read = used + rejected, with reasons, places and remarks. */
export function readText(reports: readonly ReadReport[]): string {
  const lines: string[] = []
  for (const report of reports.slice(0, SHOWN_SOURCES)) lines.push(...sourceLines(report))
  if (reports.length > SHOWN_SOURCES) {
    const rest = reports.length - SHOWN_SOURCES
    const read = sum(reports, (r) => r.read)
    const used = sum(reports, (r) => r.used)
    lines.push(`and ${counted(rest, 'sources')} more; in all ${balance(read, used, 'records')}`)
  }
  return lines.join('\n')
}

function sourceLines(report: ReadReport): string[] {
  const kind = [...new Set([report.adapter, report.dialect])].filter(Boolean).join(', ')
  const head = `Read ${style('bold', plain(report.source))}${kind ? ` (${plain(kind)})` : ''}: `
  const lines = [head + balance(report.read, report.used, report.unit)]
  for (const [reason, n] of [...report.reasons].sort((a, b) => b[1] - a[1])) {
    lines.push(`  ${style('yellow', 'rejected')} ${count(n)}: ${plain(reason)}`)
  }
  for (const { place, message } of report.problems.slice(0, SHOWN_PROBLEMS)) {
    lines.push(style('dim', `    ${plain(place)} ${plain(message)}`))
  }
  for (const note of report.notes) lines.push(`  note: ${plain(note)}`)
  return lines
}

function balance(read: number, used: number, unit: string): string {
  return `${counted(read, unit)} = ${count(used)} used + ${count(read - used)} rejected`
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
