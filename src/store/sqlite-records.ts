import type SQLite from 'better-sqlite3'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import { openSqlite, sqliteFile } from './database.ts'
import { storeError } from './errors.ts'
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

/** Recent readings at which they are moved, and seconds after which they are. */
const MOST_RECENT = 20_000
const LONGEST_RECENT = 1

/**
 * Writes records to SQLite, in a thread that has nothing else to do.
 *
 * Readings of many devices, ordered by device, would change a page of the table each. They are appended to a small
 * table first, `recent_readings`, and go from there to the large one many at a time, when a page takes several.
 */
export class SqliteRecords implements RecordWriter {
  readonly #db: SQLite.Database
  readonly #sql: Statements
  readonly #devices = new Map<string, number>()
  readonly #shapes = new Map<string, number>()
  /** Times up to which a device may have readings in the large table; as of {@link #version}. */
  readonly #stored = new Map<number, number>()
  #version: unknown
  /** The recent readings by their key: their number there. */
  readonly #recent = new Map<string, number>()
  /** Numbers of the first and last of them; another process may have added some, or moved them. */
  #range: RecentRange = NONE
  #oldest = performance.now()
  /** Before this time there may be hours in place of readings. */
  #hoursBefore = 0

  constructor(url: string) {
    this.#db = openSqlite(sqliteFile(url))
    this.#db.pragma('cache_size = -16384')
    this.#sql = statements(this.#db)
    this.#lookAtRecent()
  }

