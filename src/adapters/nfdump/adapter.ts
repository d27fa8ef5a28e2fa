import type { Batch } from '../../schema/reading-batch.ts'
import type { Adapter } from '../adapter.ts'
import { nothingUsed } from '../table/reject-cell.ts'
import { RowWriter } from '../table/row-writer.ts'
import { windows } from '../table/windows.ts'
import { nfdumpColumns, nfdumpRow } from './line.ts'

const NEWLINE = 10
/** Longest line; what is longer is none of nfdump's. */
const MAX_LINE = 4096
/** Lines of the summary after the flows. */
const SUMMARY = /^(Summary:|Time window:|Total flows processed:|Sys:|No matching flows)/

export const nfdumpAdapter: Adapter = {
  name: 'nfdump',
  description: "nfdump's text for people: -o line, long, extended, biline, bilong",
  accepts: (head) =>
    nfdumpColumns(new TextDecoder().decode(head.subarray(0, 1024)).split('\n', 1)[0]!) !== undefined,
  async *read(source, options, report): AsyncGenerator<Batch> {
    report.unit = 'rows'
    const writer = new RowWriter(source.name, options, report)
    const decoder = new TextDecoder()
    let columns: readonly string[] = []
    let line = 0
    let skipping = false
    const take = (text: string) => {
      line++
      const header = nfdumpColumns(text)
      if (header) columns = header
      else if (text !== '' && !SUMMARY.test(text)) {
        const row = nfdumpRow(text, columns)
        if (row) writer.add(row, line)
        else
          report.reject('no line of a flow', {
            place: `${source.name}:${line}`,
            message: `expects a flow as nfdump prints it, got "${text.slice(0, 60)}"; correct or remove the line`,
          })
      }
    }
    for await (const window of windows(source.bytes(), NEWLINE)) {
      const { bytes } = window
      let start = 0
      for (;;) {
        const end = bytes.indexOf(NEWLINE, start)
        if (end < 0) break
        take(skipping ? '…' : decoder.decode(bytes.subarray(start, end)).trimEnd())
        skipping = false
        start = end + 1
        yield* writer.full()
      }
      if (bytes.length - start > MAX_LINE) {
        skipping = true
        start = bytes.length
      }
      if (window.final && start < bytes.length) take(decoder.decode(bytes.subarray(start)).trimEnd())
      window.start = window.final ? bytes.length : start
    }
    yield* writer.rest()
    nothingUsed(report)
  },
}
