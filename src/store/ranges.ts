import type { Flow } from './flows.ts'
import { fromBoth } from './recent.ts'
import { Shapes } from './shapes.ts'
import type { Repositories } from './store.ts'

/** Some devices' records in a stretch of time. */
export interface StoredRange {
  /** Names and numbers. */
  readonly devices: ReadonlyMap<number, string>
  /** Seconds since the epoch; `from` included, `to` excluded. */
  readonly from: number
  readonly to: number
}

/** Rows aimed at for one portion. */
const PORTION = 8192
/** Seconds of the first portion. */
const FIRST = 600

/** A reading as adapters give it. */
export interface StoredReading {
  readonly ts: number
  readonly device: string
  readonly metrics: Readonly<Record<string, number>>
}

/** Rows in order of time, and up to when everything has been read. */
export interface Portion<T> {
  readonly rows: readonly T[]
  readonly until: number
}

/**
 * The readings of many devices in order of time, portion by portion. Readings of a device lie together, not those of
 * a moment: portions of time of a length that fits are sorted one at a time.
 */
export async function* storedReadings(
  { db }: Pick<Repositories, 'db'>,
  range: StoredRange,
): AsyncGenerator<Portion<StoredReading>> {
  const shapes = new Shapes(db, new Map())
  const ids = [...range.devices.keys()]
  yield* portions(range, async (from, to) => {
    const rows = await fromBoth((table) =>
      db
        .selectFrom(table)
        .selectAll()
        .where('device_id', 'in', ids)
        .where('ts', '>=', from)
        .where('ts', '<', to)
        .execute(),
    )
    rows.sort((a, b) => a.ts - b.ts || a.device_id - b.device_id || a.shape_id - b.shape_id)
    const names = await shapes.metrics(new Set(rows.map((row) => row.shape_id)))
    return rows.map(({ ts, device_id, shape_id, metrics }) => ({
      ts,
      device: range.devices.get(device_id)!,
      metrics: valuesOf(metrics, names.get(shape_id) ?? []),
    }))
  })
}

/** The flows of devices in order of time, portion by portion, each with the name of its device. */
export async function* storedFlows(
  { db }: Pick<Repositories, 'db'>,
  range: StoredRange,
): AsyncGenerator<Portion<{ flow: Flow; device: string | undefined }>> {
  const ids = [...range.devices.keys()]
  yield* portions(range, async (from, to) => {
    const rows = await db
      .selectFrom('flows')
      .selectAll()
      .where('device_id', 'in', ids)
      .where('ts', '>=', from)
      .where('ts', '<', to)
      .orderBy('ts')
      .orderBy('id')
      .execute()
    return rows.map((flow) => ({ flow, device: range.devices.get(flow.device_id ?? -1) }))
  })
}

/** Portions of about {@link PORTION} rows: the next stretch of time is longer or shorter by what the last one held. */
async function* portions<T>(
  { devices, from, to }: StoredRange,
  read: (from: number, to: number) => Promise<T[]>,
): AsyncGenerator<Portion<T>> {
  if (devices.size === 0) return
  let length = FIRST
  for (let at = from; at < to; ) {
    const until = Math.min(to, at + length)
    const rows = await read(at, until)
    if (rows.length > 0) yield { rows, until }
    at = until
    const ratio = PORTION / Math.max(1, rows.length)
    length = Math.max(1, length * Math.min(4, Math.max(0.25, ratio)))
  }
}

function valuesOf(bytes: Uint8Array, names: readonly string[]): Record<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: Record<string, number> = {}
  names.forEach((name, i) => {
    const value = view.getFloat64(i * 8, true)
    if (!Number.isNaN(value)) values[name] = value
  })
  return values
}
