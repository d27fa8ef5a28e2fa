import type { Command } from 'commander'
import type { SourceInspection } from '../../adapters/inspect.ts'
import { rfc3339 } from '../../output/time.ts'
import { span } from '../model-text.ts'
import { type InputOptions, inputOptions } from '../options.ts'
import { progress } from '../progress.ts'
import { count, counted } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { plain, print, printJson, style, table } from '../terminal.ts'

/** Entries of a long list that are shown; the rest is counted. JSON has all. */
const SHOWN = 10
const SHOWN_COLUMNS = 40

export function inspectCommand(program: Command): void {
  inputOptions(
    program
      .command('inspect')
      .description('Tell what an input is: its columns, devices, time span, problems'),
  )
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch inspect --input anything
  $ motewatch inspect --input traffic.csv --map columns.yaml
  $ motewatch inspect --input captures/ --json`

async function run(options: InputOptions): Promise<void> {
  const { input, reading } = await readOptions(options)
  const { inspectInput } = await import('../../adapters/inspect.ts')
  const bar = await progress('Reading')
  try {
    const inspection = await inspectInput(input, { ...reading, onProgress: bar.update })
    bar.stop()
    if (options.json) {
      printJson({ sources: inspection.sources.map((s) => ({ ...s, ...timesJson(s) })) })
      return
    }
    for (const [i, source] of inspection.sources.entries()) {
      if (i > 0) print()
      print(await sourceText(source))
    }
    const usable = inspection.sources.filter((s) => s.used > 0).map((s) => s.source)
    if (usable.length > 0 && !input.includes('-')) {
      const map = options.map === undefined ? '' : ` --map ${options.map}`
      print(`\nNext:\n  motewatch train --input ${input.join(' ')}${map}`)
    }
  } finally {
    bar.stop()
  }
}

/** Times in RFC 3339, as everywhere in JSON. */
function timesJson({ start, end }: SourceInspection): { start?: string; end?: string } {
  return start === undefined || end === undefined ? {} : { start: rfc3339(start), end: rfc3339(end) }
}

async function sourceText(s: SourceInspection): Promise<string> {
  const what = [...new Set([s.kind, s.adapter, s.dialect])].filter((word) => word !== '').join(', ')
  const lines = [`${style('bold', plain(s.source))}: ${plain(what)}`]
  lines.push(
    `  ${counted(s.read, s.unit)} = ${count(s.used)} used + ${count(s.rejected)} rejected` +
      (s.kind === 'flows' && s.unit === 'packets' ? `; ${counted(s.records, 'flows')}` : ''),
  )
  if (s.start !== undefined && s.end !== undefined) {
    lines.push(`  time ${rfc3339(s.start)} to ${rfc3339(s.end)}, ${span(s.end - s.start)}`)
  }
  lines.push(
    ...listed(
      'devices',
      s.devices.map(({ device, records }) => `${plain(device)} (${count(records)})`),
    ),
  )
  const labels = Object.entries(s.labels)
  lines.push(
    ...listed(
      'labels',
      labels.map(([label, n]) => `${plain(label) || 'none'} (${count(n)})`),
    ),
  )
  for (const [reason, n] of Object.entries(s.reasons)) {
    lines.push(`  ${style('yellow', 'rejected')} ${count(n)}: ${plain(reason)}`)
  }
  for (const { place, message } of s.problems.slice(0, SHOWN)) {
    lines.push(style('dim', `    ${plain(place)} ${plain(message)}`))
  }
  for (const note of s.notes) lines.push(`  note: ${plain(note)}`)
  const renamed = s.mapping.filter(({ field, column }) => field !== column)
  const same = s.mapping.filter(({ field, column }) => field === column).map(({ field }) => field)
  const { FLOW_FIELDS } = await import('../../adapters/table/flow-writer.ts')
  const known: ReadonlySet<string> = new Set([...FLOW_FIELDS, 'device'])
  const standard = same.filter((field) => known.has(field))
  const others = same.filter((field) => !known.has(field))
  lines.push(...listed('fields', standard.map(plain), SHOWN_COLUMNS))
  lines.push(...listed(s.kind === 'flows' ? 'further numbers' : 'metrics', others.map(plain), SHOWN_COLUMNS))
  lines.push(
    ...listed(
      'not used',
      s.unmapped.map((name) => plain(name) || '(nameless)'),
    ),
  )
  if (renamed.length > 0) {
    const rows = renamed.slice(0, SHOWN_COLUMNS).map(({ field, column }) => ['', plain(field), plain(column)])
    lines.push('', await table(['', 'Taken as', 'Column of the input'], rows))
    if (renamed.length > SHOWN_COLUMNS) lines.push(`  … and ${count(renamed.length - SHOWN_COLUMNS)} more`)
  }
  return lines.join('\n')
}

function listed(what: string, items: readonly string[], shown = SHOWN): string[] {
  if (items.length === 0) return []
  const rest = items.length > shown ? `, … ${count(items.length - shown)} more` : ''
  return [`  ${what}: ${items.slice(0, shown).join(', ')}${rest}`]
}
