import { Cron } from 'croner'
import { FINISHED, type Job, JobRows } from '../store/jobs.ts'
import { type Schedule, type ScheduleChange, ScheduleRows } from '../store/schedules.ts'
import type { Repositories, Store } from '../store/store.ts'
import { kindNamed } from './kinds/all.ts'

/** Milliseconds between looks at what is due. */
const TICK = 2000

/** The schedule that every service has at first, and that it was made. */
const NIGHTLY = { name: 'retention', kind: 'retention', cron: '17 3 * * *', params: {}, enabled: true }
const MADE = 'schedules made'

/** What somebody wants to be begun when. */
export type ScheduleIn = Required<Omit<ScheduleChange, 'next_run'>>

/**
 * When `cron` comes next after `now`, in UTC.
 *
 * @param now seconds since the epoch
 * @returns seconds since the epoch; null when it never does, as on 30 February
 * @throws Error when it is not five fields of cron
 */
export function nextRun(cron: string, now: number): number | null {
  const next = new Cron(cron, { timezone: 'UTC', mode: '5-part' }).nextRun(new Date(now * 1000))
  return next ? next.getTime() / 1000 : null
}

/** Begins jobs at their times, each once, whichever process is first. */
export class Schedules {
  readonly #store: Store
  readonly #rows: ScheduleRows
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(store: Store, onError: (error: unknown) => void = () => {}) {
    this.#store = store
    this.#rows = new ScheduleRows(store.db)
    this.#onError = onError
  }

  /** What came while nothing ran is begun once, however often it came. */
  async start(): Promise<void> {
    // Once: whoever removes or changes it has the last word.
    if (!(await this.#store.meta.get(MADE))) {
      await this.add(NIGHTLY, 'service')
      await this.#store.meta.set(MADE, true)
    }
    const look = () => {
      this.#looking = this.#looking.then(() => this.run(Date.now() / 1000)).catch(this.#onError)
    }
    this.#timer = setInterval(look, TICK)
    look()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  list(): Promise<Schedule[]> {
    return this.#rows.list()
  }

  get(id: number): Promise<Schedule | undefined> {
    return this.#rows.get(id)
  }

  /** @returns undefined when there is one of that name */
  add(schedule: ScheduleIn, by: string): Promise<Schedule | undefined> {
    const params = kindNamed(schedule.kind).params.parse(schedule.params)
    return this.#rows.add({ ...schedule, params, next_run: nextRun(schedule.cron, Date.now() / 1000) }, by)
  }

  change(id: number, change: Partial<ScheduleIn>): Promise<Schedule | undefined> {
    return this.#store.transaction(async (tx) => {
      const rows = new ScheduleRows(tx.db)
      const changed = await rows.change(id, change)
      if (!changed || (change.cron === undefined && change.enabled !== true)) return changed
      return rows.change(id, { next_run: nextRun(changed.cron, Date.now() / 1000) })
    })
  }

  remove(id: number): Promise<boolean> {
    return this.#rows.remove(id)
  }

  /** Begins a schedule's job now, out of turn. */
  runNow(schedule: Schedule, by: string): Promise<Job> {
    return this.#store.transaction((tx) => this.#begin(tx, schedule, by))
  }

  /**
   * Begins what is due. A schedule whose last job still waits or runs leaves out its turn.
   *
   * @param now seconds since the epoch
   */
  async run(now: number): Promise<void> {
    for (const schedule of await this.#rows.due(now)) {
      await this.#store.transaction(async (tx) => {
        const next = nextRun(schedule.cron, now)
        if (!(await new ScheduleRows(tx.db).advance(schedule, now, next))) return
        const last = schedule.last_job_id === null ? undefined : await this.#job(tx, schedule.last_job_id)
        if (last && !FINISHED.includes(last)) return
        await this.#begin(tx, schedule, `schedule ${schedule.name}`)
      })
    }
  }

  async #begin(tx: Repositories, { id, kind, params }: Schedule, by: string): Promise<Job> {
    const job = await new JobRows(this.#store).add(kind, kindNamed(kind).params.parse(params), by, tx)
    await new ScheduleRows(tx.db).began(id, job.id)
    return job
  }

  async #job({ db }: Repositories, id: number) {
    const row = await db.selectFrom('jobs').select('state').where('id', '=', id).executeTakeFirst()
    return row?.state
  }
}
