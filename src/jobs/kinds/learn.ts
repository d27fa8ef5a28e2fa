import { z } from 'zod'
import { isReplaceable, keepLesson, lessonOf, OWN, removeOlder } from '../../live/own-models.ts'
import type { SimulatorState } from '../../live/simulator.ts'
import { type BatchSource, train } from '../../pipeline.ts'
import type { Feedback } from '../../schema/feedback.ts'
import type { Batch } from '../../schema/reading-batch.ts'
import { sampleDevices } from '../../simulate/bundled-sample.ts'
import type { Device } from '../../store/devices.ts'
import { bundleFromBuffer, bundleToBuffer } from '../../store/model-bundle.ts'
import type { StoredRange } from '../../store/ranges.ts'
import type { Repositories } from '../../store/store.ts'
import { jobKind, WORKERS } from '../kind.ts'
import { storedBatches } from '../sources.ts'
import { withoutTold } from '../told.ts'

/** Records read at most, the newest: some minutes of work. */
const MOST_RECORDS = 2_000_000
/** Devices of which is kept that they were learned from. */
const MOST_DEVICES = 1000

/** Learns what is normal for the devices that sent records themselves, in place of a model that no person chose. */
export const learn = jobKind({
  name: 'learn',
  about: 'learn what is normal for your own devices',
  heavy: true,
  params: z.strictObject({ kind: z.enum(['flows', 'readings']) }),
  async run({ kind }, context) {
    const { store, local, progress } = context
    // The sample's devices do not live here, unless somebody lets them.
    const demo = (await store.meta.get<SimulatorState>('simulate'))?.on ?? false
    const devices = (await store.devices.all()).filter(({ name }) => demo || !sampleDevices().has(name))
    const names = devices.map(({ name }) => name)
    const half = (share: number | null, message: string) =>
      progress(share === null ? null : share / 2, share === 1 ? 'learning' : message)
    const hours = new Set<number>()
    const source = storedBatches(newestOf(devices, kind), [kind], { ...context, progress: half })
    // What a device has sent for a day is its normal, or a sensor that is broken; of flows it may as well be an attack.
    const active = await store.models.active(kind)
    const known = new Set(active && (await lessonOf(store, active))?.devices)
    const mayBeWrong = (device: string) => kind === 'readings' || !known.has(device)
    const usable = await withoutTold(store, devices, mayBeWrong, local)
    const { bundles, seconds } = await train(each(source, hours, usable), {
      workers: WORKERS,
      ...(local ? { local } : {}),
    })
    return async (tx) => {
      const before = await tx.models.active(kind)
      // Whoever chose a model meanwhile knows better.
      if (!(await isReplaceable(tx, kind, before))) return { models: [], seconds }
      const feedback = before && (await feedbackOf(tx, before.id))
      const bundle = { ...bundles[0]!, ...(feedback && { feedback }) }
      const { id } = await tx.models.add(new Uint8Array(bundleToBuffer(bundle)), OWN)
      const { name } = (await tx.models.activate(id))!
      await keepLesson(tx, kind, { model: id, hours: hours.size, devices: names.slice(0, MOST_DEVICES) })
      await removeOlder(tx, kind, before ? [id, before.id] : [id])
      const model = { id, kind, name, active: true }
      await tx.events.append([{ type: 'model', data: { ...model, what: 'learned' } }])
      return { models: [model], seconds }
    }
  },
})

/** What people said about the anomalies of a model; its next version goes by it too. */
async function feedbackOf({ models }: Repositories, id: number): Promise<readonly Feedback[] | undefined> {
  const bytes = await models.bytes(id)
  return bytes && bundleFromBuffer(bytes, `model ${id}`).feedback
}

/** All that there is of these devices, or the last part of the time when that is too much. */
function newestOf(devices: readonly Device[], kind: Batch['kind']): StoredRange {
  let [from, to, records] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const { first_seen, last_seen, [kind]: n } of devices) {
    if (first_seen !== null) from = Math.min(from, first_seen)
    if (last_seen !== null) to = Math.max(to, last_seen + 1)
    records += n
  }
  const share = Math.min(1, MOST_RECORDS / Math.max(1, records))
  return { devices: new Map(devices.map(({ id, name }) => [id, name])), from: to - (to - from) * share, to }
}

/** What is usable of each batch; notes the hours in which there are records. */
function each(source: BatchSource, hours: Set<number>, usable: (batch: Batch) => Batch): BatchSource {
  return {
    name: source.name,
    async *batches(reports) {
      for await (const { batch, ...rest } of source.batches(reports)) {
        for (const ts of batch.ts) hours.add(Math.floor(ts / 3600))
        const kept = usable(batch)
        if (kept.length > 0) yield { ...rest, batch: kept }
      }
    },
  }
}
