import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { collectGarbage } from '../../kernels/garbage.ts'
import { Intake } from '../../live/intake/intake.ts'
import { SAMPLE } from '../../live/own-models.ts'
import { train } from '../../pipeline.ts'
import { bundledSample, QUIET } from '../../simulate/bundled-sample.ts'
import { bundleToBuffer } from '../../store/model-bundle.ts'
import { jobKind, WORKERS } from '../kind.ts'

/** Bytes of records handed over at a time. */
const PORTION = 1 << 20

/**
 * Fills a new service with the bundled sample: its records, which are scored as any others, and models of its quiet
 * part, where there are none.
 */
export const firstStart = jobKind({
  name: 'first-start',
  about: 'store the bundled sample and learn from it what is normal',
  heavy: true,
  params: z.strictObject({}),
  async run(_, { folder, store, progress, signal }) {
    const dir = join(folder, 'first-start')
    try {
      progress(0, 'making the bundled sample')
      const sample = await bundledSample(dir, ['flows.ndjson', 'readings.ndjson'])
      const intake = await Intake.start(store.database.url)
      try {
        for (const [i, kind] of (['readings', 'flows'] as const).entries()) {
          progress(0.1 * (i + 1), `storing ${kind} of the bundled sample`)
          for await (const lines of portions(join(dir, `${kind}.ndjson`))) {
            signal.throwIfAborted()
            await intake.write(kind, lines, 'bundled sample')
          }
        }
      } finally {
        await intake.close()
      }
      collectGarbage()
      progress(0.3, 'learning from the bundled sample')
      const { bundles } = await train([sample.flows, sample.readings], {
        benign: true,
        first: QUIET,
        workers: WORKERS,
      })
      return async (tx) => {
        const models = []
        for (const bundle of bundles) {
          if (await tx.models.active(bundle.kind)) continue
          const bytes = new Uint8Array(bundleToBuffer(bundle))
          const { id, kind, name } = await tx.models.add(bytes, SAMPLE, `${bundle.kind} of the sample`)
          await tx.models.activate(id)
          models.push({ id, kind, name, active: true })
        }
        await tx.events.append(models.map((data) => ({ type: 'model', data })))
        return { models }
      }
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  },
})

/** Whole lines of a file, about a megabyte at a time. */
async function* portions(path: string): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: PORTION })) {
    const bytes = Buffer.concat([rest, chunk as Buffer])
    const end = bytes.lastIndexOf(10) + 1
    if (end > 0) yield bytes.subarray(0, end)
    rest = bytes.subarray(end)
  }
  if (rest.length > 0) yield rest
}
