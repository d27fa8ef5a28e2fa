import type { Jobs } from '../jobs/jobs.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { bundleFromBuffer } from '../store/model-bundle.ts'
import type { ActiveModel } from '../store/models.ts'
import type { SharedModels } from '../store/shared-models.ts'

/** Milliseconds that the database has for an answer. */
const PATIENCE = 3000

/**
 * What the service waits for before it can do all of its work: name -> why. Empty = ready. Not having models because
 * nobody wanted any is no reason to wait.
 */
export async function waiting(models: SharedModels, jobs: Jobs): Promise<Record<string, string>> {
  try {
    const active = await inTime(models.files())
    const wrong = active.flatMap((model) => whyUnreadable(model) ?? [])
    if (wrong.length > 0) return { detection: `stands still: ${wrong.join('; ')}` }
    if (active.length > 0) return {}
    const [job] = await inTime(jobs.list({ kind: 'first-start' }, 1))
    if (!job || job.state === 'cancelled') return {}
    if (job.state === 'failed')
      return { models: `job ${job.id} failed: ${job.error?.message}; train with your own data` }
    return { models: job.message || 'learning from the bundled sample' }
  } catch (error) {
    return { database: (error as Error).message }
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the database has not answered for ${PATIENCE / 1000} s`)),
      PATIENCE,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What is wrong with models that were looked at, by their bytes. */
const looked = new WeakMap<object, string | undefined>()

/** Models of people outlive the version that made them. */
function whyUnreadable({ id, name, bytes }: ActiveModel): string | undefined {
  if (looked.has(bytes)) return looked.get(bytes)
  let why: string | undefined
  try {
    bundleFromBuffer(bytes, name)
  } catch (error) {
    if (!(error instanceof ModelFormatError)) throw error
    why = `model ${id} cannot be used: ${error.message} (POST /api/v1/jobs), or activate another`
  }
  looked.set(bytes, why)
  return why
}
