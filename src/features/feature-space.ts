import { z } from 'zod'
import { type Matrix, matrix } from '../kernels/matrix.ts'
import { type FeatureColumns, type FeatureSpec, spell } from './feature-columns.ts'
import { type ColumnSummary, summarise } from './learn-column.ts'
import { learnRarity, rarityOf } from './rarity.ts'

const HOUR = 3600
const CYCLES = {
  day: { seconds: 24 * HOUR, times: 2, words: 'the hour of the day needs 2 full days' },
  week: { seconds: 7 * 24 * HOUR, times: 2, words: 'the day of the week needs 2 full weeks' },
} as const

const specSchema = z.object({
  name: z.string(),
  unit: z.string(),
  scale: z.enum(['linear', 'log1p', 'code']),
  direction: z.enum(['both', 'high', 'low']),
  group: z.string().optional(),
  category: z.string().optional(),
  cycle: z.enum(['day', 'week']).optional(),
  words: z.string(),
  metric: z.string().optional(),
  aspect: z.enum(['level', 'change', 'spread', 'gap', 'relation']).optional(),
})
const rangeSchema = z.object({ low: z.number(), high: z.number() })
const usualSchema = z.object({ usual: z.array(z.string()) })
const encoderSchema = z.object({
  spec: specSchema,
  /** 'value' scales the feature, 'missing' is 1 where it has no value, 'unseen' is 1 where no known category of the group holds, 'rarity' says how rare a code was in training. */
  what: z.enum(['value', 'missing', 'unseen', 'rarity']),
  /** Names of the source columns: one, or for 'unseen' the group's known categories. */
  from: z.array(z.string()),
  center: z.number(),
  scale: z.number().positive(),
  /** Whether the scaled value is bent by asinh and rounded (not for 0/1 columns). */
  bent: z.boolean(),
  /** Whether values on the harmless side of the centre count as the centre. */
  oneSided: z.boolean(),
  /** Matrix value of a row without a value. */
  imputed: z.number(),
  typical: z.union([rangeSchema, usualSchema]),
  /** For 'rarity': number of training rows and how many of them had each code. */
  counts: z
    .object({ n: z.number().int().positive(), of: z.array(z.tuple([z.number(), z.number()])) })
    .optional(),
})
const spaceSchema = z.object({
  version: z.literal(1),
  kind: z.enum(['flows', 'readings']),
  encoders: z.array(encoderSchema),
  dropped: z.array(z.object({ name: z.string(), reason: z.string() })),
})
type Encoder = z.infer<typeof encoderSchema>
type Kind = 'flows' | 'readings'

/**
 * What training made of its features: which are kept, how they are scaled, what is typical.
 *
 * A numeric feature becomes asinh((x - median) / s), s from the quartiles: near the centre that is
 * the usual robust z-score, far out it grows like a logarithm, so that one wild column neither
 * drowns the others in a distance nor loses the order of its values. A feature of which only large
 * values matter starts at its 99 % quantile and is 0 below: how busy a quiet device is from minute to
 * minute says nothing, and would tell two devices apart. A 0/1 feature stays 0/1; a code becomes its
 * rarity. See docs/decisions/040-features.md for what each of these is worth.
 */
export class FeatureSpace {
  readonly kind: Kind
  readonly dropped: readonly { name: string; reason: string }[]
  readonly specs: readonly FeatureSpec[]
  readonly #encoders: readonly Encoder[]

  private constructor(kind: Kind, encoders: readonly Encoder[], dropped: { name: string; reason: string }[]) {
    this.kind = kind
    this.dropped = dropped
    this.#encoders = encoders
    this.specs = encoders.map((e) => e.spec as FeatureSpec)
  }

  /**
   * Learns the space from training features.
   *
   * @param ts seconds since the epoch of each row, to tell which cycles training covers; NaN = no time
   * @throws RangeError when there are no rows
   */
  static fit(kind: Kind, columns: FeatureColumns, ts: Float64Array): FeatureSpace {
    if (columns.length === 0)
      throw new RangeError('a feature space expects at least one training row, got none')
    const dropped: { name: string; reason: string }[] = []
    const encoders: Encoder[] = []
    const groups = new Map<string, { spec: FeatureSpec; summary: ColumnSummary }[]>()
    columns.specs.forEach((spec, j) => {
      const uncovered = spec.cycle && cycleProblem(spec.cycle, ts)
      if (uncovered) {
        dropped.push({ name: spec.name, reason: uncovered })
        return
      }
      if (spec.scale === 'code') {
        encoders.push(rarityEncoder(spec, columns.columns[j]!))
        return
      }
      const summary = summarise(columns.columns[j]!)
      if (spec.group !== undefined) {
        const members = groups.get(spec.group) ?? []
        if (members.length === 0) groups.set(spec.group, members)
        members.push({ spec, summary })
      } else if (summary.n === 0) {
        dropped.push({ name: spec.name, reason: 'no value in training' })
      } else if (summary.min === summary.max && (summary.missing === 0 || summary.missing === 1)) {
        dropped.push({ name: spec.name, reason: `constant in training (${shownNumber(spec, summary.min)})` })
      } else {
        encoders.push(...numericEncoders(spec, summary))
      }
    })
    for (const [group, members] of groups) encodeGroup(group, members, columns, encoders, dropped)
    return new FeatureSpace(kind, encoders, dropped)
  }

