import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { train } from '../../pipeline.ts'
import { bundledSample, QUIET } from '../../simulate/bundled-sample.ts'
import { bundleToBuffer } from '../../store/model-bundle.ts'
import { jobKind } from '../kind.ts'

/** Makes the models of a new service from the quiet part of the bundled sample, where there are none yet. */
export const firstModels = jobKind({
  name: 'first-models',
  about: 'learn from the bundled sample what is normal',
  heavy: true,
  params: z.strictObject({}),
  async run(_, { folder, workers, progress, signal }) {
    const dir = join(folder, 'first-models')
    try {
      progress(0, 'making the bundled sample')
      const sample = await bundledSample(dir)
      signal.throwIfAborted()
      progress(0.2, 'learning from the bundled sample')
      const { bundles } = await train([sample.flows, sample.readings], {
        benign: true,
        first: QUIET,
        workers,
      })
      return async (tx) => {
        const models = []
        for (const bundle of bundles) {
          if (await tx.models.active(bundle.kind)) continue
          const bytes = new Uint8Array(bundleToBuffer(bundle))
          const { kind, name, ...added } = await tx.models.add(
            bytes,
            'sample',
            `${bundle.kind} of the sample`,
          )
          await tx.models.activate(added.id)
          models.push({ id: added.id, kind, name, active: true })
        }
        await tx.events.append(models.map((data) => ({ type: 'model', data })))
        return { models }
      }
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  },
})
