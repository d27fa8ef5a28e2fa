import { InputError, reportFields } from '../adapters/read-report.ts'
import { incidentJson } from '../output/incident-json.ts'
import type { DetectOptions } from '../pipeline/options.ts'
import { type BatchSource, detect } from '../pipeline.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { chunks } from '../store/cursor.ts'
import type { NewEvent } from '../store/events.ts'
import { anomalyEvent, incidentEvent } from '../store/news.ts'
import type { Repositories, Store } from '../store/store.ts'
import type { Conclusion, JobContext } from './kind.ts'

/** Anomalies that one job stores, and those of one incident; incidents count all of theirs. */
const MOST_STORED = 100_000
const MOST_OF_INCIDENT = 1000
/** Events of anomalies, and of incidents, that one job sends: a capture full of attacks must not drown the feed. */
const MOST_EVENTS = 1000
/** Incidents told in the result itself. */
const TOLD = 20
/** Anomalies in one transaction: others write between. */
const PORTION = 500
/** Devices told in the result. */
const MOST_DEVICES = 100

/** Scores what `source` has with the active models; what is new goes to the store as it is found. */
export async function findAnomalies(
  source: BatchSource,
  options: Pick<DetectOptions, 'local' | 'threshold' | 'model'>,
  keep: boolean,
  { id, store, workers, signal }: JobContext,
): Promise<Conclusion> {
  const bundles = await store.models.bundles()
  if (bundles.length === 0) {
    throw new InputError('there is no active model; train one, or activate one that there is')
  }
  const findings = new Findings(id, store)
  const found = detect(source, bundles, { ...options, workers })
  let next = await found.next()
  for (; !next.done; next = await found.next()) {
    if (keep) {
      for (const portion of chunks(next.value, PORTION)) {
        signal.throwIfAborted()
        await findings.add(portion)
      }
    }
    signal.throwIfAborted()
  }
  const { reports, incidents, incidentsLeftOut, byDevice, byType, ...summary } = next.value
  return async (tx) => {
    const stored = keep ? await findings.conclude(tx, incidents) : undefined
    const devices = Object.entries(byDevice).sort(([, a], [, b]) => b - a)
    return {
      ...summary,
      by_type: byType,
      by_device: Object.fromEntries(devices.slice(0, MOST_DEVICES)),
      devices: devices.length,
      incidents: incidents.length + incidentsLeftOut,
      strongest: incidents.slice(0, TOLD).map(incidentJson),
      stored: stored ?? null,
      sources: reports.map(reportFields),
    }
  }
}

/** Anomalies of a job on their way into the store. */
class Findings {
  readonly #job: number
  readonly #store: Store
  readonly #origin: string
  #stored = 0
  #known = 0
  #leftOut = 0
  #events = 0
  /** Records of the stored anomalies of each incident. */
  readonly #incidents = new Map<number, number[]>()

  constructor(job: number, store: Store) {
    this.#job = job
    this.#store = store
    this.#origin = `job:${job}`
  }

  async add(anomalies: readonly Anomaly[]): Promise<void> {
    const devices = await this.#store.devices.ensure(anomalies.map(({ device }) => device))
    const unknown = await this.#unknown(anomalies, devices)
    this.#known += anomalies.length - unknown.length
    const fresh = unknown.filter((anomaly) => this.#room(anomaly))
    this.#leftOut += unknown.length - fresh.length
    if (fresh.length === 0) return
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

  #room({ incident, record }: Anomaly): boolean {
    const records = this.#incidents.get(incident) ?? []
    if (records.length >= MOST_OF_INCIDENT || this.#stored >= MOST_STORED) return false
    if (records.push(record) === 1) this.#incidents.set(incident, records)
    this.#stored++
    return true
  }

  /** Gives the stored anomalies their incidents. */
  async conclude(tx: Repositories, incidents: readonly Parameters<typeof incidentJson>[0][]) {
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
      anomalies: this.#stored,
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
    return `job:${this.#job}:${record}`
  }
}

/** Removes what a job has stored, portion by portion. */
export async function forgetFindings(job: number, { db }: Store): Promise<void> {
  for (let last = 0; ; ) {
    const rows = await db
      .selectFrom('anomalies')
      .select('id')
      .where('origin', '=', `job:${job}`)
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
