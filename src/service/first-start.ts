import { OWN, SAMPLE } from '../live/own-models.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { isOfSample } from '../simulate/bundled-sample.ts'
import { bundleFromBuffer, bundleToBuffer, loadBundles } from '../store/model-bundle.ts'
import type { Service } from './service.ts'

/**
 * Gives an empty database its first models: those of the folder `models` when there are some, else a job learns them
 * from the bundled sample. Does nothing where there are models or such a job already. Models that an earlier version made
 * by itself and this one cannot read are made anew; those of people are theirs to train again.
 */
export async function firstStart(service: Service): Promise<void> {
  const { config, store, jobs, log } = service
  const outdated = await removeOutdated(service)
  if (!outdated && (await store.models.list()).length > 0) return
  const found = await loadBundles(config.models).catch((error: Error) => {
    if (!error.message.includes('found neither'))
      log.warn({ folder: config.models, error: error.message }, 'models not taken')
    return []
  })
  for (const bundle of found) {
    if (await store.models.active(bundle.kind)) continue
    const { sources, from } = bundle.summary
    const origin = isOfSample(sources, from) ? SAMPLE : `folder:${config.models}`
    const { id, kind } = await store.models.add(new Uint8Array(bundleToBuffer(bundle)), origin)
    await store.models.activate(id)
    log.info({ kind, folder: config.models }, 'model taken from its folder')
  }
  if (found.length > 0 || !config.sample) return
  if (!outdated && (await jobs.list({ kind: 'first-start' }, 1)).length > 0) return
  const { id } = await jobs.add('first-start', {}, 'service')
  log.info({ job: id }, 'no models yet: learning from the bundled sample')
}

/** Removes the service's own active models that this version cannot read; whether one was the sample's. */
async function removeOutdated({ store, models, jobs, log }: Service): Promise<boolean> {
  let removed = false
  try {
    await models.active()
    return removed
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error
  }
  for (const kind of ['flows', 'readings'] as const) {
    const model = await store.models.active(kind)
    const bytes = model && (await store.models.bytes(model.id))
    if (!bytes) continue
    try {
      bundleFromBuffer(bytes, model.name)
    } catch (error) {
      if (!(error instanceof ModelFormatError)) throw error
      log.warn({ model: model.id, error: error.message }, 'model cannot be read')
      if (model.origin !== SAMPLE && model.origin !== OWN) continue
      await store.db.deleteFrom('models').where('id', '=', model.id).execute()
      if (model.origin === SAMPLE) removed = true
      else await jobs.add('learn', { kind }, 'motewatch')
    }
  }
  return removed
}
