import type { Kysely, Selectable } from 'kysely'
import type { SchedulesTable, Tables } from './tables.ts'

type Row = Selectable<SchedulesTable>

/** A job that is begun again and again. */
export interface Schedule extends Omit<Row, 'params_json' | 'enabled'> {
  readonly params: unknown
  readonly enabled: boolean
}

export type ScheduleChange = Partial<
  Pick<Schedule, 'name' | 'kind' | 'cron' | 'params' | 'enabled' | 'next_run'>
>

export class ScheduleRows {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** By id. */
  async list(): Promise<Schedule[]> {
    return (await this.#db.selectFrom('schedules').selectAll().orderBy('id').execute()).map(scheduleOf)
  }

  async get(id: number): Promise<Schedule | undefined> {
    const row = await this.#db.selectFrom('schedules').selectAll().where('id', '=', id).executeTakeFirst()
    return row && scheduleOf(row)
  }

  /** @returns undefined when there is one of that name */
  async add(schedule: Required<ScheduleChange>, by: string): Promise<Schedule | undefined> {
    const { params, enabled, ...rest } = schedule
    const row = await this.#db
      .insertInto('schedules')
      .values({
        ...rest,
        params_json: JSON.stringify(params),
        enabled: enabled ? 1 : 0,
        created_by: by,
        created: Date.now() / 1000,
        last_run: null,
        last_job_id: null,
      })
      .onConflict((c) => c.column('name').doNothing())
      .returningAll()
      .executeTakeFirst()
    return row && scheduleOf(row)
  }

  async change(id: number, change: ScheduleChange): Promise<Schedule | undefined> {
    const { params, enabled, ...rest } = change
    const set = {
      ...rest,
      ...(params === undefined ? {} : { params_json: JSON.stringify(params) }),
      ...(enabled === undefined ? {} : { enabled: enabled ? 1 : 0 }),
    }
    // Nothing to change is no statement.
    if (Object.keys(set).length === 0) return this.get(id)
    const row = await this.#db
      .updateTable('schedules')
      .set(set)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
    return row && scheduleOf(row)
  }

  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('schedules')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0
  }

  /** Those whose time has come. */
  async due(now: number): Promise<Schedule[]> {
    const rows = await this.#db
      .selectFrom('schedules')
      .selectAll()
      .where('enabled', '=', 1)
      .where('next_run', '<=', now)
      .orderBy('next_run')
      .execute()
    return rows.map(scheduleOf)
  }

  /**
   * Notes that a schedule runs now.
   *
   * @returns false when another process was first, or it was changed meanwhile
   */
  async advance({ id, next_run }: Schedule, now: number, next: number | null): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('schedules')
      .set({ last_run: now, next_run: next })
      .where('id', '=', id)
      .where('enabled', '=', 1)
      .where('next_run', '=', next_run)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0
  }

  async began(id: number, jobId: number): Promise<void> {
    await this.#db.updateTable('schedules').set({ last_job_id: jobId }).where('id', '=', id).execute()
  }
}

function scheduleOf({ params_json, enabled, ...row }: Row): Schedule {
  return { ...row, params: JSON.parse(params_json), enabled: enabled === 1 }
}
