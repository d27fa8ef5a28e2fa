/** One column of a table at the doors: its name, kind and how to get row `i` of a batch. */
export interface Column<B> {
  readonly name: string
  /**
   * - `text`: a string; '' is unset
   * - `integer`, `number`: NaN is unset
   * - `micros`: seconds with six decimals
   */
  readonly kind: 'text' | 'integer' | 'number' | 'micros'
  at(batch: B, i: number): string | number
}

/** Anything with rows. */
export interface Rows {
  readonly length: number
}

/** Writes batches to one output until closed. */
export interface BatchWriter<B> {
  write(batch: B): Promise<void>
  /** Completes the output. */
  close(): Promise<void>
  /** Leaves no half-written output behind. */
  abort(): void
}
