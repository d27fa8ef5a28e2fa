import { execFileSync } from 'node:child_process'
import { threadId } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { shared, WorkerPool } from '../../src/kernels/worker-pool.ts'
import { cubes, cubesUrl, failing, notExported } from './worker-pool-kernels.ts'

const pool = new WorkerPool(3)
afterAll(() => pool.close())

const rows = 10_000
const args = () => ({
  x: shared(Float64Array.from({ length: rows }, (_, i) => i)),
  out: shared(new Float64Array(rows)),
  home: threadId,
  made: shared(new Int32Array(2)),
})

describe('WorkerPool', () => {
  it('fills every row once, on several threads', async () => {
    const one = args()
    await pool.run(cubesUrl, cubes, one, rows, 100)
    expect(one.out).toEqual(Float64Array.from(one.x, (v) => v * v * v))
    expect([...one.made]).toEqual([0, rows])
  })

  it('keeps small jobs and single-worker pools on the calling thread', async () => {
    const small = args()
    await pool.run(cubesUrl, cubes, small, rows, rows)
    expect(small.made[0]).toBe(rows)
    const single = args()
    await new WorkerPool(1).run(cubesUrl, cubes, single, rows, 100)
    expect(single.made[0]).toBe(rows)
    await pool.run(cubesUrl, cubes, small, 0, 1)
  })

  it('runs jobs given at the same time', async () => {
    const jobs = Array.from({ length: 8 }, args)
    await Promise.all(jobs.map((job) => pool.run(cubesUrl, cubes, job, rows, 100)))
    for (const job of jobs) expect(job.out).toEqual(Float64Array.from(job.x, (v) => v * v * v))
  })

  it('rejects with what a kernel threw, and works on', async () => {
    await expect(pool.run(cubesUrl, failing, { at: 5000 }, rows, 100)).rejects.toThrow('row 5000 is bad')
    await expect(pool.run(cubesUrl, notExported(), {}, rows, 100)).rejects.toThrow('does not export hidden')
    const after = args()
    await pool.run(cubesUrl, cubes, after, rows, 100)
    expect(after.out[rows - 1]).toBe((rows - 1) ** 3)
  })

  it('refuses memory that workers cannot reach, bad sizes and use after close', async () => {
    const unshared = { ...args(), out: new Float64Array(rows) }
    await expect(pool.run(cubesUrl, cubes, unshared, rows, 100)).rejects.toThrow('cannot fill out')
    expect(() => new WorkerPool(0)).toThrow('got 0')
    const closed = new WorkerPool(2)
    await closed.run(cubesUrl, cubes, args(), rows, 100)
    await closed.close()
    await expect(closed.run(cubesUrl, cubes, args(), rows, 100)).rejects.toThrow('closed')
  })

  it('fails jobs under way when it is closed', async () => {
    const closing = new WorkerPool(2)
    const job = closing.run(cubesUrl, cubes, args(), rows, 100)
    const failure = expect(job).rejects.toThrow('ended early')
    await closing.close()
    await failure
  })

  it('does not keep the process alive when idle, and does while it works', () => {
    const program = `
      import { WorkerPool, shared } from ${JSON.stringify(import.meta.resolve('../../src/kernels/worker-pool.ts'))}
      import { cubes, cubesUrl } from ${JSON.stringify(cubesUrl)}
      const args = { x: shared(new Float64Array(1000).fill(2)), out: shared(new Float64Array(1000)), home: 0, made: shared(new Int32Array(2)) }
      new WorkerPool(2).run(cubesUrl, cubes, args, 1000, 10).then(() => console.log(args.out[999], ...args.made))`
    const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 10_000 })
    expect(stdout.toString().trim()).toBe('8 0 1000')
  })
})
