import type { Jobs } from '../jobs/jobs.ts'
import type { Store } from '../store/store.ts'

/** Milliseconds that the database has for an answer. */
const PATIENCE = 3000

/**
 * What the service waits for before it can do all of its work: name -> why. Empty = ready. Not having models because
 * nobody wanted any is no reason to wait.
 */
export async function waiting(store: Store, jobs: Jobs): Promise<Record<string, string>> {
  try {
    const models = await inTime(store.models.list())
    if (models.some(({ active }) => active === 1)) return {}
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
