/** Words by which data sets say that a record is harmless. */
const BENIGN = new Set([
  'benign',
  'normal',
  'legitimate',
  'legit',
  'clean',
  'background traffic',
  'false',
  'no',
])
const UNSET = new Set(['', '-', '(empty)', '<none>', '?', 'nan', 'none', 'null', 'unknown', 'background'])

/** How a data set words its ground truth where it is not with the common words. */
export interface LabelWords {
  /** Classes that are harmless, lower case. */
  readonly benign?: readonly string[]
  /** What to call the harmful; default 'malicious'. */
  readonly harmful?: string
}

/**
 * The coarse label of a class word: 'benign', 'malicious', or '' where the source does not say.
 *
 * 0/1 are benign/malicious; CTU-13's `flow=From-Botnet-…`, `flow=From-Normal-…` are understood;
 * any other word names an attack.
 */
export function coarseLabel(text: string, words: LabelWords = {}): string {
  const word = text.trim().toLowerCase().replace(/\.$/, '')
  if (words.benign?.includes(word)) return 'benign'
  if (UNSET.has(word)) return ''
  if (BENIGN.has(word)) return 'benign'
  const number = Number(word)
  const harmful = words.harmful ?? 'malicious'
  if (Number.isFinite(number)) return number === 0 ? 'benign' : harmful
  if (word.startsWith('flow=')) {
    if (word.includes('botnet')) return harmful
    return word.includes('normal') ? 'benign' : ''
  }
  return harmful
}

/** The finer class: the source's own word for an attack, '' for the harmless and where there is only 0/1. */
export function fineLabel(text: string, words: LabelWords = {}): string {
  const word = text.trim().replace(/\.$/, '')
  if (['', 'benign'].includes(coarseLabel(word, words))) return ''
  const plain = word.toLowerCase()
  if (['malicious', 'attack', 'anomaly', 'true', 'yes'].includes(plain)) return ''
  return Number.isFinite(Number(word)) ? '' : word
}
