import { DeviceResolver } from '../devices/device-resolver.ts'
import { ATTACKS } from '../pipeline/line.ts'
import { pickRows } from '../pipeline/rows.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { Incident } from '../schema/incident.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { Device } from '../store/devices.ts'
import { MOST_OF_INCIDENT } from '../store/findings.ts'
import type { Repositories } from '../store/store.ts'

/** With a larger share of anomalies it is not the device that misbehaves: what was learned of it is wrong. */
const MOST_TOLD = 0.05
/** Anomalies looked at, the newest. */
const MOST_ANOMALIES = 1_000_000

/**
 * Leaves out the records that were told as anomalies, so that an attack or a fault is not learned as normal: two hundred
 * records of an attack among thirty thousand hide the next one. Those that people called expected stay.
 *
 * @param devices that are learned
 * @param mayBeWrong whether the model may have been wrong about a device that it told more than a twentieth of as
 *   anomalies; what else is told of that one than attacks is then learned
 * @param local networks in CIDR form; the private ranges when left out
 */
export async function withoutTold(
  { db }: Pick<Repositories, 'db'>,
  devices: readonly Device[],
  mayBeWrong: (device: string) => boolean,
  local: readonly string[] | undefined,
): Promise<(batch: Batch) => Batch> {
  const anomalies = await db
    .selectFrom('anomalies')
    .select(['device_id', 'ts', 'type'])
    .where('ts', 'is not', null)
    .where((eb) => eb.or([eb('feedback', 'is', null), eb('feedback', '!=', 'expected')]))
    .orderBy('id', 'desc')
    .limit(MOST_ANOMALIES)
    .execute()
  const counts = new Map<number, number>()
  for (const { device_id } of anomalies) counts.set(device_id, (counts.get(device_id) ?? 0) + 1)
  const known = new Map(devices.map((device) => [device.id, device]))
  const told = new Set<string>()
  for (const { device_id, ts, type } of anomalies) {
    const device = known.get(device_id)
    if (!device) continue
    const isMuch = counts.get(device_id)! > MOST_TOLD * (device.readings + device.flows)
    if (!(isMuch && mayBeWrong(device.name)) || ATTACKS.has(type)) told.add(keyOf(ts!, device.name))
  }
  const attacks = await longAttacks(db)
  const resolver = new DeviceResolver(local ? { local } : {})
  return (batch) => {
    const device = batch.kind === 'readings' ? batch.device : resolver.assign(batch).device!
    const isTold = (i: number) => {
      const [ts, name] = [batch.ts[i]!, stringAt(device, i)]
      return told.has(keyOf(ts, name)) || attacks.get(name)?.some((a) => a.first <= ts && ts <= a.last)
    }
    const kept = Uint32Array.from(batch.ts.keys()).filter((i) => !isTold(i))
    return kept.length === batch.length ? batch : pickRows(batch, kept)
  }
}

interface Stretch {
  readonly first: number
  readonly last: number
}

/** When devices took part in attacks of which not all anomalies are stored. */
async function longAttacks(db: Repositories['db']): Promise<Map<string, Stretch[]>> {
  const incidents = await db
    .selectFrom('incidents')
    .select(['first', 'last', 'detail_json'])
    .where('type', 'in', [...ATTACKS])
    .where('count', '>', MOST_OF_INCIDENT)
    .execute()
  const stretches = new Map<string, Stretch[]>()
  for (const { first, last, detail_json } of incidents) {
    if (first === null || last === null) continue
    for (const { device } of (JSON.parse(detail_json) as Incident).devices) {
      stretches.set(device, [...(stretches.get(device) ?? []), { first, last }])
    }
  }
  return stretches
}

function keyOf(ts: number, device: string): string {
  return `${ts} ${device}`
}
