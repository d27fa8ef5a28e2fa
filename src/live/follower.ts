import { type MessagePort, Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import type { SharedModels } from '../store/shared-models.ts'

/** What the thread needs. */
export interface FollowerOrder {
  readonly url: string
  /** See {@link SharedModels.port}. */
  readonly models: MessagePort
  /** Local networks in CIDR form; the private ranges when left out. */
  readonly local?: readonly string[] | undefined
}

export interface FollowerSettings extends Omit<FollowerOrder, 'models'> {
  readonly models: SharedModels
}

/** What the thread has to say, each thing once. */
export interface FollowerNews {
  readonly info?: string
  readonly warning?: string
  readonly error?: string
}

/** Megabytes of its heap, far more than it needs: without a limit the collector lets garbage pile up. */
const HEAP = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 1024 }
/** Milliseconds for the thread to save and end. */
const PATIENCE = 20_000
/** Milliseconds before a thread that died is followed by another. */
const AGAIN = 1000

/**
 * Scores what is accepted, in a thread of its own: it follows the journal, and puts anomalies, incidents, and what is
 * known of devices into the store. One process does so however many have the database open.
 */
export class Follower {
  readonly #order: FollowerSettings
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  #worker: Worker | undefined
  #ended: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(order: FollowerSettings, log: Pick<Logger, 'info' | 'warn' | 'error'>) {
    this.#order = order
    this.#log = log
  }

  start(): void {
    const models = this.#order.models.port()
    const worker = new Worker(taskUrl(), {
      workerData: { ...this.#order, models } satisfies FollowerOrder,
      transferList: [models],
      execArgv: [],
      resourceLimits: HEAP,
    })
    this.#worker = worker
    worker.on('message', ({ info, warning, error }: FollowerNews) => {
      if (info) this.#log.info({ info }, 'learning')
      if (warning) this.#log.warn({ warning }, 'detection')
      if (error) this.#log.error({ error }, 'detection begins again from what it saved')
    })
    worker.on('error', (error) => this.#log.error({ error: String(error) }, 'detection ended'))
    this.#ended = new Promise((resolve) => {
      worker.on('exit', () => {
        resolve()
        if (!this.#stopping) setTimeout(() => !this.#stopping && this.start(), AGAIN).unref()
      })
    })
  }

  /** Lets the thread save what it knows. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#worker?.postMessage('stop')
    const late = setTimeout(() => void this.#worker?.terminate(), PATIENCE)
    await this.#ended
    clearTimeout(late)
  }
}

/** The task beside this file: TypeScript in a checkout, JavaScript when built. */
function taskUrl(): URL {
  return new URL(
    import.meta.url.endsWith('.ts') ? './follower-task.ts' : './follower-task.js',
    import.meta.url,
  )
}
