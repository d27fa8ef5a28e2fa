import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { chunks } from './cursor.ts'
import type { NewEvent } from './events.ts'
import { anomalyEvent, incidentEvent } from './news.ts'
import type { Repositories, Store } from './store.ts'

/** Anomalies that one run stores. */
const MOST_STORED = 100_000
/** Anomalies stored of one incident; of a flood of millions the incident counts all. */
export const MOST_OF_INCIDENT = 1000
/** Events of anomalies, and of incidents, that one run sends: a capture full of attacks must not drown the feed. */
const MOST_EVENTS = 1000
/** Anomalies in one transaction: others write between. */
export const PORTION = 500

/**
 * What one run over some input has found, on its way into the store. The same run again, from a file or after a crash,
 * stores nothing twice; nor does another run over the same records.
 */
export class Findings {
  readonly #store: Store
  readonly #origin: string
  #taken = 0
  #known = 0
  #leftOut = 0
  #events = 0
  readonly #ofIncident = new Map<number, number>()
  /** Records of the anomalies of each incident that this run stores. */
  readonly #incidents = new Map<number, number[]>()

  /** @param origin of the run: `job:7`, `cli:…` */
  constructor(origin: string, store: Store) {
    this.#store = store
    this.#origin = origin
  }

  /** Stores those that are new, in one transaction; at most {@link PORTION} at a time leave others their turn. */
  async add(anomalies: readonly Anomaly[]): Promise<void> {
    const devices = await this.#store.devices.ensure(anomalies.map(({ device }) => device))
    const taken = anomalies.filter((anomaly) => this.#room(anomaly))
    const fresh = await this.#unknown(taken, devices)
    this.#leftOut += anomalies.length - taken.length
    this.#known += taken.length - fresh.length
    if (fresh.length === 0) return
    for (const { incident, record } of fresh) {
      const records = this.#incidents.get(incident)
      if (records) records.push(record)
      else this.#incidents.set(incident, [record])
    }
    await this.#store.transaction(async (tx) => {
      const rows = fresh.map((anomaly) => ({
        uid: this.#uid(anomaly.record),
        deviceId: devices.get(anomaly.device)!,
        incidentId: null,
        origin: this.#origin,
        anomaly,
      }))
      const added = new Map((await tx.anomalies.insert(rows)).map((row) => [row.uid, row.id]))
      const told = rows.filter(({ uid }) => added.has(uid)).slice(0, MOST_EVENTS - this.#events)
      this.#events += told.length
      await tx.events.append(
        told.map(({ uid, deviceId, anomaly }) => anomalyEvent(added.get(uid)!, deviceId, null, anomaly)),
      )
    })
  }

  /** Whether it is one of the first of its incident, stored by this run or before. */
  #room({ incident }: Anomaly): boolean {
    const before = this.#ofIncident.get(incident) ?? 0
    if (before >= MOST_OF_INCIDENT || this.#taken >= MOST_STORED) return false
    this.#ofIncident.set(incident, before + 1)
    this.#taken++
    return true
  }

  /** Gives the stored anomalies their incidents. */
  async conclude(tx: Repositories, incidents: readonly Incident[]) {
    const told: NewEvent[] = []
    const rows = incidents
      .filter((incident) => this.#incidents.has(incident.id))
      .map((incident) => ({ uid: this.#uid(`incident:${incident.id}`), origin: this.#origin, incident }))
    const ids = await tx.incidents.upsert(rows)
    for (const { uid, incident } of rows) {
      const incidentId = ids.get(uid)!
      for (const some of chunks(this.#incidents.get(incident.id)!)) {
        await tx.db
          .updateTable('anomalies')
          .set({ incident_id: incidentId })
          .where(
            'uid',
            'in',
            some.map((record) => this.#uid(record)),
          )
          .execute()
      }
      told.push(incidentEvent(incidentId, incident))
    }
    await tx.events.append(told.slice(0, MOST_EVENTS))
    const { length } = rows
    return {
      anomalies: this.#taken - this.#known,
      incidents: length,
      /** Of the same device and time as one that was there before. */
      known: this.#known,
      left_out: this.#leftOut,
    }
  }

  /** Those that no earlier detection has found: of another device or time than any stored anomaly of others. */
  async #unknown(anomalies: readonly Anomaly[], devices: ReadonlyMap<string, number>): Promise<Anomaly[]> {
    const times = anomalies.map(({ timestamp }) => timestamp).filter((ts) => !Number.isNaN(ts))
    const known = new Set<string>()
    for (const some of chunks([...new Set(times)])) {
      const rows = await this.#store.db
        .selectFrom('anomalies')
        .select(['device_id', 'ts'])
        .where('device_id', 'in', [...new Set(devices.values())])
        .where('ts', 'in', some)
        .where('origin', '!=', this.#origin)
        .execute()
      for (const { device_id, ts } of rows) known.add(`${device_id} ${ts}`)
    }
    return anomalies.filter(({ device, timestamp }) => !known.has(`${devices.get(device)} ${timestamp}`))
  }

  #uid(record: number | string): string {
    return `${this.#origin}:${record}`
  }
}

/** Removes the anomalies that a run has stored, portion by portion. */
export async function forgetFindings(origin: string, { db }: Store): Promise<void> {
  for (let last = 0; ; ) {
    const rows = await db
      .selectFrom('anomalies')
      .select('id')
      .where('origin', '=', origin)
      .where('id', '>', last)
      .orderBy('id')
      .limit(PORTION)
      .execute()
    if (rows.length === 0) return
    const ids = rows.map(({ id }) => id)
    await db.deleteFrom('anomalies').where('id', 'in', ids).execute()
    last = ids.at(-1)!
  }
}
