import type { Kysely, Selectable } from 'kysely'
import type { Anomaly } from '../schema/anomaly.ts'
import { chunks, type Page } from './cursor.ts'
import { newestFirst } from './newest-first.ts'
import type { AnomaliesTable, AnomalyCommentsTable, Tables } from './tables.ts'

export type StoredAnomaly = Selectable<AnomaliesTable>
export type AnomalyComment = Selectable<AnomalyCommentsTable>

/** An anomaly to be kept. */
export interface NewAnomaly {
  /** Where it came from and which record; one that is there already stays as it is. */
  readonly uid: string
  readonly deviceId: number
  readonly incidentId: number | null
  /** `live`, `job:7`, `cli:…`. */
  readonly origin: string
  readonly anomaly: Anomaly
}

export interface AnomalyFilter {
  readonly deviceIds?: readonly number[] | undefined
  /** Seconds since the epoch, included. */
  readonly from?: number | undefined
  /** Seconds since the epoch, excluded. */
  readonly to?: number | undefined
  readonly types?: readonly string[] | undefined
  readonly minConfidence?: number | undefined
  readonly state?: AnomaliesTable['state'] | undefined
  /** `null`: none given. */
  readonly feedback?: AnomaliesTable['feedback'] | undefined
  readonly incidentId?: number | undefined
  readonly origin?: string | undefined
}

export class Anomalies {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** Keeps those that are new; returns their numbers and uids. */
  async insert(rows: readonly NewAnomaly[]): Promise<{ id: number; uid: string }[]> {
    const created = Date.now() / 1000
    const added: { id: number; uid: string }[] = []
    for (const some of chunks(rows, 200)) {
      const values = some.map(({ uid, deviceId, incidentId, origin, anomaly }) => ({
        uid,
        device_id: deviceId,
        ts: Number.isNaN(anomaly.timestamp) ? null : anomaly.timestamp,
        type: anomaly.type,
        confidence: anomaly.confidence,
        p_value: anomaly.p_value,
        incident_id: incidentId,
        state: 'open' as const,
        feedback: null,
        origin,
        description: anomaly.description,
        detail_json: JSON.stringify(anomaly),
        created,
      }))
      const inserted = await this.#db
        .insertInto('anomalies')
        .values(values)
        .onConflict((c) => c.column('uid').doNothing())
        .returning(['id', 'uid'])
        .execute()
      added.push(...inserted)
    }
    return added
  }

  /** Newest first; those without a time last. */
  list(filter: AnomalyFilter = {}, limit = 100, cursor?: string): Promise<Page<StoredAnomaly>> {
    const { deviceIds, from, to, types, minConfidence, state, feedback, incidentId, origin } = filter
    let query = this.#db.selectFrom('anomalies').selectAll().orderBy('ts', 'desc').orderBy('id', 'desc')
    if (deviceIds?.length === 1) query = query.where('device_id', '=', deviceIds[0]!)
    else if (deviceIds) query = query.where('device_id', 'in', deviceIds)
    if (from !== undefined) query = query.where('ts', '>=', from)
    if (to !== undefined) query = query.where('ts', '<', to)
    if (types) query = query.where('type', 'in', types)
    if (minConfidence !== undefined) query = query.where('confidence', '>=', minConfidence)
    if (state) query = query.where('state', '=', state)
    if (feedback !== undefined) {
      query = feedback === null ? query.where('feedback', 'is', null) : query.where('feedback', '=', feedback)
    }
    if (incidentId !== undefined) query = query.where('incident_id', '=', incidentId)
    if (origin !== undefined) query = query.where('origin', '=', origin)
    return newestFirst(
      'ts',
      (where, n) => query.where(where).limit(n).execute(),
      (row) => row.ts,
      limit,
      cursor,
    )
  }

  get(id: number): Promise<StoredAnomaly | undefined> {
    return this.#db.selectFrom('anomalies').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** @returns it as it is then; undefined when there is none */
  setState(id: number, state: AnomaliesTable['state']): Promise<StoredAnomaly | undefined> {
    return this.#set(id, { state })
  }

  acknowledge(id: number): Promise<StoredAnomaly | undefined> {
    return this.setState(id, 'acknowledged')
  }

  setFeedback(id: number, feedback: AnomaliesTable['feedback']): Promise<StoredAnomaly | undefined> {
    return this.#set(id, { feedback })
  }

  #set(id: number, change: Partial<StoredAnomaly>): Promise<StoredAnomaly | undefined> {
    return this.#db
      .updateTable('anomalies')
      .set(change)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
  }

  /** Adds a comment; undefined when there is no such anomaly. */
  async comment(id: number, author: string, text: string): Promise<AnomalyComment | undefined> {
    if (!(await this.get(id))) return undefined
    return this.#db
      .insertInto('anomaly_comments')
      .values({ anomaly_id: id, author, text, created: Date.now() / 1000 })
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  /** Oldest first. */
  comments(id: number): Promise<AnomalyComment[]> {
    return this.#db
      .selectFrom('anomaly_comments')
      .selectAll()
      .where('anomaly_id', '=', id)
      .orderBy('id')
      .execute()
  }
}