  /** Names of the matrix columns, in order. */
  get featureNames(): string[] {
    return this.specs.map((s) => s.name)
  }

  /** The rows as a finite (length, specs.length) matrix. A feature that `columns` lacks counts as missing. */
  transform(columns: FeatureColumns): Matrix {
    const n = columns.length
    const d = this.#encoders.length
    const data = new Float32Array(n * d)
    const byName = indexByName(columns)
    this.#encoders.forEach((e, j) => {
      if (e.what === 'unseen') {
        const known = e.from.map((name) => byName.get(name)).filter((c) => c !== undefined)
        for (let i = 0; i < n; i++) {
          let seen = 0
          for (const column of known) seen += column[i]!
          data[i * d + j] = seen > 0 ? 0 : 1
        }
        return
      }
      const column = byName.get(e.from[0]!)
      if (!column) {
        for (let i = 0; i < n; i++) data[i * d + j] = e.what === 'missing' ? 1 : e.imputed
        return
      }
      if (e.what === 'rarity') {
        const rarity = rarityOf(e.counts!)
        for (let i = 0; i < n; i++) data[i * d + j] = rarity(column[i]!)
        return
      }
      const { imputed } = e
      if (e.what === 'missing') {
        for (let i = 0; i < n; i++) data[i * d + j] = Number.isFinite(column[i]!) ? 0 : 1
      } else {
        for (let i = 0; i < n; i++) {
          const x = column[i]!
          data[i * d + j] = Number.isFinite(x) ? scaled(e, x) : imputed
        }
      }
    })
    return matrix(data, this.featureNames)
  }

  /** Feature j of a row as a person knows it: a number in `specs[j].unit`, a category, or 'missing'. */
  shown(j: number, columns: FeatureColumns, row: number): number | string {
    const e = this.#encoders[j]!
    const byName = indexByName(columns)
    if (e.spec.group !== undefined) {
      const k = columns.specs.findIndex((s, c) => s.group === e.spec.group && columns.columns[c]![row] === 1)
      return k < 0 ? 'missing' : columns.specs[k]!.category!
    }
    const value = byName.get(e.from[0]!)?.[row] ?? Number.NaN
    if (!Number.isFinite(value)) return 'missing'
    if (e.what === 'missing') return 'present'
    if (e.spec.cycle) return shownPhase(e.spec, byName, row)
    if (e.what === 'rarity') return spell(value)
    return shownNumber(e.spec as FeatureSpec, value)
  }

  /** What training showed of feature j: its 1–99 % range as shown, or the categories of at least 1 % of rows. */
  typical(
    j: number,
  ): { readonly low: number; readonly high: number } | { readonly usual: readonly string[] } {
    return this.#encoders[j]!.typical
  }

  /** Plain data for the model bundle. */
  toJSON(): unknown {
    return { version: 1, kind: this.kind, encoders: this.#encoders, dropped: this.dropped }
  }

  /** @throws TypeError when `json` is not what {@link toJSON} gives. */
  static fromJSON(json: unknown): FeatureSpace {
    const parsed = spaceSchema.safeParse(json)
    if (!parsed.success) {
      throw new TypeError(
        `the model's feature space is damaged or of another version: ${z.prettifyError(parsed.error)}; train again`,
      )
    }
    return new FeatureSpace(parsed.data.kind, parsed.data.encoders, parsed.data.dropped)
  }
}

/** Steps a unit that scaled values are rounded to: a difference of a tenth of the usual spread is none, and rows that differ by less become equal. */
const STEPS = 10

/** The matrix value of a finite feature value. */
function scaled(e: Pick<Encoder, 'center' | 'scale' | 'bent' | 'oneSided'>, x: number): number {
  const z = (x - e.center) / e.scale
  if (!e.bent) return z
  if (z <= 0 && e.oneSided) return 0
  // asinh written out: twice as fast as Math.asinh, and exact enough to be rounded.
  const size = Math.abs(z)
  const bent = Math.log(size + Math.sqrt(size * size + 1))
  return Math.round((z < 0 ? -bent : bent) * STEPS) / STEPS
}

function indexByName(columns: FeatureColumns): Map<string, Float64Array> {
  return new Map(columns.specs.map((s, j) => [s.name, columns.columns[j]!]))
}

/** Why training does not cover a cycle; undefined when it does. */
function cycleProblem(cycle: 'day' | 'week', ts: Float64Array): string | undefined {
  const { seconds, times, words } = CYCLES[cycle]
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < ts.length; i++) {
    if (ts[i]! < min) min = ts[i]!
    if (ts[i]! > max) max = ts[i]!
  }
  const span = max - min
  if (!(span >= 0)) return 'the source has no time'
  if (span >= times * seconds) return undefined
  return `${words}, training covers ${(span / HOUR).toFixed(1)} h`
}

