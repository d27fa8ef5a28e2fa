import type { Rows } from '../output/layout.ts'
import { openSink, type Sink } from '../output/sink.ts'
import { errorJson, Reported } from './failure.ts'

const encoder = new TextEncoder()

/**
 * The JSON document of `--json` where it has many rows, written as they come so that memory stays bounded:
 * `{"<name>":[…], …members}`. Nothing is written before the first row, so an early error can still have a
 * document of its own; a later one becomes the member `error` of this one.
 */
export class JsonDocument<B extends Rows> {
  readonly #sink: Sink = openSink('-')
  readonly #name: string
  readonly #row: (batch: B, i: number) => string
  #begun = false

  /** @param row the JSON text of row `i` */
  constructor(name: string, row: (batch: B, i: number) => string) {
    this.#name = name
    this.#row = row
  }

  async write(batch: B): Promise<void> {
    let text = ''
    for (let i = 0; i < batch.length; i++) {
      text += this.#begun ? ',\n' : `{"${this.#name}":[\n`
      this.#begun = true
      text += this.#row(batch, i)
    }
    await this.#put(text)
  }

  /** Completes the document with further members. */
  async finish(members: Record<string, unknown>): Promise<void> {
    const start = this.#begun ? '\n],' : `{"${this.#name}":[],`
    await this.#put(`${start}${JSON.stringify(members).slice(1)}\n`)
  }

  /** Completes the document with the error when it was begun; the error to throw instead. */
  async fail(error: unknown): Promise<unknown> {
    if (!this.#begun) return error
    await this.#put(`\n],"error":${JSON.stringify(errorJson(error))}}\n`)
    return new Reported(error)
  }

  async #put(text: string): Promise<void> {
    await this.#sink.write(encoder.encode(text))
  }
}
