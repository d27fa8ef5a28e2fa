import { anomalyJson } from '../output/anomaly-columns.ts'
import { openSink, type Sink } from '../output/sink.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { errorJson, Reported } from './failure.ts'

const encoder = new TextEncoder()

/**
 * The JSON document of `detect --json`, written while anomalies are found so that memory stays bounded:
 * `{"anomalies":[…], …summary}`. Nothing is written before the first anomaly, so an early error can still
 * have a document of its own; a later one becomes the member `error` of this one.
 */
export class JsonDocument {
  readonly #sink: Sink = openSink('-')
  #begun = false

  async write(anomalies: readonly Anomaly[]): Promise<void> {
    let text = ''
    for (let i = 0; i < anomalies.length; i++) {
      text += this.#begun ? ',\n' : '{"anomalies":[\n'
      this.#begun = true
      text += anomalyJson(anomalies, i)
    }
    await this.#put(text)
  }

  /** Completes the document with further members. */
  async finish(members: Record<string, unknown>): Promise<void> {
    await this.#put(`${this.#begun ? '\n],' : '{"anomalies":[],'}${JSON.stringify(members).slice(1)}\n`)
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
