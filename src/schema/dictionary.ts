/**
 * A dictionary-encoded string column: row i holds `values[codes[i]]`.
 *
 * Addresses, services and states repeat; storing a 4-byte code a row keeps a batch of
 * flows small and makes "same value?" an integer comparison.
 */
export interface Dictionary {
  readonly codes: Uint32Array
  readonly values: readonly string[]
}

/** The string in row `i`. */
export function stringAt(column: Dictionary, i: number): string {
  return column.values[column.codes[i]!]!
}

/** Builds a {@link Dictionary} row by row; the first distinct string gets code 0, the next 1, … */
export class DictionaryBuilder {
  #codes: Uint32Array
  #length = 0
  readonly #index = new Map<string, number>()
  readonly #values: string[] = []

  constructor(capacity = 1024) {
    this.#codes = new Uint32Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** The code of `value`, newly assigned when unseen. Does not add a row. */
  intern(value: string): number {
    let code = this.#index.get(value)
    if (code === undefined) {
      code = this.#values.length
      this.#values.push(value)
      this.#index.set(value, code)
    }
    return code
  }

  /** Appends a row holding `value`. */
  push(value: string): void {
    this.pushCode(this.intern(value))
  }

  /** Appends a row holding the string behind `code` (from {@link intern}). */
  pushCode(code: number): void {
    if (this.#length === this.#codes.length) {
      const grown = new Uint32Array(this.#codes.length * 2)
      grown.set(this.#codes)
      this.#codes = grown
    }
    this.#codes[this.#length++] = code
  }

  /** The finished column; the builder must not be used afterwards. */
  finish(): Dictionary {
    return { codes: this.#codes.subarray(0, this.#length), values: this.#values }
  }
}