/** Smallest scale relative to the size of the values: below that, differences are rounding. */
const RELATIVE_FLOOR = 1e-6

function numericEncoders(spec: FeatureSpec, s: ColumnSummary): Encoder[] {
  const [q01, q25, q50, q75, q99] = s.quantiles
  const bent = !s.binary && !spec.cycle
  const oneSided = bent && spec.direction === 'high'
  // A feature whose middle half is one value has no quartile distance; then its tails set the scale.
  const spread = Math.max((q75 - q25) / 1.349, (q99 - q01) / 4.653, s.std / 4)
  const scale = bent ? Math.max(spread, Math.abs(q50) * RELATIVE_FLOOR, Number.EPSILON) : 1
  const center = bent ? (oneSided ? q99 : q50) : 0
  const at = (x: number) => scaled({ center, scale, bent, oneSided }, x)
  const typical = spec.cycle
    ? { low: 0, high: spec.cycle === 'day' ? 24 : 7 }
    : { low: shownNumber(spec, q01), high: shownNumber(spec, q99) }
  // Missing is imputed by the centre where an indicator tells it; else by a value below all training
  // values, because a value that was never missing must not pass as normal when it is.
  const varies = s.missing > 0
  const value: Encoder = {
    spec,
    what: 'value',
    from: [spec.name],
    center,
    scale,
    bent,
    oneSided,
    imputed: varies ? at(q50) : at(s.min) - 3,
    typical,
  }
  if (!varies) return [value]
  const indicator: Encoder = {
    spec: {
      name: `${spec.name} missing`,
      unit: '',
      scale: 'linear',
      direction: 'both',
      words: `${spec.words} missing`,
    },
    what: 'missing',
    from: [spec.name],
    center: 0,
    scale: 1,
    bent: false,
    oneSided: false,
    imputed: 1,
    typical: {
      usual: s.missing > 0.99 ? ['missing'] : s.missing >= 0.01 ? ['present', 'missing'] : ['present'],
    },
  }
  return s.min === s.max ? [indicator] : [value, indicator]
}

function rarityEncoder(spec: FeatureSpec, column: Float64Array): Encoder {
  const counts = learnRarity(column)
  const usual = counts.of.filter(([, n]) => n >= 0.01 * counts.n).map(([code]) => spell(code))
  return {
    spec,
    what: 'rarity',
    from: [spec.name],
    center: 0,
    scale: 1,
    bent: false,
    oneSided: false,
    imputed: rarityOf(counts)(Number.NaN),
    typical: { usual },
    counts,
  }
}

function encodeGroup(
  group: string,
  members: readonly { spec: FeatureSpec; summary: ColumnSummary }[],
  columns: FeatureColumns,
  encoders: Encoder[],
  dropped: { name: string; reason: string }[],
): void {
  const share = (column: Float64Array) => column.reduce((a, x) => a + x, 0) / columns.length
  const byName = indexByName(columns)
  const shares = members.map((m) => share(byName.get(m.spec.name)!))
  const typical = {
    usual: members
      .map((m, k) => ({ category: m.spec.category!, share: shares[k]! }))
      .filter((m) => m.share >= 0.01)
      .sort((a, b) => b.share - a.share)
      .map((m) => m.category),
  }
  const known: string[] = []
  members.forEach(({ spec, summary }) => {
    if (summary.max > 0) known.push(spec.name)
    if (summary.max === 0) dropped.push({ name: spec.name, reason: 'not seen in training' })
    else if (summary.min === 1) dropped.push({ name: spec.name, reason: 'the only value in training' })
    else {
      encoders.push({
        spec,
        what: 'value',
        from: [spec.name],
        center: 0,
        scale: 1,
        bent: false,
        oneSided: false,
        imputed: 0,
        typical,
      })
    }
  })
  if (known.length === 0) return
  const { words } = members[0]!.spec
  encoders.push({
    spec: { name: `${group} unseen`, unit: '', scale: 'linear', direction: 'high', group, words },
    what: 'unseen',
    from: known,
    center: 0,
    scale: 1,
    bent: false,
    oneSided: false,
    imputed: 1,
    typical,
  })
}

function shownNumber(spec: FeatureSpec, value: number): number {
  return spec.scale === 'log1p' ? Math.expm1(value) : value
}

/** Hour of the day 0–24 or day of the week 0–7 (0 = Monday) from the sine/cosine pair. */
function shownPhase(
  spec: { name: string; cycle?: 'day' | 'week' | undefined },
  byName: Map<string, Float64Array>,
  row: number,
): number {
  const stem = spec.name.replace(/_(sin|cos)$/, '')
  const sin = byName.get(`${stem}_sin`)?.[row] ?? Number.NaN
  const cos = byName.get(`${stem}_cos`)?.[row] ?? Number.NaN
  const turn = (Math.atan2(sin, cos) / (2 * Math.PI) + 1) % 1
  return turn * (spec.cycle === 'day' ? 24 : 7)
}
