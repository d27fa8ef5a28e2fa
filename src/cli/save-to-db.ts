import { randomBytes } from 'node:crypto'
import { loadConfig } from '../config/load.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { chunks } from '../store/cursor.ts'
import { shown } from '../store/database.ts'
import { Findings, PORTION } from '../store/findings.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import { openStore, type Store } from '../store/store.ts'

/** What a run has put into the database. */
export interface Saved {
  /** The database, without its password. */
  readonly database: string
  /** Names this run in the database. */
  readonly origin: string
  readonly anomalies: number
  readonly incidents: number
  /** Anomalies that were there already, of the same device and time. */
  readonly known: number
  /** Anomalies beyond the most kept of one run or incident; the incidents count them. */
  readonly left_out: number
}

/** Puts what one run of `detect` finds into a database, also one that a service is working on. */
export class DatabaseSink {
  readonly #store: Store
  readonly #findings: Findings
  readonly #origin: string
  /** Times of the first and last record of each device. */
  readonly #seen = new Map<string, { first: number; last: number }>()

  private constructor(store: Store, origin: string) {
    this.#store = store
    this.#origin = origin
    this.#findings = new Findings(origin, store)
  }

  /** @param url of the database; that of `motewatch config` when true */
  static async open(url: string | true): Promise<DatabaseSink> {
    const database = url === true ? (await loadConfig({})).config.database : url
    const origin = `cli:${new Date().toISOString()}:${randomBytes(3).toString('hex')}`
    return new DatabaseSink(await openStore(database), origin)
  }

  /** The models that the database's service scores with. */
  models(): Promise<ModelBundle[]> {
    return this.#store.models.bundles()
  }

  /** Notes the devices of a batch. */
  watch(batch: Batch): void {
    const { device, ts } = batch
    if (!device) return
    for (let i = 0; i < batch.length; i++) {
      const time = ts[i]!
      if (Number.isNaN(time)) continue
      const name = device.values[device.codes[i]!]!
      const seen = this.#seen.get(name)
      if (!seen) this.#seen.set(name, { first: time, last: time })
      else if (time > seen.last) seen.last = time
      else if (time < seen.first) seen.first = time
    }
  }

  async write(anomalies: readonly Anomaly[]): Promise<void> {
    for (const portion of chunks(anomalies, PORTION)) await this.#findings.add(portion)
  }

  /** Stores the devices and the incidents, and closes the database. */
  async finish(incidents: readonly Incident[]): Promise<Saved> {
    for (const some of chunks([...this.#seen], PORTION)) {
      await this.#store.transaction(async (tx) => {
        const ids = await tx.devices.ensure(some.map(([name]) => name))
        await tx.devices.seen(some.map(([name, seen]) => ({ id: ids.get(name)!, ...seen })))
      })
    }
    const stored = await this.#store.transaction((tx) => this.#findings.conclude(tx, incidents))
    await this.close()
    return { database: shown(this.#store.database.url), origin: this.#origin, ...stored }
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
