import type { Batch } from '../schema/reading-batch.ts'
import type { ReadReport } from './read-report.ts'
import type { Source } from './source.ts'

/** How to read; every field has a default. */
export interface ReadOptions {
  /** Column mapping of `--map columns.yaml`: standard field -> column of the source. */
  readonly map?: Readonly<Record<string, string>>
  /** Largest number of rows in a yielded batch; default 8192. */
  readonly batchSize?: number
  /** Workers an adapter may use; 1 = this thread only, default 1. The result does not depend on it. */
  readonly workers?: number
}

/** Maps one kind of source to the standard schema. To add one, see docs/add-an-adapter.md. */
export interface Adapter {
  /** The word for `--adapter`. */
  readonly name: string
  /** One line for `--help` and `inspect`. */
  readonly description: string
  /**
   * Whether this adapter can read a source that starts with `head` (up to 64 KiB, already
   * decompressed), judged by content. Adapters are asked in a fixed order, the strictest first.
   */
  accepts(head: Uint8Array): boolean
  /**
   * Reads the whole source as batches in source order. Everything read is counted in `report`:
   * read = used + rejected. A broken row is rejected with place and remedy, never thrown;
   * only a source of which nothing can be read throws an {@link InputError}.
   */
  read(source: Source, options: ReadOptions, report: ReadReport): AsyncIterable<Batch>
}
