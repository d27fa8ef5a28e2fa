import { type ExpressionBuilder, type Selectable, sql, type UpdateObject } from 'kysely'
import type { Repositories, Store } from './store.ts'
import type { JobState, JobsTable, Tables } from './tables.ts'

/** A job as its row, JSON read. */
export interface Job {
  readonly id: number
  readonly kind: string
  readonly state: JobState
  /** 0–1; null while unknown. */
  readonly progress: number | null
  readonly message: string
  readonly params: unknown
  /** What a job that is done says of itself. */
  readonly result: unknown
  readonly error: JobError | null
  readonly created_by: string
  /** Seconds since the epoch, as the other times. */
  readonly created: number
  readonly started: number | null
  readonly finished: number | null
  readonly owner: string | null
  readonly cancel_requested: boolean
  /** How often it was begun: more than once where the process that ran it died. */
  readonly attempts: number
}

/** Why a job failed: the error's name and its message, which says what to do. */
export interface JobError {
  readonly type: string
  readonly message: string
}

export interface JobFilter {
  readonly kind?: string | undefined
  readonly state?: JobState | undefined
  /** Only jobs older than this one. */
  readonly before?: number | undefined
}

/** States in which nothing happens any more. */
export const FINISHED: readonly JobState[] = ['done', 'failed', 'cancelled']

/** A job was given to another process meanwhile, or is finished: whatever this one has to say comes too late. */
export class JobLost extends Error {
  override readonly name = 'JobLost'

  constructor(id: number) {
    super(`job ${id} is no longer this process's own`)
  }
}

/**
 * The queue of jobs. A running job belongs to the process in `owner` as long as its heartbeat is young; every later
 * write of that process asks whether it still does, so that a job has one outcome whoever was thought dead.
 */
export class JobRows {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Puts a job in the queue; in `tx` where it belongs to something else that happens.
   *
   * @param place where the files are that it needs; null = it may be run anywhere
   */
  async add(
    kind: string,
    params: unknown,
    by: string,
    tx?: Repositories,
    place: string | null = null,
  ): Promise<Job> {
    const write = async (inside: Repositories) => {
      const row = await inside.db
        .insertInto('jobs')
        .values({
          kind,
          state: 'queued',
          progress: null,
          message: '',
          params_json: JSON.stringify(params),
          result_json: null,
          error_json: null,
          created_by: by,
          created: now(),
          started: null,
          finished: null,
          owner: null,
          heartbeat: null,
          place,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return told(inside, row)
    }
    return tx ? write(tx) : this.#store.transaction(write)
  }

  async get(id: number): Promise<Job | undefined> {
    const row = await this.#store.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
    return row && jobOf(row)
  }

  /** Newest first. */
  async list({ kind, state, before }: JobFilter, limit: number): Promise<Job[]> {
    let query = this.#store.db.selectFrom('jobs').selectAll().orderBy('id', 'desc').limit(limit)
    if (kind !== undefined) query = query.where('kind', '=', kind)
    if (state !== undefined) query = query.where('state', '=', state)
    if (before !== undefined) query = query.where('id', '<', before)
    return (await query.execute()).map(jobOf)
  }

  /** How many wait or run. */
  async pending(): Promise<number> {
    const { n } = await this.#store.db
      .selectFrom('jobs')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('state', 'in', ['queued', 'running'])
      .executeTakeFirstOrThrow()
    return n
  }

  /**
   * Takes the oldest job of these kinds that waits, or that runs in a process not heard of since `stale`.
   *
   * @param place whose files are at hand
   * @returns the job as it is now, running and owned, or undefined when there is none
   */
  async claim(
    owner: string,
    kinds: readonly string[],
    stale: number,
    place: string | null = null,
  ): Promise<Job | undefined> {
    // A look first: whoever asks every second must not take the database's one lock for nothing.
    const any = await this.#store.db
      .selectFrom('jobs')
      .select('id')
      .where('kind', 'in', kinds)
      .where((eb) => eb.or([eb('place', 'is', null), eb('place', '=', place)]))
      .where((eb) =>
        eb.or([
          eb('state', '=', 'queued'),
          eb.and([eb('state', '=', 'running'), eb('heartbeat', '<', stale)]),
        ]),
      )
      .limit(1)
      .executeTakeFirst()
    if (!any) return undefined
    return this.#store.transaction(async (tx) => {
      const free = sql<number>`(select id from jobs where kind in (${sql.join(kinds)})
        and (place is null or place = ${place}) and (state = 'queued'
        or (state = 'running' and heartbeat < ${stale})) order by id limit 1
        ${this.#store.database.dialect === 'postgres' ? sql`for update skip locked` : sql``})`
      const row = await tx.db
        .updateTable('jobs')
        .set((eb) => ({
          state: 'running',
          owner,
          heartbeat: now(),
          started: now(),
          progress: null,
          message: '',
          attempts: eb('attempts', '+', 1),
        }))
        .where('id', '=', free)
        .returningAll()
        .executeTakeFirst()
      return row && told(tx, row)
    })
  }

