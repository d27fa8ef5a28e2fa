import { z } from 'zod'
import { isReplaceable, keepLesson, OWN, removeOlder } from '../../live/own-models.ts'
import type { SimulatorState } from '../../live/simulator.ts'
import { type BatchSource, train } from '../../pipeline.ts'
import { sampleDevices } from '../../simulate/bundled-sample.ts'
import { bundleToBuffer } from '../../store/model-bundle.ts'
import { jobKind } from '../kind.ts'
import { rangeOf } from '../selection.ts'
import { storedBatches } from '../sources.ts'

/** Devices of which is kept that they were learned from. */
const MOST_DEVICES = 1000

/** Learns what is normal for the devices that sent records themselves, in place of a model that no person chose. */
export const learn = jobKind({
  name: 'learn',
  about: 'learn what is normal for your own devices',
  heavy: true,
  params: z.strictObject({ kind: z.enum(['flows', 'readings']) }),
  async run({ kind }, context) {
    const { store, local, workers, progress } = context
    const range = await rangeOf({}, store)
    // The sample's devices do not live here, unless somebody lets them.
    const demo = (await store.meta.get<SimulatorState>('simulate'))?.on ?? false
    const devices = new Map([...range.devices].filter(([, name]) => demo || !sampleDevices().has(name)))
    const half = (share: number | null, message: string) =>
      progress(share === null ? null : share / 2, share === 1 ? 'learning' : message)
    const hours = new Set<number>()
    const source = storedBatches({ ...range, devices }, [kind], { ...context, progress: half })
    const { bundles, seconds } = await train(noting(source, hours), { workers, ...(local ? { local } : {}) })
    return async (tx) => {
      const before = await tx.models.active(kind)
      // Whoever chose a model meanwhile knows better.
      if (!(await isReplaceable(tx, kind, before))) return { models: [], seconds }
      const { id } = await tx.models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), OWN)
      const { name } = (await tx.models.activate(id))!
      const names = [...devices.values()].slice(0, MOST_DEVICES)
      await keepLesson(tx, kind, { model: id, hours: hours.size, devices: names })
      await removeOlder(tx, kind, before ? [id, before.id] : [id])
      const model = { id, kind, name, active: true }
      await tx.events.append([{ type: 'model', data: { ...model, what: 'learned' } }])
      return { models: [model], seconds }
    }
  },
})

/** Notes the hours in which there are records. */
function noting(source: BatchSource, hours: Set<number>): BatchSource {
  return {
    name: source.name,
    async *batches(reports) {
      for await (const entry of source.batches(reports)) {
        for (const ts of entry.batch.ts) hours.add(Math.floor(ts / 3600))
        yield entry
      }
    },
  }
}
