import type { BatchWriter, Column, Rows } from './layout.ts'
import type { Sink } from './sink.ts'
import { TextBuffer } from './text-buffer.ts'

const COMMA = 0x2c
const QUOTE = 0x22
/** What a cell must be quoted for. */
const SPECIAL = /[",\r\n]/

/**
 * Writes rows as RFC 4180 CSV with a header line, UTF-8, lines ended by `\n`. Unset cells are empty.
 *
 * Text that a spreadsheet would run as a formula (`=cmd…`) is defused with a leading apostrophe, since
 * host names, services and labels come from outside (OWASP "CSV injection").
 */
export function csvWriter<B extends Rows>(columns: readonly Column<B>[], sink: Sink): BatchWriter<B> {
  const out = new TextBuffer()
  columns.forEach((column, j) => {
    if (j > 0) out.char(COMMA)
    out.text(column.name)
  })
  out.newline()
  return {
    async write(batch) {
      for (let i = 0; i < batch.length; i++) {
        for (let j = 0; j < columns.length; j++) {
          if (j > 0) out.char(COMMA)
          const column = columns[j]!
          const value = column.at(batch, i)
          if (typeof value === 'string') cell(out, value)
          else if (Number.isFinite(value)) column.kind === 'micros' ? out.micros(value) : out.number(value)
        }
        out.newline()
        if (out.length > 1 << 16) await sink.write(out.take())
      }
    },
    async close() {
      await sink.write(out.take())
      sink.close()
    },
    abort: () => sink.abort(),
  }
}

function cell(out: TextBuffer, value: string): void {
  if (value === '') return
  const safe = defuse(value)
  if (!SPECIAL.test(safe)) {
    out.text(safe)
    return
  }
  out.char(QUOTE)
  out.text(safe.includes('"') ? safe.replaceAll('"', '""') : safe)
  out.char(QUOTE)
}

/** `value` with an apostrophe in front where a spreadsheet would take it for a formula. */
export function defuse(value: string): string {
  switch (value.charCodeAt(0)) {
    case 0x3d: // =
    case 0x2b: // +
    case 0x2d: // -
    case 0x40: // @
    case 0x09:
    case 0x0d:
      return `'${value}`
    default:
      return value
  }
}
