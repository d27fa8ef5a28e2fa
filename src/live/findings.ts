import type { Processed } from '../pipeline/engine.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { Incident } from '../schema/incident.ts'
import type { NewAnomaly } from '../store/anomalies.ts'
import type { NewEvent } from '../store/events.ts'
import { MOST_OF_INCIDENT } from '../store/findings.ts'
import { anomalyEvent, incidentEvent } from '../store/news.ts'
import type { Repositories } from '../store/store.ts'

/** Incidents whose number of stored anomalies is remembered. */
const MOST_REMEMBERED = 50_000
const ORIGIN = 'live'

/** Puts what the engine found into the store: the same journal entry again changes nothing. */
export class Findings {
  /** Anomalies stored of each incident since this began: after a restart there may be that many again. */
  readonly #stored = new Map<number, number>()
  /** Counts at which the feed heard of an incident last. */
  readonly #told = new Map<number, number>()

  /** Stores the anomalies of the journal's entry `seq` and the incidents that changed, in the transaction `tx`. */
  async keep(
    tx: Repositories,
    seq: number,
    { batch, anomalies, firstRecord }: Pick<Processed, 'batch' | 'anomalies' | 'firstRecord'>,
    incidents: readonly Incident[],
  ): Promise<void> {
    if (anomalies.length === 0 && incidents.length === 0) return
    const ids = await tx.incidents.upsert(
      incidents.map((incident) => ({ uid: `live:${incident.id}`, origin: ORIGIN, incident })),
    )
    const taken = anomalies.filter(({ incident }) => this.#room(incident))
    const devices = await tx.devices.ensure(taken.map(({ device }) => device))
    const rows = taken.map(
      (anomaly): NewAnomaly => ({
        uid: `live:${seq}:${anomaly.record - firstRecord}`,
        deviceId: devices.get(anomaly.device)!,
        incidentId: ids.get(`live:${anomaly.incident}`) ?? null,
        origin: ORIGIN,
        anomaly,
      }),
    )
    const added = new Map((await tx.anomalies.insert(rows)).map(({ uid, id }) => [uid, id]))
    const events: NewEvent[] = []
    for (const { uid, deviceId, incidentId, anomaly } of rows) {
      const id = added.get(uid)
      if (id !== undefined) events.push(anomalyEvent(id, deviceId, incidentId, anomaly))
    }
    for (const incident of incidents) {
      if (this.#worthTelling(incident)) events.push(incidentEvent(ids.get(`live:${incident.id}`)!, incident))
    }
    await tx.events.append(events)
    await keepHostNames(tx, batch, anomalies)
  }

  #room(incident: number): boolean {
    const stored = this.#stored.get(incident) ?? 0
    if (stored >= MOST_OF_INCIDENT) return false
    remember(this.#stored, incident, stored + 1)
    return true
  }

  /** A new incident, and one that has doubled. */
  #worthTelling({ id, count }: Incident): boolean {
    const before = this.#told.get(id) ?? 0
    if (count < 2 * before) return false
    remember(this.#told, id, count)
    return true
  }
}

/** Sets an entry; the oldest make room. */
function remember(map: Map<number, number>, key: number, value: number): void {
  map.set(key, value)
  if (map.size > MOST_REMEMBERED) map.delete(map.keys().next().value!)
}

/** Names of devices that the traffic told. */
async function keepHostNames(
  tx: Repositories,
  batch: Processed['batch'],
  anomalies: readonly Anomaly[],
): Promise<void> {
  const names = new Map<string, string>()
  for (const { device, device_name } of anomalies) if (device_name) names.set(device, device_name)
  if (batch.kind === 'flows' && batch.device_name && batch.device) {
    for (let i = 0; i < batch.length; i++) {
      const name = stringAt(batch.device_name, i)
      if (name !== '') names.set(stringAt(batch.device, i), name)
    }
  }
  for (const [device, name] of names) {
    await tx.db
      .updateTable('devices')
      .set({ host_name: name })
      .where('name', '=', device)
      .where((eb) => eb.or([eb('host_name', 'is', null), eb('host_name', '!=', name)]))
      .execute()
  }
}
