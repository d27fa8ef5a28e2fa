import { type Kysely, sql } from 'kysely'
import { type Page, pageOf, placeOf } from './cursor.ts'
import type { Database } from './database.ts'
import { type PackedValues, plotOf, type Series } from './reading-plot.ts'
import { fromBoth, type ReadingTable } from './recent.ts'
import { Shapes } from './shapes.ts'
import type { Tables } from './tables.ts'

export interface Reading {
  readonly deviceId: number
  /** Seconds since the epoch. */
  readonly ts: number
  /** NaN where the reading had no value. */
  readonly metrics: Readonly<Record<string, number>>
}

export interface ReadingFilter {
  readonly deviceId: number
  /** Seconds since the epoch, included. */
  readonly from?: number | undefined
  /** Seconds since the epoch, excluded. */
  readonly to?: number | undefined
  /** All metrics when left out. */
  readonly metrics?: readonly string[] | undefined
}

/** What to plot. */
export interface PlotFilter extends ReadingFilter {
  readonly from: number
  readonly to: number
}

/** A row as it is stored. */
export interface RawReading {
  readonly ts: number
  readonly shape_id: number
  /** The values in hexadecimal: as bytes each row would be an object of its own outside of JavaScript's memory. */
  readonly hex: string
}

export class Readings {
  readonly #db: Kysely<Tables>
  readonly #dialect: Database['dialect']
  readonly #shapes: Shapes

  constructor(db: Kysely<Tables>, dialect: Database['dialect'], known: Map<number, readonly string[]>) {
    this.#db = db
    this.#dialect = dialect
    this.#shapes = new Shapes(db, known)
  }

  /** Readings of a device in order of time, or the newest first. */
  async query(
    filter: ReadingFilter,
    options: { limit?: number; cursor?: string | undefined; newestFirst?: boolean } = {},
  ): Promise<Page<Reading>> {
    const { limit = 1000, cursor, newestFirst = false } = options
    const order = newestFirst ? 'desc' : 'asc'
    const place = cursor === undefined ? undefined : (placeOf(cursor, 2) as [number, number])
    const part = (table: ReadingTable) => {
      let query = this.#rows(table, filter)
        .orderBy('ts', order)
        .orderBy('shape_id', order)
        .limit(limit + 1)
      if (place) {
        const [ts, shape] = place
        const [orEqual, beyond] = newestFirst ? (['<=', '<'] as const) : (['>=', '>'] as const)
        query = query
          .where('ts', orEqual, ts)
          .where((eb) => eb.or([eb('ts', beyond, ts), eb('shape_id', beyond, shape)]))
      }
      return query.execute()
    }
    const rows = await fromBoth(part)
    const sign = newestFirst ? -1 : 1
    rows.sort((a, b) => sign * (a.ts - b.ts || a.shape_id - b.shape_id))
    if (rows.length > limit + 1) rows.length = limit + 1
    const page = pageOf(rows, limit, (row) => [row.ts, row.shape_id])
    const shapes = await this.#shapes.metrics(new Set(page.items.map((row) => row.shape_id)))
    const packed = pack(page.items)
    // Let go of before as many objects again are made: collecting garbage costs by what is alive.
    rows.length = 0
    const all = readings(filter, packed, shapes)
    const items = filter.metrics ? all.filter((r) => Object.keys(r.metrics).length > 0) : all
    return { items, next: page.next }
  }

  /** The newest reading of a device. */
  async last(deviceId: number): Promise<Reading | undefined> {
    return (await this.query({ deviceId }, { limit: 1, newestFirst: true })).items[0]
  }

  /**
   * A device's readings over a time as at most `points` intervals of equal length, each with the least, mean and
   * greatest value of each metric: what a plot can show. Readings that are kept by the hour only are in it.
   */
  async plot(filter: PlotFilter, points: number): Promise<Series> {
    const rows = await this.#intervals(filter, (filter.to - filter.from) / points)
    const shapes = await this.#shapes.metrics(new Set(rows.map((row) => row.shape_id)))
    let old = this.#db
      .selectFrom('reading_rollups')
      .select(['metric', 'bucket', 'n', 'min', 'max', 'sum'])
      .where('device_id', '=', filter.deviceId)
      .where('bucket', '>=', filter.from)
      .where('bucket', '<', filter.to)
    if (filter.metrics) old = old.where('metric', 'in', filter.metrics)
    return plotOf({ ...filter, points }, rows, shapes, await old.execute())
  }

  /**
   * The values of each interval and shape as one text: to hand over a row costs more than to find it. One statement, so
   * that what is being moved between the tables is seen in one of them.
   */
  async #intervals({ deviceId, from, to }: PlotFilter, step: number): Promise<PackedValues[]> {
    const hex =
      this.#dialect === 'sqlite'
        ? sql`group_concat(hex(metrics), '')`
        : sql`string_agg(encode(metrics, 'hex'), '')`
    const part = (table: string) => sql`
      select ts, shape_id, metrics from ${sql.table(table)}
      where device_id = ${deviceId} and ts >= ${from} and ts < ${to}`
    const { rows } = await sql<PackedValues>`
      select cast(floor((ts - ${from}) / ${step}) as integer) as i, shape_id, ${hex} as hex
      from (${part('readings')} union all ${part('recent_readings')}) as r
      group by 1, 2`.execute(this.#db)
    return rows
  }

  #rows(table: ReadingTable, { deviceId, from, to }: ReadingFilter) {
    const hex = this.#dialect === 'sqlite' ? sql<string>`hex(metrics)` : sql<string>`encode(metrics, 'hex')`
    let query = this.#db
      .selectFrom(table)
      .select(['ts', 'shape_id', hex.as('hex')])
      .where('device_id', '=', deviceId)
    if (from !== undefined) query = query.where('ts', '>=', from)
    if (to !== undefined) query = query.where('ts', '<', to)
    return query
  }
}

/** Rows without an object each. */
interface PackedRows {
  readonly ts: Float64Array
  readonly shapes: Uint32Array
  /** Values of all rows, one after the other. */
  readonly values: DataView
}

function pack(rows: readonly RawReading[]): PackedRows {
  const bytes = Buffer.from(rows.map((row) => row.hex).join(''), 'hex')
  const ts = new Float64Array(rows.length)
  const shapes = new Uint32Array(rows.length)
  for (let i = 0; i < rows.length; i++) {
    ts[i] = rows[i]!.ts
    shapes[i] = rows[i]!.shape_id
  }
  return {
    ts,
    shapes,
    values: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }
}

function readings(
  { deviceId, metrics }: ReadingFilter,
  rows: PackedRows,
  shapes: ReadonlyMap<number, readonly string[]>,
): Reading[] {
  const wanted = metrics && new Set(metrics)
  const all: Reading[] = []
  let at = 0
  for (let i = 0; i < rows.ts.length; i++) {
    const values: Record<string, number> = {}
    for (const name of shapes.get(rows.shapes[i]!) ?? []) {
      if (!wanted || wanted.has(name)) values[name] = rows.values.getFloat64(at, true)
      at += 8
    }
    all.push({ deviceId, ts: rows.ts[i]!, metrics: values })
  }
  return all
}
