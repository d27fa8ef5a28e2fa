import { type Kysely, type Selectable, sql } from 'kysely'
import type { Database } from './database.ts'
import { inOrder } from './in-order.ts'
import type { EventsTable, Tables } from './tables.ts'

export type StoredEvent = Selectable<EventsTable>

/** Something that happened. */
export interface NewEvent {
  /** 'anomaly', 'incident', 'device', 'job', 'model', 'alert'. */
  readonly type: string
  readonly deviceId?: number | null
  /** JSON-able. */
  readonly data: unknown
}

/** Milliseconds between two looks at whether another connection has written. */
const LOOK = 100
/** Events handed over at a time. */
const MOST = 500

/** What happened, in the order of `seq`. */
export class Events {
  readonly #db: Kysely<Tables>
  readonly #database: Database

  constructor(db: Kysely<Tables>, database: Database) {
    this.#db = db
    this.#database = database
  }

  /**
   * Adds events; inside a transaction as its last statements, since on PostgreSQL writers of events follow one
   * another from here to their commit.
   */
  async append(events: readonly NewEvent[]): Promise<void> {
    if (events.length === 0) return
    const at = Date.now() / 1000
    const rows = events.map(({ type, deviceId, data }) => ({
      at,
      type,
      device_id: deviceId ?? null,
      data_json: JSON.stringify(data),
    }))
    await inOrder(this.#db, this.#database.dialect, 'events', async (db) => {
      for (let i = 0; i < rows.length; i += MOST) {
        await db
          .insertInto('events')
          .values(rows.slice(i, i + MOST))
          .execute()
      }
    })
  }

  /** Events behind `seq`, at most `limit`. */
  after(seq: number, limit = MOST): Promise<StoredEvent[]> {
    return this.#db
      .selectFrom('events')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(limit)
      .execute()
  }

  /** The number of the last event there is; 0 before the first. */
  async last(): Promise<number> {
    const row = await this.#db
      .selectFrom('events')
      .select('seq')
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.seq ?? 0
  }

  /** The number of the oldest event still there; a follower that is behind it has missed some. */
  async first(): Promise<number> {
    const row = await this.#db.selectFrom('events').select('seq').orderBy('seq').limit(1).executeTakeFirst()
    return row?.seq ?? 0
  }

  /**
   * Calls `onEvents` with events behind `seq` as they come, whoever writes them; one call at a time.
   *
   * @param onError told when the database cannot be read; the tail goes on
   * @returns ends it
   */
  tail(
    seq: number,
    onEvents: (events: readonly StoredEvent[]) => void | Promise<void>,
    onError: (error: unknown) => void = () => {},
  ): () => void {
    let stopped = false
    let at = seq
    let seen: number | undefined
    let timer: NodeJS.Timeout | undefined
    const look = async () => {
      try {
        const version = await this.#version()
        if (version === undefined || version !== seen) {
          for (;;) {
            const events = await this.after(at)
            if (events.length === 0 || stopped) break
            at = events.at(-1)!.seq
            await onEvents(events)
          }
          seen = version
        }
      } catch (error) {
        if (!stopped) onError(error)
      }
      if (!stopped) timer = setTimeout(look, LOOK)
    }
    void look()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }

  /** SQLite tells whether anything was committed since; asking PostgreSQL costs as much as looking. */
  async #version(): Promise<number | undefined> {
    if (this.#database.dialect !== 'sqlite') return undefined
    const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(this.#db)
    return rows[0]?.data_version
  }
}
