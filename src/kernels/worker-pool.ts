import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/**
 * A loop over rows [from, to) that reads and fills shared arrays in `args`. Rows must not depend on how
 * the range is cut: then one worker and many give the same bytes.
 */
export type RowKernel<A> = (args: A, from: number, to: number) => void

/** What a worker is told: run the function `name` of the module `url`, taking rows until none are left. */
export interface Job {
  readonly id: number
  readonly url: string
  readonly name: string
  readonly args: unknown
  /** Entry 0 is the first row nobody has taken. */
  readonly next: Int32Array
  readonly rows: number
  readonly grain: number
}

/** What a worker answers when it finds no more rows, or when the kernel threw. */
export interface JobDone {
  readonly id: number
  readonly error?: unknown
}

interface Hand {
  readonly worker: Worker
  /** Job id -> tells the caller that this worker is through with it. */
  readonly waiting: Map<number, (error?: unknown) => void>
}

/**
 * Worker threads that share the rows of a kernel among them. Threads start with the first job that is
 * worth it, and idle ones do not keep the process alive.
 */
export class WorkerPool {
  /** How many threads work at a job. */
  readonly size: number
  readonly #hands: Hand[] = []
  #jobs = 0
  #closed = false

  /** @param size number of threads; 1 works on the calling thread */
  constructor(size: number = availableParallelism()) {
    if (!Number.isInteger(size) || size < 1) {
      throw new RangeError(`a worker pool expects a whole number of workers from 1, got ${size}`)
    }
    this.size = size
  }

  /**
   * Runs `kernel(args, from, to)` over [0, rows), cut into ranges of at least `grain` rows that idle
   * workers take one after the other. Less than two such ranges stay on the calling thread.
   *
   * @param url of the module that exports `kernel` under its own name: the kernel's `import.meta.url`
   * @param args plain data; its typed arrays lie on SharedArrayBuffers (see {@link shared})
   * @param grain rows that take about a millisecond, the least worth handing to another thread
   * @throws what the kernel threw; by then no worker writes into `args` any more
   */
  async run<A extends object>(
    url: string,
    kernel: RowKernel<A>,
    args: A,
    rows: number,
    grain: number,
  ): Promise<void> {
    if (this.#closed) throw new Error('the worker pool is closed')
    if (rows === 0) return
    if (this.size === 1 || rows < 2 * grain) {
      kernel(args, 0, rows)
      return
    }
    for (const [name, value] of Object.entries(args)) {
      if (ArrayBuffer.isView(value) && !(value.buffer instanceof SharedArrayBuffer)) {
        throw new TypeError(`${kernel.name}: workers cannot fill ${name}, it lies on unshared memory`)
      }
    }
    // Eight ranges a worker even out unequal speeds.
    const step = Math.max(grain, Math.ceil(rows / (8 * this.size)))
    const next = new Int32Array(new SharedArrayBuffer(4))
    const job: Job = { id: this.#jobs++, url, name: kernel.name, args, next, rows, grain: step }
    const wanted = Math.min(this.size, Math.ceil(rows / step))
    while (this.#hands.length < wanted) this.#hands.push(this.#hire())
    const results = await Promise.allSettled(this.#hands.slice(0, wanted).map((hand) => give(hand, job)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Ends the workers; jobs under way fail. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#hands.map((hand) => hand.worker.terminate()))
  }

  #hire(): Hand {
    // The same folder holds .ts in the sources and .js once built.
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    // Flags of the calling process such as --input-type do not suit a file.
    const worker = new Worker(new URL(file, import.meta.url), { execArgv: [] })
    const hand: Hand = { worker, waiting: new Map() }
    worker.unref()
    worker.on('message', ({ id, error }: JobDone) => hand.waiting.get(id)?.(error))
    const lost = (error: unknown) => {
      const k = this.#hands.indexOf(hand)
      if (k >= 0) this.#hands.splice(k, 1)
      for (const done of [...hand.waiting.values()]) done(error)
    }
    worker.on('error', lost)
    worker.on('exit', (code) => lost(new Error(`a worker thread ended early (exit code ${code})`)))
    return hand
  }
}

/** Posts a job to one worker, which keeps the process alive until it is through. */
function give(hand: Hand, job: Job): Promise<void> {
  return new Promise((resolve, reject) => {
    hand.worker.postMessage(job)
    hand.worker.ref()
    hand.waiting.set(job.id, (error) => {
      hand.waiting.delete(job.id)
      if (hand.waiting.size === 0) hand.worker.unref()
      if (error === undefined) resolve()
      else {
        // Nobody takes further rows of a job that failed.
        Atomics.store(job.next, 0, job.rows)
        reject(error)
      }
    })
  })
}

let common: WorkerPool | undefined

/** The pool of all cores that everyone uses who was not given another; it needs no closing. */
export function commonPool(): WorkerPool {
  common ??= new WorkerPool()
  return common
}

/** `array` itself where workers can reach it, else a copy on shared memory. */
export function shared<T extends Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array>(
  array: T,
): T {
  if (array.buffer instanceof SharedArrayBuffer) return array
  const type = array.constructor as new (buffer: SharedArrayBuffer) => T
  const copy = new type(new SharedArrayBuffer(array.byteLength))
  copy.set(array)
  return copy
}
