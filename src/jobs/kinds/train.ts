import { z } from 'zod'
import { reportFields } from '../../adapters/read-report.ts'
import { MODEL_CHOICES } from '../../pipeline/options.ts'
import { train as trainOn } from '../../pipeline.ts'
import { bundleToBuffer } from '../../store/model-bundle.ts'
import { given } from '../given.ts'
import { jobKind, WORKERS } from '../kind.ts'
import { rangeOf, Stored } from '../selection.ts'
import { storedBatches, uploadedBatches } from '../sources.ts'
import { Upload } from '../uploads.ts'
import { Reading } from './reading.ts'

/** Learns from stored data or an uploaded file what is normal. */
export const train = jobKind({
  name: 'train',
  about: 'learn from stored data or a file what is normal',
  heavy: true,
  params: z.strictObject({
    upload: Upload.optional().describe('learn from this file; from what is stored when left out'),
    stored: Stored.optional().describe('which stored records'),
    ...Reading.shape,
    name: z.string().min(1).max(100).optional().describe('what to call the model'),
    activate: z.boolean().default(true).describe('whether it is used from then on'),
    contamination: z.number().min(1e-6).max(0.5).optional().describe('share of records that is unusual'),
    false_alarms: z.string().max(40).optional().describe('false alarms accepted, as 1/device-day'),
    model: z.enum(MODEL_CHOICES).optional(),
    seed: z.int().min(0).max(0xffffffff).optional(),
    benign: z.boolean().optional().describe('only from rows labelled benign'),
    first: z.number().min(1e-6).max(1).optional().describe('only from this first part in time'),
  }),
  upload: ({ upload }) => upload,
  async run(params, context) {
    const { upload, stored = {}, name, activate, false_alarms: falseAlarms } = params
    const { adapter, map, local, contamination, model, seed, benign, first } = params
    const { progress } = context
    // Fitting comes after reading and says nothing of how far it is: reading is the first half.
    const half = (share: number | null, message: string) =>
      progress(share === null ? null : share >= 1 ? 0.5 : share / 2, share === 1 ? 'learning' : message)
    const source = upload
      ? uploadedBatches(upload, given({ adapter, map }), { ...context, progress: half })
      : storedBatches(await rangeOf(stored, context.store), stored.kinds ?? ['flows', 'readings'], {
          ...context,
          progress: half,
        })
    const { bundles, reports, seconds } = await trainOn(
      source,
      given({
        local: local ?? context.local,
        workers: WORKERS,
        contamination,
        falseAlarms,
        model,
        seed,
        benign,
        first,
      }),
    )
    return async (tx) => {
      const models = []
      for (const bundle of bundles) {
        const {
          id,
          kind,
          name: title,
        } = await tx.models.add(new Uint8Array(bundleToBuffer(bundle)), `job:${context.id}`, name)
        if (activate) await tx.models.activate(id)
        models.push({ id, kind, name: title, active: activate })
      }
      await tx.events.append(models.map((data) => ({ type: 'model', data })))
      return { models, sources: reports.map(reportFields), seconds }
    }
  },
})
