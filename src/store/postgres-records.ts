import pg from 'pg'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import { storeError } from './errors.ts'
import { lockKey } from './in-order.ts'
import { HOURS_BEFORE } from './meta.ts'
import type { ReadingRows } from './reading-rows.ts'
import {
  flowEntry,
  IN_HOUR,
  type Incoming,
  MOST_SHAPES,
  NEW,
  OTHER,
  orNull,
  type RecordWriter,
  readingEntries,
  SAME,
  SHAPELESS,
} from './record-writer.ts'

/** Writes records to PostgreSQL: a statement for many rows, their columns as arrays. */
export class PostgresRecords implements RecordWriter {
  readonly #pool: pg.Pool
  readonly #devices = new Map<string, number>()
  readonly #shapes = new Map<string, number>()

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 1 })
    this.#pool.on('error', () => {})
  }

  async write(work: readonly Incoming[]): Promise<void> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw storeError(error)
    })
    let broken = false
    try {
      await client.query('begin')
      // Writers follow one another: journal entries appear in order, and nobody waits crosswise for keys.
      await client.query('select pg_advisory_xact_lock($1)', [lockKey('journal')])
      for (const incoming of work) {
        if (incoming.kind === 'readings') {
          await this.#readings(client, incoming.source, incoming.rows, incoming.outcome)
        } else await this.#flows(client, incoming.source, incoming.batch, incoming.outcome)
      }
      await client.query('commit')
    } catch (error) {
      await client.query('rollback').catch(() => {
        broken = true
      })
      this.#devices.clear()
      this.#shapes.clear()
      throw storeError(error)
    } finally {
      client.release(broken)
    }
  }

  async rest(): Promise<void> {}

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #readings(
    client: pg.PoolClient,
    source: string,
    rows: ReadingRows,
    outcome: Uint8Array,
  ): Promise<void> {
    const devices = await this.#deviceIds(client, rows.devices)
    const shapes = await this.#shapeIds(client, rows.shapes)
    const bytes = Buffer.from(rows.values.buffer)
    const valuesOf = (i: number) => bytes.subarray(rows.start[i]! * 8, rows.start[i + 1]! * 8)
    /** Rows by their key, the first of each: later ones of the same key are no news. */
    const first = new Map<string, number>()
    for (let i = 0; i < rows.length; i++) {
      const device = devices[rows.device[i]!]!
      const shape = shapes[rows.shape[i]!]!
      const key = `${device} ${rows.ts[i]} ${shape}`
      const before = first.get(key)
      if (shape < 0) outcome[i] = SHAPELESS
      else if (before !== undefined) outcome[i] = valuesOf(i).equals(valuesOf(before)) ? SAME : OTHER
      else {
        first.set(key, i)
        outcome[i] = SAME
      }
    }
    const members = [...first.values()]
    if (members.length === 0) return
    const keys = [
      members.map((i) => devices[rows.device[i]!]),
      members.map((i) => rows.ts[i]!),
      members.map((i) => shapes[rows.shape[i]!]),
    ]
    const past = await client.query<Key>(
      `select d as device_id, t as ts, s as shape_id
       from unnest($1::bigint[], $2::float8[], $3::bigint[]) as k (d, t, s) join reading_shapes on id = s
       where t < (select value::float8 from meta where key = $4) and exists (
         select 1 from reading_rollups where device_id = d and bucket = floor(t / 3600) * 3600
         and metric in (select json_array_elements_text(metrics_json::json)))`,
      [...keys, HOURS_BEFORE],
    )
    for (const row of past.rows) outcome[first.get(keyOf(row))!] = IN_HOUR
    const added = await client.query<Key>(
      `insert into readings (device_id, ts, shape_id, metrics)
       select d, t, s, m from unnest($1::bigint[], $2::float8[], $3::bigint[], $4::bytea[], $5::bool[])
         as k (d, t, s, m, fresh) where fresh
       on conflict do nothing returning device_id, ts, shape_id`,
      [...keys, members.map(valuesOf), members.map((i) => outcome[i] !== IN_HOUR)],
    )
    for (const row of added.rows) outcome[first.get(keyOf(row))!] = NEW
    if (added.rows.length < members.length) {
      const stored = await client.query<Key & { metrics: Buffer }>(
        `select device_id, ts, shape_id, metrics from readings
         join unnest($1::bigint[], $2::float8[], $3::bigint[]) as k (d, t, s)
         on device_id = d and ts = t and shape_id = s`,
        keys,
      )
      for (const row of stored.rows) {
        const i = first.get(keyOf(row))!
        if (outcome[i] !== NEW) outcome[i] = row.metrics.equals(valuesOf(i)) ? SAME : OTHER
      }
    }
    await this.#seen(client, 'readings', members, outcome, (i) => devices[rows.device[i]!]!, rows.ts)
    for (const entry of readingEntries(rows, outcome)) await journal(client, 'readings', source, entry)
  }

  async #flows(client: pg.PoolClient, source: string, batch: FlowBatch, outcome: Uint8Array): Promise<void> {
    const names = batch.device!
    const ids = await this.#deviceIds(client, names.values)
    const all = Array.from({ length: batch.length }, (_, i) => i)
    const text = (column: 'orig_h' | 'resp_h' | 'service' | 'conn_state') =>
      all.map((i) => stringAt(batch[column], i))
    const number = (column: Float64Array) => all.map((i) => orNull(column[i]!))
    const columns: [string, string, unknown[]][] = [
      ['device_id', 'bigint', all.map((i) => ids[names.codes[i]!])],
      ['ts', 'float8', number(batch.ts)],
      ['duration', 'float8', number(batch.duration)],
      ['orig_h', 'text', text('orig_h')],
      ['orig_p', 'bigint', all.map((i) => batch.orig_p[i])],
      ['resp_h', 'text', text('resp_h')],
      ['resp_p', 'bigint', all.map((i) => batch.resp_p[i])],
      ['proto', 'bigint', all.map((i) => batch.proto[i])],
      ['service', 'text', text('service')],
      ['conn_state', 'text', text('conn_state')],
      ['orig_bytes', 'float8', number(batch.orig_bytes)],
      ['resp_bytes', 'float8', number(batch.resp_bytes)],
      ['orig_pkts', 'float8', number(batch.orig_pkts)],
      ['resp_pkts', 'float8', number(batch.resp_pkts)],
      ['orig_ip_bytes', 'float8', number(batch.orig_ip_bytes)],
      ['resp_ip_bytes', 'float8', number(batch.resp_ip_bytes)],
    ]
    const added = await client.query<FlowKey>(
      `insert into flows (${columns.map(([name]) => name).join(', ')})
       select * from unnest(${columns.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ')})
       on conflict do nothing returning ts, orig_h, orig_p, resp_h, resp_p, proto`,
      columns.map(([, , values]) => values),
    )
    const news = new Set(added.rows.map(flowKey))
    for (const i of all) {
      const key = flowKey({
        ts: batch.ts[i]!,
        orig_h: stringAt(batch.orig_h, i),
        orig_p: batch.orig_p[i]!,
        resp_h: stringAt(batch.resp_h, i),
        resp_p: batch.resp_p[i]!,
        proto: batch.proto[i]!,
      })
      // The first of its key; a second one in the same batch is no news.
      outcome[i] = news.delete(key) ? NEW : SAME
    }
    await this.#seen(client, 'flows', all, outcome, (i) => ids[names.codes[i]!]!, batch.ts)
    const entry = flowEntry(batch, outcome)
    if (entry) await journal(client, 'flows', source, entry)
  }

  /** Widens when the devices were seen and counts their new records. */
  async #seen(
    client: pg.PoolClient,
    column: 'readings' | 'flows',
    members: readonly number[],
    outcome: Uint8Array,
    device: (i: number) => number,
    ts: Float64Array,
  ): Promise<void> {
    const seen = new Map<number, { first: number; last: number; n: number }>()
    for (const i of members) {
      if (outcome[i] !== NEW) continue
      const so = seen.get(device(i)) ?? { first: ts[i]!, last: ts[i]!, n: 0 }
      so.first = Math.min(so.first, ts[i]!)
      so.last = Math.max(so.last, ts[i]!)
      so.n++
      seen.set(device(i), so)
    }
    const all = [...seen]
    await client.query(
      `update devices set first_seen = least(first_seen, first), last_seen = greatest(last_seen, last),
         ${column} = ${column} + n
       from unnest($1::bigint[], $2::float8[], $3::float8[], $4::bigint[]) as s (device, first, last, n)
       where id = device`,
      [
        all.map(([id]) => id),
        all.map(([, s]) => s.first),
        all.map(([, s]) => s.last),
        all.map(([, s]) => s.n),
      ],
    )
  }

  async #deviceIds(client: pg.PoolClient, names: readonly string[]): Promise<number[]> {
    const missing = names.filter((name) => !this.#devices.has(name))
    if (missing.length > 0) {
      if (this.#devices.size > 1_000_000) this.#devices.clear()
      await client.query(
        `insert into devices (name, created) select unnest($1::text[]), $2 on conflict (name) do nothing`,
        [missing, Date.now() / 1000],
      )
      const { rows } = await client.query<{ id: string; name: string }>(
        'select id, name from devices where name = any($1)',
        [names],
      )
      for (const { id, name } of rows) this.#devices.set(name, Number(id))
    }
    return names.map((name) => this.#devices.get(name)!)
  }

  /** -1 for those beyond the most that there may be. */
  async #shapeIds(client: pg.PoolClient, shapes: readonly (readonly string[])[]): Promise<number[]> {
    const keys = shapes.map((metrics) => JSON.stringify(metrics))
    const missing = keys.filter((key) => !this.#shapes.has(key))
    if (missing.length > 0) {
      await client.query(
        `insert into reading_shapes (metrics_json)
         select key from unnest($1::text[]) as key
         where not exists (select 1 from reading_shapes where metrics_json = key)
         limit greatest(0, $2 - (select count(*) from reading_shapes))
         on conflict do nothing`,
        [missing, MOST_SHAPES],
      )
      const { rows } = await client.query<{ id: string; metrics_json: string }>(
        'select id, metrics_json from reading_shapes where metrics_json = any($1)',
        [keys],
      )
      for (const { id, metrics_json } of rows) this.#shapes.set(metrics_json, Number(id))
    }
    return keys.map((key) => this.#shapes.get(key) ?? -1)
  }
}

interface Key {
  device_id: string
  ts: number
  shape_id: string
}

function keyOf({ device_id, ts, shape_id }: Key): string {
  return `${device_id} ${ts} ${shape_id}`
}

interface FlowKey {
  ts: number
  orig_h: string
  orig_p: number | string
  resp_h: string
  resp_p: number | string
  proto: number | string
}

function flowKey({ ts, orig_h, orig_p, resp_h, resp_p, proto }: FlowKey): string {
  return `${ts} ${orig_h} ${orig_p} ${resp_h} ${resp_p} ${proto}`
}

async function journal(
  client: pg.PoolClient,
  kind: string,
  source: string,
  { n, bytes }: { n: number; bytes: Buffer },
): Promise<void> {
  await client.query('insert into journal (kind, source, n, batch, created) values ($1, $2, $3, $4, $5)', [
    kind,
    source,
    n,
    bytes,
    Date.now() / 1000,
  ])
}
