import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FINISHED, type Job, Jobs } from '../../src/jobs/jobs.ts'
import type { Upload } from '../../src/jobs/uploads.ts'
import { writeSimulation } from '../../src/simulate/write-simulation.ts'
import { SharedModels } from '../../src/store/shared-models.ts'
import { openStore, type Store } from '../../src/store/store.ts'

/** A store and a runner of jobs in a folder of their own. */
export interface Bench {
  readonly folder: string
  readonly store: Store
  readonly jobs: Jobs
  readonly errors: unknown[]
  upload(path: string, name: string): Promise<Upload>
  close(): Promise<void>
}

export async function openBench(folder = temporaryFolder()): Promise<Bench> {
  const store = await openStore(join(folder, 'test.db'))
  const errors: unknown[] = []
  const jobs = new Jobs({
    store,
    models: new SharedModels(store.models),
    folder,
    onError: (error) => errors.push(error),
  })
  return {
    folder,
    store,
    jobs,
    errors,
    async upload(path, name) {
      const bytes = await readFile(path)
      const chunks = (async function* () {
        yield bytes
      })()
      return (await jobs.uploads.receive(chunks, name)).upload
    },
    async close() {
      await jobs.stop(0)
      await store.close()
    },
  }
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-jobs-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Waits until a job is through. */
export async function finished(jobs: Pick<Jobs, 'get'>, id: number, seconds = 30): Promise<Job> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(25)) {
    const job = await jobs.get(id)
    if (job && FINISHED.includes(job.state)) return job
  }
  throw new Error(`job ${id} is not finished after ${seconds} s: ${JSON.stringify(await jobs.get(id))}`)
}

/** Eight hours of a small home with attacks and faults in the last third. */
export async function simulated(folder: string): Promise<{ flows: string; readings: string }> {
  await writeSimulation(join(folder, 'sample'), {
    devices: 8,
    hours: 8,
    attacks: ['beacon', 'bruteforce'],
    faults: ['spike', 'drift'],
    seed: 3,
    files: ['conn.log.labeled', 'readings.csv'],
  })
  return {
    flows: join(folder, 'sample', 'conn.log.labeled'),
    readings: join(folder, 'sample', 'readings.csv'),
  }
}
