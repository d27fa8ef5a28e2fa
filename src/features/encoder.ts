import { z } from 'zod'
import type { FeatureColumns, FeatureSpec } from './feature-columns.ts'
import { spell, UNKNOWN_YET } from './feature-columns.ts'
import { rarityOf } from './rarity.ts'

const specSchema = z.object({
  name: z.string(),
  unit: z.string(),
  scale: z.enum(['linear', 'log1p', 'code', 'evidence']),
  direction: z.enum(['both', 'high', 'low']),
  group: z.string().optional(),
  category: z.string().optional(),
  cycle: z.enum(['day', 'week']).optional(),
  span: z.number().optional(),
  whereRare: z.string().optional(),
  words: z.string(),
  metric: z.string().optional(),
  aspect: z.enum(['level', 'change', 'spread', 'gap', 'relation']).optional(),
})

/** How one matrix column comes about; plain data, part of the model. */
export const encoderSchema = z.object({
  spec: specSchema,
  /**
   * - `value`: the scaled feature
   * - `missing`: 1 where it has no value
   * - `unseen`: 1 where none of the categories known from training holds
   * - `rarity`: how rare its code was in training
   * - `rare`: a count, weighed by how rare another feature's code was in training
   * - `relation`: how far a metric is from what the others imply
   */
  what: z.enum(['value', 'missing', 'unseen', 'rarity', 'rare', 'relation']),
  /** Source columns: one; for `rare` the count and the code, for `unseen` the known categories, for `relation` the metrics. */
  from: z.array(z.string()).min(1),
  center: z.number(),
  scale: z.number().positive(),
  /** Where the scaled value bends from linear to logarithmic, in scales from the centre; 0 = never, and no rounding (0/1 columns, cycles). */
  bend: z.number().nonnegative(),
  /** Whether values below the centre count as the centre. */
  oneSided: z.boolean(),
  /** Matrix value of a row without a value. */
  imputed: z.number(),
  typical: z.union([
    z.object({ low: z.number(), high: z.number() }),
    z.object({ usual: z.array(z.string()) }),
  ]),
  /** For `relation`: weight and centre of each source column; the value is the weighted sum. */
  weights: z.array(z.tuple([z.number(), z.number()])).optional(),
  /** For `rarity` and `rare`: number of training rows, and how many of them had each code. */
  counts: z
    .object({ n: z.number().int().positive(), of: z.array(z.tuple([z.number(), z.number()])) })
    .optional(),
})
export type Encoder = z.infer<typeof encoderSchema>

export type ColumnsByName = ReadonlyMap<string, Float64Array>

/** Remembered for as long as the columns live: every anomaly of a batch asks again. */
const indexes = new WeakMap<FeatureColumns, ColumnsByName>()

export function columnsByName(columns: FeatureColumns): ColumnsByName {
  let index = indexes.get(columns)
  if (!index) {
    index = new Map(columns.specs.map((s, j) => [s.name, columns.columns[j]!]))
    indexes.set(columns, index)
  }
  return index
}

/** A code seen in one of a hundred training rows, or more often, is not rare. */
export const RARE = 2

/** A count as it stands where the code was rare, 0 where it was not, unscaled; and weighed by the rarity. */
export function rareCounts(
  e: Pick<Encoder, 'from' | 'counts'>,
  byName: ColumnsByName,
  n: number,
  weighed: boolean,
  start = 0,
): Float64Array {
  const out = new Float64Array(n).fill(Number.NaN)
  const [count, code] = e.from.map((name) => byName.get(name))
  if (!count || !code) return out
  const rarity = rarityOf(e.counts!)
  for (let i = 0; i < n; i++) {
    const excess = Math.max(0, rarity(code[start + i]!) - RARE)
    out[i] = count[start + i]! * (weighed ? excess : excess > 0 ? 1 : 0)
  }
  return out
}

/** How far each row is from a relation between metrics, in the unit of the metric explained; NaN where one is missing. */
export function residuals(
  e: Pick<Encoder, 'from' | 'weights'>,
  byName: ColumnsByName,
  n: number,
  start = 0,
): Float64Array {
  const out = new Float64Array(n)
  e.from.forEach((name, k) => {
    const [weight, center] = e.weights![k]!
    const column = byName.get(name)
    for (let i = 0; i < n; i++) {
      const x = column ? column[start + i]! : Number.NaN
      if (x === UNKNOWN_YET || out[i] === UNKNOWN_YET) out[i] = UNKNOWN_YET
      else out[i]! += weight * (x - center)
    }
  })
  return out
}

/** Whether a value is none, rather than one that needs a longer past. */
export function isMissing(x: number): boolean {
  return !Number.isFinite(x) && x !== UNKNOWN_YET
}

function isDerived(e: Encoder): boolean {
  return e.what === 'relation' || e.what === 'rare'
}

/** The column an encoder scales: its source's, or one made of several. */
function derived(
  e: Encoder,
  byName: ColumnsByName,
  n: number,
  weighed: boolean,
  start = 0,
): Float64Array | undefined {
  if (e.what === 'relation') return residuals(e, byName, n, start)
  if (e.what === 'rare') return rareCounts(e, byName, n, weighed, start)
  return byName.get(e.from[0]!)
}

/** What is shown of a feature that needs a longer past. */
export const LEARNING = 'learning'

/** The value of one row as a person knows it: a number in the spec's unit, a category, 'missing' or 'learning'. */
export function shownValue(e: Encoder, columns: FeatureColumns, row: number): number | string {
  if (e.spec.group !== undefined) {
    const k = columns.specs.findIndex((s, c) => s.group === e.spec.group && columns.columns[c]![row] === 1)
    return columns.specs[k]?.category ?? 'missing'
  }
  const byName = columnsByName(columns)
  const value = isDerived(e) ? derived(e, byName, 1, false, row)?.[0] : byName.get(e.from[0]!)?.[row]
  if (value === UNKNOWN_YET) return LEARNING
  if (value === undefined || !Number.isFinite(value)) return 'missing'
  if (e.what === 'missing') return 'present'
  if (e.what === 'rarity') return spell(value)
  return e.spec.cycle ? phase(e.spec.name, e.spec.cycle, byName, row) : unscaled(e.spec, value)
}

/** Units of things that are counted: counts that fade with time are shown to the nearest whole one. */
const COUNTED = /^(bytes|packets|flows|contacts|destinations|ports|readings)$/

/** A stored value in the spec's unit. */
export function unscaled(spec: Pick<FeatureSpec, 'scale' | 'unit'>, value: number): number {
  if (spec.scale !== 'log1p' && spec.scale !== 'evidence') return value
  const shown = Math.min(spec.scale === 'log1p' ? Math.expm1(value) : 10 ** value, Number.MAX_VALUE)
  return COUNTED.test(spec.unit) ? Math.round(shown) : shown
}

/** Hour of the day 0–24, or day of the week 0–7 from Monday, of a sine/cosine pair. */
function phase(name: string, cycle: 'day' | 'week', byName: ColumnsByName, row: number): number {
  const stem = name.replace(/_(sin|cos)$/, '')
  const sin = byName.get(`${stem}_sin`)?.[row] ?? Number.NaN
  const cos = byName.get(`${stem}_cos`)?.[row] ?? Number.NaN
  return ((Math.atan2(sin, cos) / (2 * Math.PI) + 1) % 1) * (cycle === 'day' ? 24 : 7)
}
