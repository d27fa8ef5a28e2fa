import type { Kysely, Selectable } from 'kysely'
import { type Page, pageOf, placeOf } from './cursor.ts'
import type { FlowsTable, Tables } from './tables.ts'

export type Flow = Selectable<FlowsTable>

export interface FlowFilter {
  readonly deviceId?: number | undefined
  /** Seconds since the epoch, included. */
  readonly from?: number | undefined
  /** Seconds since the epoch, excluded. */
  readonly to?: number | undefined
}

export class Flows {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** Flows in order of time, or the newest first. */
  async query(
    { deviceId, from, to }: FlowFilter,
    options: { limit?: number; cursor?: string | undefined; newestFirst?: boolean } = {},
  ): Promise<Page<Flow>> {
    const { limit = 1000, cursor, newestFirst = false } = options
    const order = newestFirst ? 'desc' : 'asc'
    let query = this.#db
      .selectFrom('flows')
      .selectAll()
      .orderBy('ts', order)
      .orderBy('id', order)
      .limit(limit + 1)
    if (deviceId !== undefined) query = query.where('device_id', '=', deviceId)
    if (from !== undefined) query = query.where('ts', '>=', from)
    if (to !== undefined) query = query.where('ts', '<', to)
    if (cursor !== undefined) {
      const [ts, id] = placeOf(cursor, 2) as [number, number]
      const [orEqual, beyond] = newestFirst ? (['<=', '<'] as const) : (['>=', '>'] as const)
      query = query
        .where('ts', orEqual, ts)
        .where((eb) => eb.or([eb('ts', beyond, ts), eb('id', beyond, id)]))
    }
    return pageOf(await query.execute(), limit, ({ ts, id }) => [ts, id])
  }
}
