import { join } from 'node:path'
import { type BundledSample, QUIET } from '../simulate/bundled-sample.ts'
import type { ModelBundle } from '../store/model-bundle.ts'
import { progress } from './progress.ts'

/** Where the bundled sample is put. */
export const SAMPLE_FOLDER = join('demo', 'sample')

/** Makes the sample, the same bytes each time. */
export async function makeSample(): Promise<BundledSample> {
  const { bundledSample } = await import('../simulate/bundled-sample.ts')
  return bundledSample(SAMPLE_FOLDER)
}

/** The models in `folder`, or undefined when there are none that can be used. */
export async function existingModels(folder: string): Promise<ModelBundle[] | undefined> {
  const { loadBundles } = await import('../store/model-bundle.ts')
  return loadBundles(folder).catch(() => undefined)
}

/** Trains the default models on the quiet part of the sample and saves them in `folder`. */
export async function trainOnSample(sample: BundledSample, folder: string): Promise<readonly ModelBundle[]> {
  const [{ train }, { saveBundles }] = await Promise.all([
    import('../pipeline.ts'),
    import('../store/model-bundle.ts'),
  ])
  const bar = await progress('Training', 'learning')
  try {
    const { bundles } = await train([sample.flows, sample.readings], {
      benign: true,
      first: QUIET,
      onProgress: bar.update,
    })
    await saveBundles(folder, bundles)
    return bundles
  } finally {
    bar.stop()
  }
}
