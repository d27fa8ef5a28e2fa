import type { ReadingRows } from '../../store/reading-rows.ts'
import { LineTemplate } from './line-template.ts'
import { readingParts } from './reading-record.ts'
import { eachRecord } from './records.ts'
import type { Tally } from './result.ts'

/** Kinds of lines remembered. */
const MOST_TEMPLATES = 16

/** Reads readings from JSON and NDJSON; remembers what lines look like from one body to the next. */
export class ReadingParser {
  #templates: LineTemplate[] = []

  /** Adds the readings of a body to `rows`; the others are counted as rejected. */
  parse(bytes: Uint8Array, rows: ReadingRows, tally: Tally): void {
    const templates = this.#templates
    eachRecord(
      bytes,
      tally,
      (record, line) => {
        const parts = readingParts(record)
        rows.add(parts.device, parts.ts, parts.metrics, parts.values, tally.read - 1)
        const template = line && LineTemplate.of(line, parts)
        if (!template) return
        templates.unshift(template)
        if (templates.length > MOST_TEMPLATES) templates.pop()
      },
      (start, end) => {
        for (let i = 0; i < templates.length; i++) {
          const template = templates[i]!
          if (!template.read(bytes, start, end, rows, tally.read)) continue
          // The next line looks like this one, most likely.
          if (i > 0) {
            templates.splice(i, 1)
            templates.unshift(template)
          }
          if (template.full) templates.shift()
          return true
        }
        return false
      },
    )
  }
}
