/** How often each code occurred in training; `of` holds [code, rows], most frequent first. */
export interface CodeCounts {
  readonly n: number
  readonly of: readonly (readonly [number, number])[]
}

/** Codes kept; the rest, the rarest, count as unseen, which they nearly are. */
const MAX_CODES = 4096

/** Counts the codes of a column; equal counts in order of code, so that the result does not depend on row order. */
export function learnRarity(column: Float64Array): { n: number; of: [number, number][] } {
  const counts = new Map<number, number>()
  for (const code of column) counts.set(code, (counts.get(code) ?? 0) + 1)
  const of = [...counts].filter(([code]) => !Number.isNaN(code)).sort((a, b) => b[1] - a[1] || a[0] - b[0])
  return { n: Math.max(1, column.length), of: of.slice(0, MAX_CODES) }
}

/**
 * The rarity of a code: -log10 of its share of training rows, each code credited half a row more than
 * seen (Krichevsky & Trofimov 1981), so one never seen is finite: log10(2 n + 2).
 *
 * Many codes seen once make an unseen one ordinary; a few frequent ones make it stand out.
 */
export function rarityOf(counts: CodeCounts): (code: number) => number {
  const known = made.get(counts)
  if (known) return known
  const table = new Map(counts.of.map(([code, n]) => [code, -Math.log10((n + 0.5) / (counts.n + 1))]))
  const unseen = Math.log10(2 * (counts.n + 1))
  const rarity = (code: number) => table.get(code) ?? unseen
  made.set(counts, rarity)
  return rarity
}

/** Kept with the counts: there may be thousands of codes, and every row that is explained asks. */
const made = new WeakMap<CodeCounts, (code: number) => number>()
