import { bundleToBuffer, loadBundles } from '../store/model-bundle.ts'
import type { Service } from './service.ts'

/**
 * Gives an empty database its first models: those of the folder `models` when there are some, else a job learns them
 * from the bundled sample. Does nothing where there are models or such a job already.
 */
export async function firstStart({ config, store, jobs, log }: Service): Promise<void> {
  if ((await store.models.list()).length > 0) return
  const found = await loadBundles(config.models).catch((error: Error) => {
    if (!error.message.includes('found neither'))
      log.warn({ folder: config.models, error: error.message }, 'models not taken')
    return []
  })
  for (const bundle of found) {
    const { id, kind } = await store.models.add(
      new Uint8Array(bundleToBuffer(bundle)),
      `folder:${config.models}`,
    )
    await store.models.activate(id)
    log.info({ kind, folder: config.models }, 'model taken from its folder')
  }
  if (found.length > 0 || !config.sample) return
  if ((await jobs.list({ kind: 'first-start' }, 1)).length > 0) return
  const { id } = await jobs.add('first-start', {}, 'service')
  log.info({ job: id }, 'no models yet: learning from the bundled sample')
}
