import type { BatchWriter, Rows } from './layout.ts'
import type { Sink } from './sink.ts'

const encoder = new TextEncoder()

/**
 * Writes rows as JSON: `lines` puts one object on each line (NDJSON), otherwise the output is one array
 * with an object a line, so that it is a single document and can still be cut by lines.
 *
 * @param row the JSON text of row `i`
 */
export function jsonWriter<B extends Rows>(
  row: (batch: B, i: number) => string,
  sink: Sink,
  lines: boolean,
): BatchWriter<B> {
  let first = true
  return {
    async write(batch) {
      let text = ''
      for (let i = 0; i < batch.length; i++) {
        text += lines ? '' : first ? '[\n' : ',\n'
        text += row(batch, i)
        if (lines) text += '\n'
        first = false
        if (text.length > 1 << 16) {
          await sink.write(encoder.encode(text))
          text = ''
        }
      }
      if (text !== '') await sink.write(encoder.encode(text))
    },
    async close() {
      if (!lines) await sink.write(encoder.encode(first ? '[]\n' : '\n]\n'))
      sink.close()
    },
    abort: () => sink.abort(),
  }
}
