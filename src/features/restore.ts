import { type Encoder, unscaled } from './encoder.ts'
import { spell } from './feature-columns.ts'
import { rarityOf } from './rarity.ts'

/** Whether every value between two matrix values of a column is the value of some record. */
export function isNumeric({ what, bend }: Encoder): boolean {
  return (what === 'value' || what === 'relation') && bend > 0
}

/**
 * What a matrix value stands for, as a person knows it: the inverse of `encode`. Of a feature that only counts
 * from its centre on, the centre stands for all below.
 *
 * @returns undefined where it stands for no one value, as a count weighed by a rarity
 */
export function restoredValue(e: Encoder, value: number): number | string | undefined {
  if (e.what === 'missing') return value > 0.5 ? 'missing' : 'present'
  if (e.what === 'unseen') return undefined
  if (e.what === 'rarity') {
    const rarity = rarityOf(e.counts!)
    // Matrix values are rounded to float32.
    const code = e.counts!.of.find(([own]) => Math.fround(rarity(own)) === Math.fround(value))
    return code && spell(code[0])
  }
  if (e.what === 'rare') return value === 0 && e.center === 0 ? 0 : undefined
  const z = e.bend === 0 ? value : e.bend * Math.sinh(value / e.bend)
  const stored = e.center + e.scale * z
  // Matrix values are rounded: what cannot be negative stays so.
  return unscaled(e.spec, e.spec.scale === 'linear' ? stored : Math.max(0, stored))
}
