/** Texts that mean "no value" in tables of every kind; a cell of nothing always does. */
export const UNSET_WORDS: readonly string[] = [
  '-',
  'NaN',
  'nan',
  'NAN',
  'NA',
  'N/A',
  'n/a',
  '<NA>',
  'null',
  'NULL',
  'None',
  'none',
  '?',
  '(empty)',
]

/** Tells whether a cell holds no value. */
export class UnsetWords {
  readonly #words: readonly Uint8Array[]

  constructor(words: readonly string[]) {
    this.#words = words.map((text) => Buffer.from(text))
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (length === 0) return true
    for (const word of this.#words) {
      if (word.length !== length) continue
      let i = 0
      while (i < length && word[i] === bytes[start + i]) i++
      if (i === length) return true
    }
    return false
  }
}
