import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Busy, StoreFull } from '../../store/errors.ts'
import type { IntakeResult } from './result.ts'
import type { IntakeAnswer, IntakeRequest, IntakeSettings } from './worker.ts'

export type { IntakeResult, RecordProblem } from './result.ts'

/** Bytes and bodies that may wait to be stored. */
const MOST_BYTES = 64 << 20
const MOST_BODIES = 4096
/** Megabytes of the thread's heap: without a limit the collector lets garbage pile up. */
const HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 512 }

interface Waiting {
  readonly bytes: number
  readonly resolve: (result: IntakeResult) => void
  readonly reject: (error: Error) => void
}

/** How much is going in. */
export interface IntakeState {
  readonly waitingBodies: number
  readonly waitingBytes: number
  /** Since the start. */
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  /** Bodies that were refused because too many were waiting. */
  readonly refused: number
  /** What the thread could not do last; undefined when all is well. */
  readonly warning: string | undefined
}

/** Takes records in: parses, checks and stores them in a thread of its own, and answers when they are on disk. */
export class Intake {
  readonly #settings: IntakeSettings
  #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #bytes = 0
  #next = 0
  #closed = false
  #counts = { accepted: 0, duplicates: 0, rejected: 0, refused: 0 }
  #warning: string | undefined

  private constructor(settings: IntakeSettings, worker: Worker) {
    this.#settings = settings
    this.#worker = worker
    this.#listen()
  }

  /**
   * @param database URL of a database whose schema is up to date
   * @param local local networks in CIDR form, to tell the device of a flow
   */
  static async start(database: string, local?: readonly string[]): Promise<Intake> {
    const settings = { database, local }
    return new Intake(settings, await thread(settings))
  }

  /**
   * Stores the records of a body: one object, a list, or an object a line (NDJSON). Those that are wrong are
   * counted and told, the others stored; when it returns they are on disk.
   *
   * @param records bytes of JSON, or objects
   * @param source where they came from, for people: `api`, `simulator`
   * @throws Busy when too much is waiting or the database is locked, StoreFull when the disk is full; nothing of
   *   the body is stored then
   */
  write(
    kind: 'readings' | 'flows',
    records: Uint8Array | readonly unknown[],
    source: string,
  ): Promise<IntakeResult> {
    if (this.#closed) return Promise.reject(new Busy('the service is stopping', 5))
    const bytes =
      records instanceof Uint8Array
        ? Uint8Array.from(records)
        : new TextEncoder().encode(JSON.stringify(records))
    // One body may be larger than the bound.
    const full = this.#bytes > 0 && this.#bytes + bytes.length > MOST_BYTES
    if (full || this.#waiting.size >= MOST_BODIES) {
      this.#counts.refused++
      return Promise.reject(new Busy(`${this.#waiting.size} bodies are waiting to be stored; try again`, 1))
    }
    const id = this.#next++
    this.#bytes += bytes.length
    const request: IntakeRequest = { id, kind, source, bytes }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { bytes: bytes.length, resolve, reject })
      this.#worker.postMessage(request, [bytes.buffer as ArrayBuffer])
    })
  }

  state(): IntakeState {
    return {
      waitingBodies: this.#waiting.size,
      waitingBytes: this.#bytes,
      ...this.#counts,
      warning: this.#warning,
    }
  }

  /** Stores what is waiting and ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#worker.postMessage('close')
    await once(this.#worker, 'exit')
  }

  #listen(): void {
    this.#worker.on('message', (message: IntakeAnswer | { warning: string }) => {
      if ('warning' in message) this.#warning = message.warning
      else this.#answered(message)
    })
    this.#worker.on('error', (error) => {
      this.#warning = error.message
    })
    this.#worker.on('exit', () => void this.#ended())
  }

  #answered({ id, result, error }: IntakeAnswer): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    this.#bytes -= waiting.bytes
    if (result) {
      this.#warning = undefined
      this.#counts.accepted += result.accepted
      this.#counts.duplicates += result.duplicates
      this.#counts.rejected += result.rejected
      waiting.resolve(result)
    } else if (error?.name === 'Busy') waiting.reject(new Busy(error.message, error.retryAfter ?? 1))
    else if (error?.name === 'StoreFull') waiting.reject(new StoreFull(error.message))
    else waiting.reject(new Error(error?.message ?? 'the intake gave no answer'))
  }

  /** A thread that broke is replaced; whether its last bodies were stored is not known. */
  async #ended(): Promise<void> {
    for (const { reject } of this.#waiting.values()) {
      reject(new Busy('storing was interrupted; send the records again, they are not stored twice', 1))
    }
    this.#waiting.clear()
    this.#bytes = 0
    while (!this.#closed) {
      try {
        this.#worker = await thread(this.#settings)
        this.#listen()
        return
      } catch (error) {
        this.#warning = (error as Error).message
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }
}

async function thread(settings: IntakeSettings): Promise<Worker> {
  // Compiled or as source, whichever this file is.
  const file = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
  const worker = new Worker(file, { workerData: settings, resourceLimits: HEAP })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  return worker
}
