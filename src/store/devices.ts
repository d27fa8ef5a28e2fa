import { type Kysely, type Selectable, sql } from 'kysely'
import { chunks, type Page, pageOf, placeOf } from './cursor.ts'
import type { DevicesTable, Tables } from './tables.ts'

export type Device = Selectable<DevicesTable>

/** In place of the number of records left: no model knows such devices, they are judged when the service has learned them. */
export const LEARNING = -1

export interface DeviceFilter {
  /** Part of the name, the label, or the host name, whatever its case. */
  readonly search?: string
  readonly type?: string
}

/** What was seen of a device: added to what is known. */
export interface Seen {
  readonly id: number
  /** Times of the first and last of these records, seconds since the epoch. */
  readonly first: number
  readonly last: number
  /** How many of each. */
  readonly readings?: number
  readonly flows?: number
}

export class Devices {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /** The device with this number or name; a name that is a number stands for the name first. */
  async find(idOrName: number | string): Promise<Device | undefined> {
    const all = this.#db.selectFrom('devices').select('id')
    const named = await all.where('name', '=', String(idOrName)).executeTakeFirst()
    const id = Number(idOrName)
    const byName = (named && typeof idOrName === 'string') || !Number.isSafeInteger(id) || id < 0
    const found = byName ? named : ((await all.where('id', '=', id).executeTakeFirst()) ?? named)
    return found && (await this.#withRecent([found.id]))[0]
  }

  /**
   * The devices with what came in so lately that their own rows do not count it yet: one statement, so that what is
   * being moved is counted once.
   */
  async #withRecent(ids: readonly number[]): Promise<Device[]> {
    if (ids.length === 0) return []
    const rows = await this.#db
      .selectFrom('devices')
      .leftJoin(
        (eb) =>
          eb
            .selectFrom('recent_readings')
            .select((e) => [
              'device_id',
              e.fn.min('ts').as('first'),
              e.fn.max('ts').as('last'),
              e.fn.countAll<number>().as('n'),
            ])
            .where('device_id', 'in', ids)
            .groupBy('device_id')
            .as('recent'),
        (join) => join.onRef('recent.device_id', '=', 'devices.id'),
      )
      .selectAll('devices')
      .select(['first', 'last', 'n'])
      .where('id', 'in', ids)
      .orderBy('id')
      .execute()
    return rows.map(({ first, last, n, ...row }) =>
      first === null || last === null
        ? row
        : {
            ...row,
            first_seen: Math.min(row.first_seen ?? first, first),
            last_seen: Math.max(row.last_seen ?? last, last),
            readings: row.readings + Number(n),
          },
    )
  }

  /** By id. */
  async list(filter: DeviceFilter = {}, limit = 100, cursor?: string): Promise<Page<Device>> {
    let query = this.#db
      .selectFrom('devices')
      .select('id')
      .orderBy('id')
      .limit(limit + 1)
    if (cursor !== undefined) query = query.where('id', '>', Number(placeOf(cursor, 1)[0]))
    if (filter.type !== undefined) query = query.where('type', '=', filter.type)
    if (filter.search !== undefined) {
      const like = `%${filter.search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`
      const columns = ['name', 'label', 'host_name'] as const
      query = query.where((eb) =>
        eb.or(columns.map((c) => sql<boolean>`lower(${eb.ref(c)}) like ${like} escape '\\'`)),
      )
    }
    const ids = (await query.execute()).map(({ id }) => id)
    return pageOf(await this.#withRecent(ids), limit, ({ id }) => [id])
  }

  /** Every device. */
  async all(): Promise<Device[]> {
    const all: Device[] = []
    let cursor: string | undefined
    do {
      const { items, next } = await this.list({}, 1000, cursor)
      all.push(...items)
      cursor = next ?? undefined
    } while (cursor !== undefined)
    return all
  }

  /** Names of those that no model knows, see {@link LEARNING}. */
  async learning(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('devices')
      .select('name')
      .where('learning', '=', LEARNING)
      .execute()
    return rows.map(({ name }) => name)
  }

  async count(): Promise<number> {
    const { n } = await this.#db
      .selectFrom('devices')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    return Number(n)
  }

  /** The number of each name; devices not known yet are made. */
  async ensure(names: Iterable<string>): Promise<Map<string, number>> {
    const wanted = [...new Set(names)]
    const ids = new Map<string, number>()
    const created = Date.now() / 1000
    for (const some of chunks(wanted)) {
      await this.#lookUp(some, ids)
      const missing = some.filter((name) => !ids.has(name))
      if (missing.length === 0) continue
      await this.#db
        .insertInto('devices')
        .values(missing.map((name) => ({ ...UNSEEN, name, created })))
        .onConflict((c) => c.column('name').doNothing())
        .execute()
      await this.#lookUp(missing, ids)
    }
    return ids
  }

  async #lookUp(names: readonly string[], ids: Map<string, number>): Promise<void> {
    const rows = await this.#db
      .selectFrom('devices')
      .select(['id', 'name'])
      .where('name', 'in', names)
      .execute()
    for (const { id, name } of rows) ids.set(name, id)
  }

  /** The names of these numbers. */
  async names(ids: Iterable<number>): Promise<Map<number, string>> {
    const names = new Map<number, string>()
    for (const some of chunks([...new Set(ids)])) {
      const rows = await this.#db
        .selectFrom('devices')
        .select(['id', 'name'])
        .where('id', 'in', some)
        .execute()
      for (const { id, name } of rows) names.set(id, name)
    }
    return names
  }

  /** Sets what people say about a device; undefined fields stay. Returns it as it is then. */
  async update(
    id: number,
    change: { label?: string | null; type?: string | null },
  ): Promise<Device | undefined> {
    const set = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    if (Object.keys(set).length > 0) {
      await this.#db.updateTable('devices').set(set).where('id', '=', id).execute()
    }
    return this.find(id)
  }

  /** Widens first and last seen and adds to the counts. */
  async seen(rows: readonly Seen[]): Promise<void> {
    // In one order, so that two writers never wait for each other's rows.
    for (const row of [...rows].sort((a, b) => a.id - b.id)) {
      await this.#db
        .updateTable('devices')
        .set((eb) => ({
          first_seen: eb
            .case()
            .when('first_seen', '<=', row.first)
            .then(eb.ref('first_seen'))
            .else(row.first)
            .end(),
          last_seen: eb
            .case()
            .when('last_seen', '>=', row.last)
            .then(eb.ref('last_seen'))
            .else(row.last)
            .end(),
          readings: eb('readings', '+', row.readings ?? 0),
          flows: eb('flows', '+', row.flows ?? 0),
        }))
        .where('id', '=', row.id)
        .execute()
    }
  }

  /** What scoring learned about a device: records left to learn (0 = known) and its host name. */
  async learned(
    rows: readonly { id: number; learning: number; hostName?: string | undefined }[],
  ): Promise<void> {
    for (const { id, learning, hostName } of [...rows].sort((a, b) => a.id - b.id)) {
      await this.#db
        .updateTable('devices')
        .set({ learning, ...(hostName === undefined ? {} : { host_name: hostName }) })
        .where('id', '=', id)
        .execute()
    }
  }
}

/** A device nobody has seen or said anything about. */
const UNSEEN = {
  label: null,
  host_name: null,
  type: null,
  first_seen: null,
  last_seen: null,
  learning: null,
}
