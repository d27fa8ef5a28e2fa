import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startProcess } from '../parity/running-service.ts'
import type { Anomaly } from '../src/schema/anomaly.ts'
import { openSqlite } from '../src/store/database.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { cache, verdict } from './harness.ts'

const DEVICES = 100
const READINGS = 10_000_000
const ANOMALIES = 200_000
/** Seconds between two readings of a device. */
const INTERVAL = 10
const T0 = 1_700_006_400
const DAY = 86_400
const METRICS = ['humidity', 'network.latency', 'pressure', 'temperature', 'vibration']
/** Readings stored together, as the service does. */
const PORTION = 20_000

/** How long it takes to read from a database with 10 M readings and 200,000 anomalies, and to start on it. */
export async function run(): Promise<void> {
  const file = join(cache, 'store-10m-1.db')
  if (!existsSync(file)) await fill(file)
  const started = performance.now()
  const store = await openStore(file)
  const opened = performance.now() - started
  const ids = [...(await store.devices.ensure(names())).values()]
  const day = (n: number) => {
    const from = T0 + (n % 10) * DAY
    return { deviceId: ids[(n * 37) % DEVICES]!, from, to: from + DAY }
  }
  const plot = await times(
    (n) => store.readings.plot(day(n), 300),
    (series) => series.metrics.size === METRICS.length,
  )
  const rows = await times(
    (n) => store.readings.query(day(n), { limit: 10_000 }),
    (page) => page.items.length === DAY / INTERVAL,
  )
  const last = await times(
    (n) => store.readings.last(ids[n % DEVICES]!),
    (reading) => reading !== undefined,
  )
  const anomalies = await times(
    (n) => store.anomalies.list(filters(n, ids), 50),
    (page) => page.items.length === 50,
  )
  await store.close()
  tell("a device's day of 10 M readings, 300 points", plot, 20)
  tell("a device's day of 10 M readings, its 8,640 rows", rows, 20)
  tell("a device's last reading", last, 20)
  tell('the last 50 of 200,000 anomalies', anomalies, 10)
  const service = await start(file)
  verdict({
    name: 'start-up on 10 M readings',
    ours: `${(service / 1000).toFixed(2)} s (${opened.toFixed(0)} ms to open)`,
    peer: 'bar',
    theirs: '3 s',
    ratio: 3000 / service,
    bar: '1',
    met: service < 3000,
  })
}

function names(): string[] {
  return Array.from({ length: DEVICES }, (_, i) => `device${i}`)
}

/** As the page, a device's view and a search would ask. */
function filters(n: number, ids: readonly number[]) {
  return [
    {},
    { deviceIds: [ids[n % DEVICES]!] },
    { minConfidence: 0.9, types: ['spike'] },
    { state: 'open' as const },
  ][n % 4]!
}

/** Milliseconds of 100 calls, least first; the first call of each kind counts too. */
async function times<T>(call: (n: number) => Promise<T>, right: (result: T) => boolean): Promise<number[]> {
  const all: number[] = []
  for (let n = 0; n < 100; n++) {
    const started = performance.now()
    const result = await call(n)
    all.push(performance.now() - started)
    if (!right(result)) throw new Error(`call ${n} gave another result than was stored`)
  }
  return all.sort((a, b) => a - b)
}

function tell(name: string, all: readonly number[], bar: number): void {
  const p95 = all[94]!
  verdict({
    name,
    ours: `p50 ${all[49]!.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, worst ${all[99]!.toFixed(1)} ms`,
    peer: 'bar',
    theirs: `${bar} ms`,
    ratio: bar / p95,
    bar: '1',
    met: p95 < bar,
  })
}

/** Milliseconds from the start of the process to its first answer about the data. */
async function start(file: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-start-'))
  try {
    const port = await freePort()
    const started = performance.now()
    const service = await startProcess(folder, file, port, join(folder, 'log'))
    const answer = await fetch(`${service.url}/api/v1/anomalies?limit=1`)
    const took = performance.now() - started
    await service.stop()
    if (!answer.ok) throw new Error(`the service answered ${answer.status}`)
    return took
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Readings as they would come: of all devices, second after second. */
async function fill(file: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const part = `${file}.part`
  for (const end of ['', '-wal', '-shm']) rmSync(part + end, { force: true })
  process.stderr.write(`filling ${file} with ${READINGS} readings\n`)
  const store = await openStore(part)
  const ids = await store.devices.ensure(names())
  const { id: shape } = await store.db
    .insertInto('reading_shapes')
    .values({ metrics_json: JSON.stringify(METRICS) })
    .returning('id')
    .executeTakeFirstOrThrow()
  await addAnomalies(store, [...ids.values()])
  await store.close()
  const db = openSqlite(part)
  db.pragma('synchronous = OFF')
  const insert = db.prepare('insert into readings (device_id, ts, shape_id, metrics) values (?, ?, ?, ?)')
  const each = PORTION / DEVICES
  const values = new Float64Array(METRICS.length)
  const bytes = Buffer.from(values.buffer)
  const portion = db.transaction((first: number) => {
    for (const id of ids.values()) {
      for (let i = first; i < first + each; i++) {
        for (let j = 0; j < values.length; j++) values[j] = Math.round(1000 * Math.sin(i / 100 + j + id)) / 10
        insert.run(id, T0 + i * INTERVAL, shape, bytes)
      }
    }
  })
  for (let i = 0; i < READINGS / DEVICES; i += each) portion(i)
  db.prepare('update devices set first_seen = ?, last_seen = ?, readings = ?').run(
    T0,
    T0 + (READINGS / DEVICES) * INTERVAL,
    READINGS / DEVICES,
  )
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
  renameSync(part, file)
}

async function addAnomalies(store: Store, ids: readonly number[]): Promise<void> {
  const types = ['spike', 'drift', 'noise'] as const
  for (let first = 0; first < ANOMALIES; first += 1000) {
    await store.transaction(async (tx) => {
      await tx.anomalies.insert(
        Array.from({ length: 1000 }, (_, k) => {
          const i = first + k
          const anomaly: Partial<Anomaly> = {
            incident: i,
            device: `device${i % DEVICES}`,
            timestamp: T0 + i * 5,
            type: types[i % 3]!,
            confidence: 0.5 + (i % 50) / 100,
            p_value: 0.001,
            affected_features: [],
            description: 'temperature 412, usually 18 to 24',
          }
          const uid = `bench:${i}`
          return {
            uid,
            deviceId: ids[i % DEVICES]!,
            incidentId: null,
            origin: 'bench',
            anomaly: anomaly as Anomaly,
          }
        }),
      )
    })
  }
}
