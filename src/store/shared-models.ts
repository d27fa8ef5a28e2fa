import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { bundleFromBuffer, type ModelBundle } from './model-bundle.ts'
import { type ActiveModel, type Models, signatureOf } from './models.ts'

/** The active models, ready to score. */
export interface ActiveModels {
  /** Another one, other models, see {@link Models.signature}; empty without any. */
  readonly signature: string
  readonly bundles: readonly ModelBundle[]
}

/** Where the active models are had from. */
export interface ModelSource {
  /** @throws ModelFormatError when one of them cannot be read */
  active(): Promise<ActiveModels>
}

interface Answer {
  readonly models?: readonly ActiveModel[]
  readonly error?: Error
}

/**
 * The bytes of the active models, once in memory for all threads of a process: read from the database when they have
 * changed, handed over through ports. What is opened from them lies in the same memory.
 */
export class SharedModels implements ModelSource {
  readonly #store: Pick<Models, 'activeBytes'>
  #known: readonly ActiveModel[] = []
  #opened: ActiveModels = opened([])
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: Pick<Models, 'activeBytes'>) {
    this.#store = store
  }

  /** The same ones as long as none has changed. */
  async active(): Promise<ActiveModels> {
    const models = await this.files()
    if (this.#opened.signature !== signatureOf(models)) this.#opened = opened(models)
    return this.#opened
  }

  /** For one thread, to go into its workerData and transferList: see {@link modelsThrough}. Ends with the thread. */
  port(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', async () => {
      port1.postMessage(
        await this.files().then(
          (models): Answer => ({ models }),
          (error: Error): Answer => ({ error }),
        ),
      )
    })
    port1.unref()
    return port2
  }

  /** The active models as they are handed over, those that are unchanged the same objects as before. */
  files(): Promise<readonly ActiveModel[]> {
    // One look after the other, so that nothing is read twice.
    const now = this.#turn.then(async () => {
      this.#known = await this.#store.activeBytes(this.#known)
      return this.#known
    })
    this.#turn = now.catch(() => {})
    return now
  }
}

/** The active models of the process, in a thread that has a port to its {@link SharedModels}. */
export function modelsThrough(port: MessagePort): ModelSource {
  let turn: Promise<unknown> = Promise.resolve()
  const ask = () =>
    new Promise<Answer>((resolve) => {
      // Listening keeps the thread alive, but only until the answer is there.
      port.once('message', resolve)
      port.postMessage('active')
    })
  return {
    async active() {
      const answer = turn.then(ask)
      turn = answer
      const { models, error } = await answer
      if (!models) throw error
      return opened(models)
    },
  }
}

function opened(models: readonly ActiveModel[]): ActiveModels {
  return {
    signature: signatureOf(models),
    bundles: models.map(({ name, bytes }) => bundleFromBuffer(bytes, name)),
  }
}
