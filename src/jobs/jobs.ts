import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { FINISHED, type Job, type JobError, type JobFilter, JobLost, JobRows } from '../store/jobs.ts'
import { isDeadHere, newOwner } from '../store/owner.ts'
import type { SharedModels } from '../store/shared-models.ts'
import type { Store } from '../store/store.ts'
import type { JobSettings } from './kind.ts'
import { JOB_KINDS, type JobKinds, type JobName, kindNamed } from './kinds/all.ts'
import { type Ending, type Progress, Running } from './running.ts'
import { type Upload, Uploads } from './uploads.ts'

export interface JobsOptions extends JobSettings {
  readonly store: Store
  readonly models: SharedModels
  /** Hears of what goes wrong in the runner itself; a job's own failure is its result. */
  readonly onError?: (error: unknown) => void
}

/** Milliseconds between looks at the queue and at what runs. */
const TICK = 1000
/** Seconds between two signs of life, and after how long without one a job's process is taken for dead. */
const HEARTBEAT = 5
const STALE = 20
/** So often a job is begun: what ends the process three times will do so again. */
const MOST_ATTEMPTS = 3
/** Jobs waiting; beyond, the queue only grows. */
const MOST_PENDING = 1000

/** The queue is full. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull'
  readonly statusCode = 429
  /** Seconds. */
  readonly retryAfter = 30

  constructor() {
    super(`${MOST_PENDING} jobs wait already; try again when some are done, or cancel some`)
  }
}

