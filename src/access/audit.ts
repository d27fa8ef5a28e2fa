import type { Kysely } from 'kysely'
import type { Tables } from '../store/tables.ts'

/** Something that somebody did or tried. */
export interface AuditEntry {
  /** Seconds since the epoch. */
  readonly at: number
  /** Name of the caller. */
  readonly actor: string
  /** Method and route, as `PATCH /api/v1/devices/:id`. */
  readonly action: string
  /** The path as it was asked for. */
  readonly target: string
  /** Where it came from. */
  readonly address: string
  /** What it was answered. */
  readonly status: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** Seconds that entries are kept: a year and a month, so that last year's can still be looked at. */
const KEPT = 400 * 86_400

/** Who did what, when. Entries are never changed; old ones go. */
export class Audit {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async add(entry: Omit<AuditEntry, 'at' | 'detail'> & { detail?: AuditEntry['detail'] }): Promise<void> {
    const { detail = {}, ...row } = entry
    await this.#db
      .insertInto('audit')
      .values({ ...row, at: Date.now() / 1000, detail_json: JSON.stringify(detail) })
      .execute()
  }

  /**
   * Newest first.
   *
   * @param before only entries with a smaller id: the last one of the page before
   */
  async list(
    limit: number,
    { actor, before }: { actor?: string | undefined; before?: number | undefined } = {},
  ): Promise<(AuditEntry & { id: number })[]> {
    let query = this.#db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
    if (actor !== undefined) query = query.where('actor', '=', actor)
    if (before !== undefined) query = query.where('id', '<', before)
    const rows = await query.execute()
    return rows.map(({ detail_json, ...row }) => ({ ...row, detail: JSON.parse(detail_json) }))
  }

  async trim(): Promise<void> {
    await this.#db
      .deleteFrom('audit')
      .where('at', '<', Date.now() / 1000 - KEPT)
      .execute()
  }
}
