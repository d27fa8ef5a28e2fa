import type { Kysely, Selectable } from 'kysely'
import type { Incident } from '../schema/incident.ts'
import { chunks, type Page } from './cursor.ts'
import { newestFirst } from './newest-first.ts'
import type { IncidentsTable, Tables } from './tables.ts'

export type StoredIncident = Selectable<IncidentsTable>

/** An incident to be kept: a new one, or a known one as it has become. */
export interface NewIncident {
  /** Origin and the incident's number there. */
  readonly uid: string
  readonly origin: string
  readonly incident: Incident
}

export interface IncidentFilter {
  /** Still going on at this time, seconds since the epoch, or later. */
  readonly from?: number | undefined
  /** Begun before this time. */
  readonly to?: number | undefined
  readonly kind?: IncidentsTable['kind'] | undefined
  readonly types?: readonly string[] | undefined
  readonly minConfidence?: number | undefined
  readonly state?: IncidentsTable['state'] | undefined
  readonly origin?: string | undefined
}

export class Incidents {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** Keeps new ones and replaces known ones, their acknowledgement apart; returns the number of each uid. */
  async upsert(rows: readonly NewIncident[]): Promise<Map<string, number>> {
    const ids = new Map<string, number>()
    const updated = Date.now() / 1000
    for (const some of chunks(rows, 100)) {
      const stored = await this.#db
        .insertInto('incidents')
        .values(some.map((row) => ({ ...columns(row), state: 'open' as const, updated })))
        .onConflict((c) =>
          c.column('uid').doUpdateSet((eb) => ({
            type: eb.ref('excluded.type'),
            technique: eb.ref('excluded.technique'),
            first: eb.ref('excluded.first'),
            last: eb.ref('excluded.last'),
            count: eb.ref('excluded.count'),
            confidence: eb.ref('excluded.confidence'),
            evidence: eb.ref('excluded.evidence'),
            description: eb.ref('excluded.description'),
            detail_json: eb.ref('excluded.detail_json'),
            updated: eb.ref('excluded.updated'),
          })),
        )
        .returning(['id', 'uid'])
        .execute()
      for (const { id, uid } of stored) ids.set(uid, id)
    }
    return ids
  }

  /** Latest first; those without a time last. */
  list(filter: IncidentFilter = {}, limit = 100, cursor?: string): Promise<Page<StoredIncident>> {
    const { from, to, kind, types, minConfidence, state, origin } = filter
    let query = this.#db.selectFrom('incidents').selectAll().orderBy('last', 'desc').orderBy('id', 'desc')
    if (from !== undefined) query = query.where('last', '>=', from)
    if (to !== undefined) query = query.where('first', '<', to)
    if (kind) query = query.where('kind', '=', kind)
    if (types) query = query.where('type', 'in', types)
    if (minConfidence !== undefined) query = query.where('confidence', '>=', minConfidence)
    if (state) query = query.where('state', '=', state)
    if (origin !== undefined) query = query.where('origin', '=', origin)
    return newestFirst(
      'last',
      (where, n) => query.where(where).limit(n).execute(),
      (row) => row.last,
      limit,
      cursor,
    )
  }

  get(id: number): Promise<StoredIncident | undefined> {
    return this.#db.selectFrom('incidents').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** Also acknowledges its anomalies. @returns it as it is then; undefined when there is none */
  async setState(id: number, state: IncidentsTable['state']): Promise<StoredIncident | undefined> {
    const incident = await this.#db
      .updateTable('incidents')
      .set({ state })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
    if (incident) {
      await this.#db.updateTable('anomalies').set({ state }).where('incident_id', '=', id).execute()
    }
    return incident
  }

  acknowledge(id: number): Promise<StoredIncident | undefined> {
    return this.setState(id, 'acknowledged')
  }
}

function columns({ uid, origin, incident }: NewIncident) {
  return {
    uid,
    origin,
    kind: incident.kind,
    type: incident.type,
    technique: incident.technique?.id ?? null,
    first: Number.isNaN(incident.first) ? null : incident.first,
    last: Number.isNaN(incident.last) ? null : incident.last,
    count: incident.count,
    confidence: incident.confidence,
    evidence: incident.evidence,
    description: incident.description,
    detail_json: JSON.stringify(incident),
  }
}
