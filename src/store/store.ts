import type { Kysely } from 'kysely'
import { Anomalies } from './anomalies.ts'
import { type Database, migrate, openDatabase } from './database.ts'
import { Devices } from './devices.ts'
import { Engines } from './engines.ts'
import { Events } from './events.ts'
import { Flows } from './flows.ts'
import { Incidents } from './incidents.ts'
import { Journal } from './journal.ts'
import { Meta } from './meta.ts'
import { Models } from './models.ts'
import { Readings } from './readings.ts'
import type { Tables } from './tables.ts'

/** Everything kept in the database, by what it is. */
export class Repositories {
  /** For the tables that have no repository here. */
  readonly db: Kysely<Tables>
  readonly devices: Devices
  readonly readings: Readings
  readonly flows: Flows
  readonly journal: Journal
  readonly engines: Engines
  readonly anomalies: Anomalies
  readonly incidents: Incidents
  readonly models: Models
  readonly events: Events
  readonly meta: Meta

  constructor(db: Kysely<Tables>, database: Database, shapes: Map<number, readonly string[]>) {
    this.db = db
    this.devices = new Devices(db)
    this.readings = new Readings(db, database.dialect, shapes)
    this.flows = new Flows(db)
    this.journal = new Journal(db, database.dialect)
    this.engines = new Engines(db)
    this.anomalies = new Anomalies(db)
    this.incidents = new Incidents(db)
    this.models = new Models(db)
    this.events = new Events(db, database)
    this.meta = new Meta(db)
  }
}

/** An open database. */
export class Store extends Repositories {
  readonly database: Database
  readonly #shapes: Map<number, readonly string[]>

  constructor(database: Database) {
    const shapes = new Map<number, readonly string[]>()
    super(database.db, database, shapes)
    this.database = database
    this.#shapes = shapes
  }

  /** Runs `work` in one transaction: all of it is kept, or nothing when it throws. */
  transaction<T>(work: (tx: Repositories) => Promise<T>): Promise<T> {
    return this.db.transaction().execute((tx) => work(new Repositories(tx, this.database, this.#shapes)))
  }

  close(): Promise<void> {
    return this.database.close()
  }
}

/**
 * Opens a database and brings its schema up to date. Any number of processes and threads may have it open.
 *
 * @param url a file, `sqlite:FILE`, or `postgres://user:password@host/name`
 * @throws StoreError when it cannot be opened or was made by a newer version
 */
export async function openStore(url: string): Promise<Store> {
  const database = openDatabase(url)
  try {
    await migrate(database)
    return new Store(database)
  } catch (error) {
    await database.close()
    throw error
  }
}
