/** The program of a WorkerPool's threads: takes ranges of rows until the job has none left. */
import { parentPort } from 'node:worker_threads'
import type { Job, JobDone, RowKernel } from './worker-pool.ts'

if (!parentPort) throw new Error('worker.ts is the program of a WorkerPool thread')
const port = parentPort

port.on('message', async (job: Job) => {
  const done: { -readonly [K in keyof JobDone]: JobDone[K] } = { id: job.id }
  try {
    const kernel = ((await import(job.url)) as Record<string, RowKernel<unknown>>)[job.name]
    if (typeof kernel !== 'function') throw new Error(`${job.url} does not export ${job.name}`)
    for (;;) {
      const from = Atomics.add(job.next, 0, job.grain)
      if (from >= job.rows) break
      kernel(job.args, from, Math.min(from + job.grain, job.rows))
    }
  } catch (error) {
    done.error = error ?? new Error('a kernel threw nothing')
  }
  port.postMessage(done)
})
