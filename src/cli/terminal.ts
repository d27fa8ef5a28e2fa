import { stripVTControlCharacters, styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours `text` where standard output is a terminal and NO_COLOR is not set. */
export function style(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** Text from outside without the control characters that could drive a terminal. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** `text` broken at spaces to the terminal's width, every line after `indent`. */
export function wrap(text: string, indent: string): string {
  const room = Math.max(40, width()) - indent.length
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(indent + line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, indent + line].join('\n')
}

/** Columns of the terminal, 100 where there is none. */
export function width(): number {
  return process.stdout.columns || 100
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** The one JSON document of `--json`. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, jsonValue, 2)}\n`)
}

/** Maps become objects and numbers that JSON lacks become null. */
function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}

/**
 * Rows as a plain table; the last column is wrapped to the terminal.
 *
 * @param right indices of right-aligned columns
 */
export async function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const last = head.length - 1
  const widths = head.map(
    (name, j) => Math.max(name.length, ...rows.map((row) => stripVTControlCharacters(row[j]!).length)) + 2,
  )
  const others = widths.slice(0, last).reduce((a, b) => a + b, 0)
  widths[last] = Math.min(widths[last]!, Math.max(24, width() - others - 1))
  const made = new Table({
    head: head.map((name) => style('dim', name)),
    colWidths: widths,
    colAligns: head.map((_, j) => (right.includes(j) ? 'right' : 'left')),
    wordWrap: true,
    chars: Object.fromEntries(
      ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
        .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
        .map((name) => [name, '']),
    ),
    style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [] },
  })
  made.push(...rows.map((row) => [...row]))
  return made.toString().replace(/[ \t]+$/gm, '')
}
