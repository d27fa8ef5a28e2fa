import { type MessagePort, Worker } from 'node:worker_threads'
import type { Job, JobError } from '../store/jobs.ts'
import type { SharedModels } from '../store/shared-models.ts'
import type { JobSettings } from './kind.ts'

/** What the thread of a job is told. */
export interface Order {
  readonly id: number
  readonly kind: string
  readonly params: unknown
  readonly owner: string
  readonly url: string
  /** See {@link SharedModels.port}. */
  readonly models: MessagePort
  readonly settings: JobSettings
}

export interface Progress {
  readonly progress: number | null
  readonly message: string
}

/** How a job's thread came to its end; one that is done has written so itself. */
export type Ending =
  | { readonly state: 'done' }
  | { readonly state: 'cancelled' }
  | { readonly state: 'failed'; readonly error: JobError }

/** Milliseconds that a cancelled job has to end by itself. */
const PATIENCE = 3000

/**
 * Megabytes of JavaScript's heap; typed arrays, where the data is, lie outside. Without a limit the collector lets
 * garbage pile up: detection in a file took 460 MB where 280 do.
 */
const HEAP = { maxYoungGenerationSizeMb: 6, maxOldGenerationSizeMb: 512 }

/** A job at work in a thread. */
export class Running {
  readonly job: Job
  readonly ended: Promise<Ending>
  /** What the thread said last. */
  now: Progress = { progress: null, message: '' }
  readonly #worker: Worker
  #cancelled = false

  constructor(job: Job, shared: SharedModels, order: Pick<Order, 'owner' | 'url' | 'settings'>) {
    this.job = job
    const { id, kind, params } = job
    const models = shared.port()
    // The same folder holds .ts in the sources and .js once built.
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: { ...order, id, kind, params, models } satisfies Order,
      transferList: [models],
      execArgv: [],
      resourceLimits: HEAP,
    })
    let ending: Ending | undefined
    this.#worker.on('message', (message: Progress | Ending) => {
      if ('state' in message) ending = message
      else this.now = message
    })
    this.ended = new Promise((resolve) => {
      this.#worker.on('error', (error: NodeJS.ErrnoException) => {
        const message =
          error.code === 'ERR_WORKER_OUT_OF_MEMORY'
            ? `the job needs more than ${HEAP.maxOldGenerationSizeMb} MB of memory; give it less data at a time`
            : error.message
        ending ??= { state: 'failed', error: { type: error.name, message } }
      })
      this.#worker.on('exit', (code) => {
        const message = `the job's thread ended early (exit code ${code})`
        resolve(
          ending ??
            (this.#cancelled
              ? { state: 'cancelled' }
              : { state: 'failed', error: { type: 'Error', message } }),
        )
      })
    })
  }

  /** Asks the job to end; one that does not hear is ended. */
  cancel(): void {
    if (this.#cancelled) return
    this.#cancelled = true
    this.#worker.postMessage('cancel')
    const timer = setTimeout(() => this.#worker.terminate(), PATIENCE)
    this.ended.finally(() => clearTimeout(timer))
  }

  async terminate(): Promise<void> {
    this.#cancelled = true
    await this.#worker.terminate()
  }
}