/** Queues jobs and runs them in threads: one that is heavy at a time, beside one that is not. */
export class Jobs {
  readonly uploads: Uploads
  readonly #rows: JobRows
  readonly #options: JobsOptions
  readonly #owner = newOwner()
  readonly #running = new Map<number, { running: Running; heavy: boolean; beat: number; told: Progress }>()
  readonly #settled = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #turn: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(options: JobsOptions) {
    this.#options = options
    this.#rows = new JobRows(options.store)
    this.uploads = new Uploads(options.folder)
  }

  /**
   * Puts a job in the queue.
   *
   * @throws ZodError when the parameters are not those of the kind, QueueFull when too many jobs wait
   */
  async add<K extends JobName>(kind: K, params: z.input<JobKinds[K]['params']>, by: string): Promise<Job> {
    const full = kindNamed(kind).params.parse(params)
    if ((await this.#rows.pending()) >= MOST_PENDING) throw new QueueFull()
    const place = kindNamed(kind).upload?.(full) ? await this.uploads.place() : null
    const job = await this.#rows.add(kind, full, by, undefined, place)
    this.#look()
    return job
  }

  get(id: number): Promise<Job | undefined> {
    return this.#rows.get(id)
  }

  /** Newest first. */
  list(filter: JobFilter, limit: number): Promise<Job[]> {
    return this.#rows.list(filter, limit)
  }

  /** Cancels a job, or asks it to end where it runs; undefined when there is none. One that is finished stays so. */
  async cancel(id: number): Promise<Job | undefined> {
    const job = await this.#rows.requestCancel(id)
    this.#running.get(id)?.running.cancel()
    if (job?.state === 'cancelled') await this.#removeUpload(job)
    return job
  }

  /** Begins to run what waits, and what a process that died has left. */
  async start(): Promise<void> {
    for (const owner of await this.#rows.owners()) {
      if (isDeadHere(owner)) await this.#rows.disown(owner)
    }
    await this.#sweep()
    this.#timer = setInterval(() => this.#look(), TICK)
    this.#look()
  }

  /**
   * Begins nothing more and waits for what runs; what is not through by then goes back to the queue.
   *
   * @param grace seconds
   */
  async stop(grace = 5): Promise<void> {
    this.#stopping = true
    clearInterval(this.#timer)
    await this.#turn
    await Promise.race([Promise.all(this.#settled), sleep(grace * 1000, undefined, { ref: false })])
    await Promise.all([...this.#running.values()].map(({ running }) => running.terminate()))
    await Promise.all(this.#settled)
  }

  /** One look after the other, never two at a time. */
  #look(): void {
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#beat()
        await this.#begin()
      } catch (error) {
        this.#options.onError?.(error)
      }
    })
  }

  async #begin(): Promise<void> {
    for (const heavy of [true, false]) {
      if (this.#stopping || [...this.#running.values()].some((r) => r.heavy === heavy)) continue
      const kinds = Object.values(JOB_KINDS).filter((kind) => kind.heavy === heavy)
      const names = kinds.map(({ name }) => name)
      const place = await this.uploads.place()
      const job = await this.#rows.claim(this.#owner, names, Date.now() / 1000 - STALE, place)
      if (job) this.#run(job, heavy)
    }
  }

  #run(job: Job, heavy: boolean): void {
    const settled = this.#work(job, heavy)
      .catch((error) => this.#options.onError?.(error))
      .finally(() => {
        this.#settled.delete(settled)
        this.#running.delete(job.id)
        this.#look()
      })
    this.#settled.add(settled)
  }

  async #work(job: Job, heavy: boolean): Promise<void> {
    if (job.cancel_requested) return this.#end(job, { state: 'cancelled' })
    if (job.attempts > MOST_ATTEMPTS) {
      const message = `the process ended ${MOST_ATTEMPTS} times while this job ran; it may need more memory than there is`
      return this.#end(job, { state: 'failed', error: { type: 'Error', message } })
    }
    const { store, models, folder, local, keeping } = this.#options
    const settings = { folder, local, keeping }
    const running = new Running(job, models, { owner: this.#owner, url: store.database.url, settings })
    this.#running.set(job.id, { running, heavy, beat: Date.now(), told: running.now })
    await this.#end(job, await running.ended)
  }

  async #end(job: Job, ending: Ending): Promise<void> {
    const { id } = job
    const kind = kindNamed(job.kind)
    // A job that is done says so itself; one that another process has taken is not ours to end.
    const now = await this.get(id)
    if (now?.owner === this.#owner) {
      if (ending.state === 'cancelled' && !now.cancel_requested) {
        // The service stops: its next start begins the job anew.
        return this.#rows.release(id, this.#owner)
      }
      await kind.undo?.(id, this.#options.store)
      if (ending.state === 'failed') await this.#rows.fail(id, this.#owner, ending.error)
      else await this.#rows.cancelled(id, this.#owner)
    }
    if (now?.owner === this.#owner || (now && FINISHED.includes(now.state))) await this.#removeUpload(job)
  }

  /** Signs of life of what runs, with its progress; hears who shall be cancelled. */
  async #beat(): Promise<void> {
    for (const [id, entry] of this.#running) {
      const { running } = entry
      const news = running.now !== entry.told
      if (!news && Date.now() - entry.beat < HEARTBEAT * 1000) continue
      entry.beat = Date.now()
      entry.told = running.now
      try {
        if (await this.#rows.beat(id, this.#owner, running.now, news)) running.cancel()
      } catch (error) {
        unlessLost(error)
        // Either it has just ended, or another process has it: nothing of it may be written here any more.
        await running.terminate()
      }
    }
  }

  async #sweep(): Promise<void> {
    const open = (['queued', 'running'] as const).map((state) => this.list({ state }, MOST_PENDING))
    const uploads = (await Promise.all(open)).flat().flatMap((job) => uploadOf(job) ?? [])
    await this.uploads.sweep(uploads)
  }

  async #removeUpload(job: Job): Promise<void> {
    const upload = uploadOf(job)
    if (upload) await this.uploads.remove(upload)
  }
}

export { FINISHED, type Job, type JobError }

function uploadOf(job: Job): Upload | undefined {
  const kind = kindNamed(job.kind)
  return kind.upload?.(kind.params.parse(job.params))
}

function unlessLost(error: unknown): void {
  if (!(error instanceof JobLost)) throw error
}