  /** Owners of jobs that are said to run. */
  async owners(): Promise<string[]> {
    const rows = await this.#store.db
      .selectFrom('jobs')
      .select('owner')
      .distinct()
      .where('state', '=', 'running')
      .execute()
    return rows.flatMap(({ owner }) => owner ?? [])
  }

  /** Gives back the jobs of a process that is known to be dead. */
  async disown(owner: string): Promise<void> {
    await this.#store.db
      .updateTable('jobs')
      .set({ heartbeat: 0 })
      .where('owner', '=', owner)
      .where('state', '=', 'running')
      .execute()
  }

  /**
   * Says that a job goes on, and how far it is.
   *
   * @param tell whether there is progress that others should hear of
   * @returns whether it shall be cancelled
   * @throws JobLost
   */
  beat(
    id: number,
    owner: string,
    progress: { progress: number | null; message: string },
    tell: boolean,
  ): Promise<boolean> {
    return this.#store.transaction(async (tx) => {
      const row = await own(tx, id, owner, () => ({ heartbeat: now(), ...progress }))
      if (tell) await told(tx, row)
      return row.cancel_requested === 1
    })
  }

  /**
   * Ends a job as done: its last writes and its state are one transaction, which happens once.
   *
   * @param save what is left to write; gives the result
   * @throws JobLost
   */
  done(id: number, owner: string, save: (tx: Repositories) => Promise<unknown>): Promise<void> {
    return this.#store.transaction(async (tx) => {
      // The row is written first: it is then locked, and SQLite has its one writer before anything is read.
      await own(tx, id, owner, () => ({ ...ended('done'), progress: 1, message: '' }))
      const result = await save(tx)
      const row = await tx.db
        .updateTable('jobs')
        .set({ result_json: JSON.stringify(result) })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()
      await told(tx, row)
    })
  }

  /** @throws JobLost */
  fail(id: number, owner: string, error: JobError): Promise<void> {
    return this.#store.transaction(async (tx) => {
      const error_json = JSON.stringify(error)
      await told(tx, await own(tx, id, owner, () => ({ ...ended('failed'), error_json })))
    })
  }

  /** @throws JobLost */
  cancelled(id: number, owner: string): Promise<void> {
    return this.#store.transaction(async (tx) => {
      await told(tx, await own(tx, id, owner, () => ended('cancelled')))
    })
  }

  /** Puts a job that was begun back in the queue, as if it never had been. @throws JobLost */
  release(id: number, owner: string): Promise<void> {
    return this.#store.transaction(async (tx) => {
      const row = await own(tx, id, owner, (eb) => ({
        state: 'queued' as const,
        owner: null,
        heartbeat: null,
        started: null,
        progress: null,
        message: '',
        attempts: eb('attempts', '-', 1),
      }))
      await told(tx, row)
    })
  }

  /**
   * Cancels a job that waits, asks the process of one that runs to cancel it, leaves one that is finished.
   *
   * @returns the job as it is now, undefined when there is none
   */
  requestCancel(id: number): Promise<Job | undefined> {
    return this.#store.transaction(async (tx) => {
      const row = await tx.db
        .updateTable('jobs')
        .set((eb) => ({
          cancel_requested: 1,
          state: sql<JobState>`case when state = 'queued' then 'cancelled' else state end`,
          finished: eb.case().when('state', '=', 'queued').then(now()).else(eb.ref('finished')).end(),
        }))
        .where('id', '=', id)
        .where('state', 'in', ['queued', 'running'])
        .returningAll()
        .executeTakeFirst()
      if (row) return told(tx, row)
      const finished = await tx.db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
      return finished && jobOf(finished)
    })
  }
}

/** Changes a job that is still this owner's own. @throws JobLost */
async function own(
  tx: Repositories,
  id: number,
  owner: string,
  change: (eb: ExpressionBuilder<Tables, 'jobs'>) => UpdateObject<Tables, 'jobs'>,
): Promise<Selectable<JobsTable>> {
  const row = await tx.db
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('owner', '=', owner)
    .where('state', '=', 'running')
    .returningAll()
    .executeTakeFirst()
  if (!row) throw new JobLost(id)
  return row
}

function ended(state: JobState) {
  return { state, finished: now(), owner: null, heartbeat: null }
}

/** Writes the event that goes with a job's new state. */
async function told(tx: Repositories, row: Selectable<JobsTable>): Promise<Job> {
  const { id, kind, state, progress, message } = row
  await tx.events.append([{ type: 'job', data: { id, kind, state, progress, message } }])
  return jobOf(row)
}

function jobOf(row: Selectable<JobsTable>): Job {
  const { params_json, result_json, error_json, heartbeat: _, place: __, cancel_requested, ...rest } = row
  return {
    ...rest,
    params: JSON.parse(params_json),
    result: result_json === null ? null : JSON.parse(result_json),
    error: error_json === null ? null : JSON.parse(error_json),
    cancel_requested: cancel_requested === 1,
  }
}

function now(): number {
  return Date.now() / 1000
}
