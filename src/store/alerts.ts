import { type Kysely, type Selectable, sql } from 'kysely'
import { chunks } from './cursor.ts'
import type { AlertDeliveriesTable, AlertRulesTable, Tables } from './tables.ts'

export type StoredRule = Selectable<AlertRulesTable>
export type Delivery = Selectable<AlertDeliveriesTable>

export interface NewDelivery {
  readonly ruleId: number
  /** Null in a summary. */
  readonly incidentId: number | null
  /** Quiet: kept, counted, never sent. */
  readonly state: 'pending' | 'quiet'
  /** JSON-able. */
  readonly body: unknown
  /** Seconds since the epoch. */
  readonly created: number
}

/** Rules for alerts and what became of each alert. */
export class AlertRows {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** By id. */
  rules(): Promise<StoredRule[]> {
    return this.#db.selectFrom('alert_rules').selectAll().orderBy('id').execute()
  }

  rule(id: number): Promise<StoredRule | undefined> {
    return this.#db.selectFrom('alert_rules').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** @returns undefined when there is one of that name */
  add(rule: Omit<StoredRule, 'id' | 'created'>): Promise<StoredRule | undefined> {
    return this.#db
      .insertInto('alert_rules')
      .values({ ...rule, created: Date.now() / 1000 })
      .onConflict((c) => c.column('name').doNothing())
      .returningAll()
      .executeTakeFirst()
  }

  /** @returns it as it is then; undefined when there is none */
  change(id: number, rule: Partial<Omit<StoredRule, 'id' | 'created'>>): Promise<StoredRule | undefined> {
    return this.#db
      .updateTable('alert_rules')
      .set(rule)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
  }

  /** Removes a rule with its deliveries. */
  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('alert_rules')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0
  }

  /** Which of these incidents a rule has dealt with: told, or kept back. */
  async dealtWith(ruleId: number, incidentIds: readonly number[]): Promise<Map<number, 'told' | 'quiet'>> {
    const rows = await this.#db
      .selectFrom('alert_deliveries')
      .select(['incident_id', 'state'])
      .where('rule_id', '=', ruleId)
      .where('incident_id', 'in', incidentIds)
      .orderBy('id')
      .execute()
    // One that was kept back may have been told later.
    return new Map(rows.map(({ incident_id, state }) => [incident_id!, state === 'quiet' ? 'quiet' : 'told']))
  }

  /** What a rule kept back since its last summary and has not told meanwhile, at most the newest ten thousand. */
  async keptBack(ruleId: number): Promise<{ id: number; created: number }[]> {
    const { last } = await this.#db
      .selectFrom('alert_deliveries')
      .select(({ fn }) => fn.max('id').as('last'))
      .where('rule_id', '=', ruleId)
      .where('incident_id', 'is', null)
      .executeTakeFirstOrThrow()
    const rows = await this.#db
      .selectFrom('alert_deliveries')
      .select(['id', 'incident_id', 'state', 'created'])
      .where('rule_id', '=', ruleId)
      .where('id', '>', last ?? 0)
      .orderBy('id', 'desc')
      .limit(10_000)
      .execute()
    const told = new Set(rows.filter(({ state }) => state !== 'quiet').map((row) => row.incident_id))
    return rows.filter(({ state, incident_id }) => state === 'quiet' && !told.has(incident_id))
  }

  /** Deliveries by their numbers. */
  async some(ids: readonly number[]): Promise<Delivery[]> {
    const all: Delivery[] = []
    for (const some of chunks(ids)) {
      all.push(
        ...(await this.#db.selectFrom('alert_deliveries').selectAll().where('id', 'in', some).execute()),
      )
    }
    return all
  }

  /**
   * When a rule last told of an incident, and how many were kept back since it told anything; a summary is nothing to
   * pause after.
   */
  async recent(ruleId: number): Promise<{ last: number | undefined; heldBack: number }> {
    const told = this.#db
      .selectFrom('alert_deliveries')
      .select(['id', 'created'])
      .where('rule_id', '=', ruleId)
      .where('state', '!=', 'quiet')
      .orderBy('id', 'desc')
      .limit(1)
    const any = await told.executeTakeFirst()
    const last = await told.where('incident_id', 'is not', null).executeTakeFirst()
    const { n } = await this.#db
      .selectFrom('alert_deliveries')
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .where('rule_id', '=', ruleId)
      .where('id', '>', any?.id ?? 0)
      .executeTakeFirstOrThrow()
    return { last: last?.created, heldBack: n }
  }

  async deliver({ ruleId, incidentId, state, body, created }: NewDelivery): Promise<void> {
    await this.#db
      .insertInto('alert_deliveries')
      .values({
        rule_id: ruleId,
        incident_id: incidentId,
        anomaly_id: null,
        state,
        attempts: 0,
        next_at: state === 'pending' ? Date.now() / 1000 : null,
        last_error: null,
        body_json: JSON.stringify(body),
        created,
        delivered: null,
      })
      .execute()
  }

  /**
   * Takes a delivery that is due, so that nobody else does before `until`.
   *
   * @param until seconds since the epoch: should this process die, it is due again then
   */
  async take(until: number): Promise<Delivery | undefined> {
    const now = Date.now() / 1000
    // A look first: whoever asks every second must not take the database's one lock for nothing.
    const any = await this.#db
      .selectFrom('alert_deliveries')
      .select('id')
      .where('state', '=', 'pending')
      .where('next_at', '<=', now)
      .limit(1)
      .executeTakeFirst()
    if (!any) return undefined
    const due = sql<number>`(select id from alert_deliveries where state = 'pending' and next_at <= ${now}
      order by next_at limit 1)`
    return (
      this.#db
        .updateTable('alert_deliveries')
        .set((eb) => ({ next_at: until, attempts: eb('attempts', '+', 1) }))
        .where('id', '=', due)
        // Asked again once the row is locked: another process may have had the same idea.
        .where('state', '=', 'pending')
        .where('next_at', '<=', now)
        .returningAll()
        .executeTakeFirst()
    )
  }

  async delivered(id: number): Promise<void> {
    await this.#set(id, { state: 'delivered', delivered: Date.now() / 1000, next_at: null, last_error: null })
  }

  /** @param nextAt undefined = it is given up */
  async failed(id: number, error: string, nextAt: number | undefined): Promise<void> {
    await this.#set(id, {
      state: nextAt === undefined ? 'failed' : 'pending',
      next_at: nextAt ?? null,
      last_error: error.slice(0, 500),
    })
  }

  /** Newest first. */
  deliveries(ruleId: number, limit: number, before?: number): Promise<Delivery[]> {
    let query = this.#db
      .selectFrom('alert_deliveries')
      .selectAll()
      .where('rule_id', '=', ruleId)
      .orderBy('id', 'desc')
      .limit(limit)
    if (before !== undefined) query = query.where('id', '<', before)
    return query.execute()
  }

  async #set(id: number, change: Partial<Delivery>): Promise<void> {
    await this.#db.updateTable('alert_deliveries').set(change).where('id', '=', id).execute()
  }
}
