import type { z } from 'zod'
import type { RetentionPolicy } from '../store/retention.ts'
import type { ModelSource } from '../store/shared-models.ts'
import type { Repositories, Store } from '../store/store.ts'
import type { Upload } from './uploads.ts'

/** Something that takes longer than a request: `run` works in a thread of its own. */
export interface JobKind<P extends z.ZodType = z.ZodType> {
  readonly name: string
  readonly about: string
  /** What a job of this kind is told; everything in it is shown to people. */
  readonly params: P
  /** Whether it keeps the cores busy: such jobs run one after the other. */
  readonly heavy: boolean
  /** The uploaded file it reads, which goes when the job is finished. */
  upload?(params: z.infer<P>): Upload | undefined
  /**
   * Does the work. A job whose process died is run again from the beginning, so what is written on the way must be
   * found there, not doubled.
   *
   * @returns what is left to write, in the transaction that ends the job; its value is the job's result
   */
  run(params: z.infer<P>, context: JobContext): Promise<Conclusion>
  /** Takes back what a job has written on the way that failed or was cancelled. */
  undo?(id: number, store: Store): Promise<void>
}

export type Conclusion = (tx: Repositories) => Promise<unknown>

/** What the service says to all jobs. */
export interface JobSettings {
  /** Where it keeps its files. */
  readonly folder: string
  /** Local networks in CIDR form; the private ranges when left out. */
  readonly local?: readonly string[] | undefined
  /** How long what is kept. */
  readonly keeping?: RetentionPolicy | undefined
}

/**
 * Threads of a job: its own. Two more that score make detection a fifth faster and take 75 MB; in training each needs as
 * much memory as the job itself.
 */
export const WORKERS = 1

/** What a job has at hand. */
export interface JobContext extends JobSettings {
  readonly id: number
  /** Connections of its own. */
  readonly store: Store
  readonly models: ModelSource
  /** Aborted when the job is cancelled or the service stops. */
  readonly signal: AbortSignal
  /**
   * Says how far it is.
   *
   * @param share 0–1, null where that is unknown
   * @throws the signal's reason once the job is cancelled
   */
  progress(share: number | null, message: string): void
}

/** Gives a kind its types. */
export function jobKind<P extends z.ZodType>(kind: JobKind<P>): JobKind<P> {
  return kind
}
