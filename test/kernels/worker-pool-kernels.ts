/** Kernels that worker threads import. */
import { threadId } from 'node:worker_threads'

export const cubesUrl = import.meta.url

interface Cubes {
  readonly x: Float64Array
  readonly out: Float64Array
  /** The thread that gives the job. */
  readonly home: number
  /** Rows made by the thread that gives the job, and by others. */
  readonly made: Int32Array
}

export function cubes({ x, out, home, made }: Cubes, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = x[i]! * x[i]! * x[i]!
  Atomics.add(made, threadId === home ? 0 : 1, to - from)
}

export function failing({ at }: { at: number }, from: number, to: number): void {
  if (from <= at && at < to) throw new RangeError(`row ${at} is bad`)
}

function hidden(): void {}
export const notExported = () => hidden