  async write(work: readonly Incoming[]): Promise<void> {
    this.#transaction(() => {
      const version = this.#db.pragma('data_version', { simple: true })
      if (version !== this.#version) this.#stored.clear()
      this.#version = version
      this.#lookAtRecent()
      this.#hoursBefore = Number(this.#sql.fact.get(HOURS_BEFORE) ?? 0)
      for (const incoming of work) {
        if (incoming.kind === 'readings') this.#readings(incoming.source, incoming.rows, incoming.outcome)
        else this.#flows(incoming.source, incoming.batch, incoming.outcome)
      }
    })
  }

  async rest(): Promise<void> {
    if (this.#recent.size >= MOST_RECENT || this.#due()) this.#move()
  }

  async close(): Promise<void> {
    try {
      if (this.#recent.size > 0) this.#move()
    } catch {
      // They stay where they are, to be moved next time.
    } finally {
      this.#db.close()
    }
  }

  #due(): boolean {
    return this.#recent.size > 0 && performance.now() - this.#oldest > LONGEST_RECENT * 1000
  }

  #readings(source: string, rows: ReadingRows, outcome: Uint8Array): void {
    const { insertReading, storedReading, recentReading, inHour } = this.#sql
    const devices = rows.devices.map((name) => this.#device(name))
    const shapes = rows.shapes.map((metrics) => this.#shape(metrics))
    const bytes = Buffer.from(rows.values.buffer)
    if (this.#recent.size === 0) this.#oldest = performance.now()
    for (let i = 0; i < rows.length; i++) {
      const device = devices[rows.device[i]!]!
      const shape = shapes[rows.shape[i]!]!
      if (shape < 0) {
        outcome[i] = SHAPELESS
        continue
      }
      const ts = rows.ts[i]!
      const values = bytes.subarray(rows.start[i]! * 8, rows.start[i + 1]! * 8)
      const key = `${device} ${ts} ${shape}`
      const recent = this.#recent.get(key)
      const known =
        recent !== undefined
          ? recentReading.get(recent)
          : ts <= this.#storedUpTo(device)
            ? storedReading.get(device, ts, shape)
            : undefined
      if (known !== undefined) {
        outcome[i] = values.equals(known as Buffer) ? SAME : OTHER
        continue
      }
      if (ts < this.#hoursBefore && inHour.get(device, Math.floor(ts / 3600) * 3600, shape) !== undefined) {
        outcome[i] = IN_HOUR
        continue
      }
      const { lastInsertRowid } = insertReading.run(device, ts, shape, values)
      this.#recent.set(key, Number(lastInsertRowid))
    }
    if (this.#recent.size > 0) this.#range = this.#sql.recentRange.get() as RecentRange
    for (const entry of readingEntries(rows, outcome)) {
      this.#sql.journal.run('readings', source, entry.n, entry.bytes, now())
    }
  }

  #flows(source: string, batch: FlowBatch, outcome: Uint8Array): void {
    const seen = new Map<number, { first: number; last: number; n: number }>()
    const text = (column: 'orig_h' | 'resp_h' | 'service' | 'conn_state', i: number) =>
      stringAt(batch[column], i)
    for (let i = 0; i < batch.length; i++) {
      const device = this.#device(stringAt(batch.device!, i))
      const ts = batch.ts[i]!
      const { changes } = this.#sql.insertFlow.run(
        device,
        ts,
        orNull(batch.duration[i]!),
        text('orig_h', i),
        batch.orig_p[i]!,
        text('resp_h', i),
        batch.resp_p[i]!,
        batch.proto[i]!,
        text('service', i),
        text('conn_state', i),
        orNull(batch.orig_bytes[i]!),
        orNull(batch.resp_bytes[i]!),
        orNull(batch.orig_pkts[i]!),
        orNull(batch.resp_pkts[i]!),
        orNull(batch.orig_ip_bytes[i]!),
        orNull(batch.resp_ip_bytes[i]!),
      )
      outcome[i] = changes === 1 ? NEW : SAME
      if (changes === 0) continue
      const so = seen.get(device) ?? { first: ts, last: ts, n: 0 }
      seen.set(device, { first: Math.min(so.first, ts), last: Math.max(so.last, ts), n: so.n + 1 })
    }
    for (const [id, { first, last, n }] of seen) this.#sql.seenFlows.run({ id, first, last, n })
    const entry = flowEntry(batch, outcome)
    if (entry) this.#sql.journal.run('flows', source, entry.n, entry.bytes, now())
  }

  /** Moves the recent readings to the large table, in its order. */
  #move(): void {
    this.#transaction(() => {
      this.#sql.seenRecent.run()
      this.#sql.move.run()
      this.#sql.clearRecent.run()
    })
    this.#recent.clear()
    this.#range = NONE
    this.#stored.clear()
  }

  /** Learns the keys of the recent readings anew when they are not those that this thread has added. */
  #lookAtRecent(): void {
    const range = this.#sql.recentRange.get() as RecentRange
    if (range.first === this.#range.first && range.last === this.#range.last) return
    this.#range = range
    this.#recent.clear()
    for (const { id, device_id, ts, shape_id } of this.#sql.recentKeys.iterate() as Iterable<RecentKey>) {
      this.#recent.set(`${device_id} ${ts} ${shape_id}`, id)
    }
  }

  #transaction(work: () => void): void {
    try {
      this.#sql.begin.run()
      work()
      this.#sql.commit.run()
    } catch (error) {
      // A full disk may have rolled back already.
      if (this.#db.inTransaction) this.#sql.rollback.run()
      // What was made in this transaction is gone.
      this.#range = UNKNOWN
      this.#devices.clear()
      this.#shapes.clear()
      this.#stored.clear()
      throw storeError(error)
    }
  }

  #device(name: string): number {
    let id = this.#devices.get(name)
    if (id === undefined) {
      this.#sql.insertDevice.run(name, now())
      id = this.#sql.device.get(name) as number
      if (this.#devices.size > 1_000_000) this.#devices.clear()
      this.#devices.set(name, id)
    }
    return id
  }

  /** -1 when there are too many. */
  #shape(metrics: readonly string[]): number {
    const key = JSON.stringify(metrics)
    let id = this.#shapes.get(key)
    if (id === undefined) {
      id = this.#sql.shape.get(key) as number | undefined
      if (id === undefined) {
        if ((this.#sql.countShapes.get() as number) >= MOST_SHAPES) return -1
        id = Number(this.#sql.insertShape.run(key).lastInsertRowid)
      }
      this.#shapes.set(key, id)
    }
    return id
  }

  #storedUpTo(device: number): number {
    let ts = this.#stored.get(device)
    if (ts === undefined) {
      ts = (this.#sql.lastStored.get(device) as number | null) ?? Number.NEGATIVE_INFINITY
      this.#stored.set(device, ts)
    }
    return ts
  }
}

interface RecentRange {
  readonly first: number | null
  readonly last: number | null
}

const NONE: RecentRange = { first: null, last: null }
const UNKNOWN: RecentRange = { first: -1, last: -1 }

interface RecentKey {
  readonly id: number
  readonly device_id: number
  readonly ts: number
  readonly shape_id: number
}

type Statements = ReturnType<typeof statements>

function statements(db: SQLite.Database) {
  const key = 'where device_id = ? and ts = ? and shape_id = ?'
  return {
    begin: db.prepare('begin immediate'),
    commit: db.prepare('commit'),
    rollback: db.prepare('rollback'),
    device: db.prepare('select id from devices where name = ?').pluck(),
    insertDevice: db.prepare(
      'insert into devices (name, created) values (?, ?) on conflict (name) do nothing',
    ),
    shape: db.prepare('select id from reading_shapes where metrics_json = ?').pluck(),
    countShapes: db.prepare('select count(*) from reading_shapes').pluck(),
    insertShape: db.prepare('insert into reading_shapes (metrics_json) values (?)'),
    fact: db.prepare('select value from meta where key = ?').pluck(),
    inHour: db.prepare(
      `select 1 from reading_rollups where device_id = ? and bucket = ? and metric in
         (select value from reading_shapes, json_each(metrics_json) where reading_shapes.id = ?)`,
    ),
    lastStored: db.prepare('select max(ts) from readings where device_id = ?').pluck(),
    storedReading: db.prepare(`select metrics from readings ${key}`).pluck(),
    recentReading: db.prepare('select metrics from recent_readings where id = ?').pluck(),
    recentRange: db.prepare('select min(id) as first, max(id) as last from recent_readings'),
    recentKeys: db.prepare('select id, device_id, ts, shape_id from recent_readings'),
    insertReading: db.prepare(
      'insert into recent_readings (device_id, ts, shape_id, metrics) values (?, ?, ?, ?)',
    ),
    move: db.prepare(
      `insert into readings select device_id, ts, shape_id, metrics from recent_readings
       where true order by device_id, ts, shape_id on conflict do nothing`,
    ),
    clearRecent: db.prepare('delete from recent_readings'),
    seenRecent: db.prepare(
      `update devices set first_seen = min(coalesce(first_seen, first), first),
         last_seen = max(coalesce(last_seen, last), last), readings = readings + n
       from (select device_id, min(ts) as first, max(ts) as last, count(*) as n from recent_readings
             group by device_id)
       where id = device_id`,
    ),
    insertFlow: db.prepare(
      `insert into flows (device_id, ts, duration, orig_h, orig_p, resp_h, resp_p, proto, service, conn_state,
         orig_bytes, resp_bytes, orig_pkts, resp_pkts, orig_ip_bytes, resp_ip_bytes)
       values (${Array(16).fill('?').join(', ')}) on conflict do nothing`,
    ),
    seenFlows: db.prepare(
      `update devices set first_seen = min(coalesce(first_seen, @first), @first),
         last_seen = max(coalesce(last_seen, @last), @last), flows = flows + @n
       where id = @id`,
    ),
    journal: db.prepare('insert into journal (kind, source, n, batch, created) values (?, ?, ?, ?, ?)'),
  }
}

function now(): number {
  return Date.now() / 1000
}
