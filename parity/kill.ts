import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { verdict } from '../bench/harness.ts'
import { train } from '../src/pipeline.ts'
import { bundleToBuffer } from '../src/store/model-bundle.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { startPostgres } from '../test/postgres.ts'
import { freePort, numberOption, type RunningService, startProcess } from './running-service.ts'

/** Records in a body, and clients that send at the same time. */
const BODY = 200
const CLIENTS = 4
const T0 = 1_700_000_000

/**
 * Kills the whole service while clients write to it, at random moments, again and again. After each start every record
 * it had acknowledged must be there exactly once, the last acknowledged change of a device too, and at the end no
 * record may have been judged twice. `--kills N` sets how often for SQLite; PostgreSQL gets a quarter, its server
 * killed with the service every fifth time.
 */
export async function run(): Promise<void> {
  const kills = numberOption('kills', 200)
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-kill-'))
  try {
    const sqlite = join(folder, 'sqlite')
    mkdirSync(sqlite)
    await check('SQLite', sqlite, join(sqlite, 'motewatch.db'), kills)
    const postgres = await startPostgres()
    if (!postgres) return console.log('kill PostgreSQL: there is no server for this machine')
    try {
      const other = join(folder, 'postgres')
      mkdirSync(other)
      const url = await postgres.database('motewatch')
      await check('PostgreSQL', other, url, Math.ceil(kills / 4), () => postgres.crash())
    } finally {
      await postgres.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function check(
  name: string,
  folder: string,
  url: string,
  kills: number,
  crash?: () => Promise<void>,
): Promise<void> {
  const port = await freePort()
  await addModel(folder, url)
  const clients = Array.from({ length: CLIENTS }, (_, c) => new Client(c))
  const found = { lost: 0, doubled: 0, changes: 0 }
  let slowest = 0
  for (let k = 0; k < kills; k++) {
    const started = performance.now()
    const service = await startProcess(folder, url, port, join(folder, 'log'))
    slowest = Math.max(slowest, performance.now() - started)
    const writing = clients.map((client) => client.write(service))
    await pause(50 + Math.random() * 1200)
    const crashing = crash && k % 5 === 4 ? crash() : undefined
    await service.kill()
    for (const client of clients) client.stop()
    await Promise.all([...writing, crashing])
    const store = await openStore(url)
    for (const client of clients) await client.verify(store, found)
    await store.close()
    if (k % 20 === 19) console.log(`  ${name}: ${k + 1} kills, ${acknowledged(clients)} records acknowledged`)
  }
  const last = await startProcess(folder, url, port, join(folder, 'log'))
  const store = await openStore(url)
  const twice = await judgedTwice(store)
  for (const client of clients) await client.verifyAll(store, found)
  await store.close()
  await last.stop()
  const wrong = found.lost + found.doubled + found.changes + twice.doubled
  verdict({
    name: `kill -9, ${name}`,
    ours: `${found.lost} lost, ${found.doubled} doubled, ${found.changes} changes lost of ${acknowledged(clients)} acknowledged; ${twice.doubled} of ${twice.anomalies} anomalies twice; slowest start ${(slowest / 1000).toFixed(1)} s`,
    peer: `${kills} kills`,
    theirs: '0',
    ratio: wrong === 0 ? 1 : 0,
    bar: '0',
    met: wrong === 0 && acknowledged(clients) > 0 && twice.anomalies > 0,
  })
}

function acknowledged(clients: readonly Client[]): number {
  return clients.reduce((sum, client) => sum + client.acknowledged, 0)
}

/** A model that knows a temperature of about 20, so that there are anomalies to double. */
async function addModel(folder: string, url: string): Promise<void> {
  const file = join(folder, 'normal.csv')
  const rows = Array.from(
    { length: 2000 },
    (_, i) => `d${i % 4},${T0 - 100_000 + i * 10},${(20 + Math.sin(i) + Math.sin(i * 1.7)).toFixed(3)}`,
  )
  writeFileSync(file, ['id,timestamp,temperature', ...rows].join('\n'))
  const { bundles } = await train([file], { model: 'isolation-forest', workers: 1 })
  const store = await openStore(url)
  const { id } = await store.models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), 'check')
  await store.models.activate(id)
  await store.close()
}

/** Waits until everything is judged, then counts the records that were judged an anomaly more than once. */
async function judgedTwice(store: Store): Promise<{ anomalies: number; doubled: number }> {
  for (let tries = 0; tries < 1200; tries++) {
    const state = await store.db
      .selectFrom('engine_states')
      .select((eb) => eb.fn.max('seq').as('seq'))
      .executeTakeFirst()
    if ((await store.journal.backlog(Number(state?.seq ?? 0))).entries === 0) break
    await pause(100)
  }
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from anomalies where origin = 'live' group by device_id, ts`.execute(store.db)
  const counts = rows.map(({ n }) => Number(n))
  return { anomalies: counts.length, doubled: counts.filter((n) => n > 1).length }
}

interface Found {
  lost: number
  doubled: number
  changes: number
}

/** Writes the readings of one device, second after second, and its label; remembers what was acknowledged. */
class Client {
  readonly #device: string
  acknowledged = 0
  /** Acknowledged seconds since the last {@link verify}. */
  #new: number[] = []
  /** A body without an answer: sent again first. */
  #pending: number[] | undefined
  #next = 0
  /** The last acknowledged label, and those sent since: each may have come through without an answer. */
  #label = { acknowledged: '', sent: new Set<string>() }
  #stopped = false

  constructor(number: number) {
    this.#device = `d${number}`
  }

  async write({ url }: RunningService): Promise<void> {
    this.#stopped = false
    for (let n = 0; !this.#stopped; n++) {
      this.#pending ??= Array.from({ length: BODY }, () => this.#next++)
      const seconds = this.#pending
      const body = seconds.map((s) =>
        JSON.stringify({
          id: this.#device,
          timestamp: T0 + s,
          temperature: s % 500 === 250 ? 400 : 20 + Math.sin(s),
        }),
      )
      const result = await post(`${url}/api/v1/data`, 'POST', 'application/x-ndjson', body.join('\n'))
      // Killed in between, or told to come back.
      if (!result) {
        await pause(20)
        continue
      }
      const { accepted, duplicates } = result as { accepted: number; duplicates: number }
      if (accepted + duplicates !== seconds.length)
        throw new Error(`expected all taken in, got ${JSON.stringify(result)}`)
      this.#new.push(...seconds)
      this.acknowledged += seconds.length
      this.#pending = undefined
      if (n % 5 === 0) await this.#rename(url)
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async #rename(url: string): Promise<void> {
    const label = `${this.#device} after ${this.acknowledged}`
    this.#label.sent.add(label)
    const body = JSON.stringify({ label })
    if (await post(`${url}/api/v1/devices/${this.#device}`, 'PATCH', 'application/json', body)) {
      this.#label = { acknowledged: label, sent: new Set() }
    }
  }

  /** Looks for what was acknowledged since the last time. */
  async verify(store: Store, found: Found): Promise<void> {
    await this.#compare(store, new Set(this.#new), found)
    this.#new = []
    const { acknowledged, sent } = this.#label
    const label = (await store.devices.find(this.#device))?.label ?? ''
    if (label !== acknowledged && !sent.has(label)) found.changes++
  }

  /** Looks for everything ever acknowledged. */
  async verifyAll(store: Store, found: Found): Promise<void> {
    const pending = new Set(this.#pending)
    const all = Array.from({ length: this.#next }, (_, s) => s).filter((s) => !pending.has(s))
    await this.#compare(store, new Set(all), found)
  }

  async #compare(store: Store, wanted: ReadonlySet<number>, found: Found): Promise<void> {
    const device = await store.devices.find(this.#device)
    if (!device) {
      found.lost += wanted.size
      return
    }
    const times = [...wanted]
    const first = T0 + times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
    const rows = await Promise.all(
      (['recent_readings', 'readings'] as const).map((table) =>
        store.db
          .selectFrom(table)
          .select('ts')
          .where('device_id', '=', device.id)
          .where('ts', '>=', first)
          .execute(),
      ),
    )
    const counts = new Map<number, number>()
    for (const { ts } of rows.flat()) counts.set(ts - T0, (counts.get(ts - T0) ?? 0) + 1)
    for (const s of wanted) {
      const n = counts.get(s) ?? 0
      if (n === 0) found.lost++
      if (n > 1) found.doubled++
    }
  }
}

/** The answer's JSON; undefined when there was none, or one that asks to come back. @throws Error for any other */
export async function post(url: string, method: string, type: string, body: string): Promise<unknown> {
  let answer: Response
  try {
    answer = await fetch(url, { method, headers: { 'content-type': type }, body })
    const text = await answer.text()
    if (answer.ok) return JSON.parse(text) as unknown
    if (answer.status === 429 || answer.status === 503) return undefined
    throw new Error(`${method} ${url}: ${answer.status} ${text}`)
  } catch (error) {
    // Fetch failed: the connection is gone.
    if (error instanceof TypeError) return undefined
    throw error
  }
}
