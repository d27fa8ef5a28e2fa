import { scaled } from '../kernels/scaling.ts'
import { columnsByName, type Encoder, rareCounts, residuals, unscaled } from './encoder.ts'
import { type FeatureColumns, type FeatureSpec, spell } from './feature-columns.ts'
import { type ColumnSummary, summarise } from './learn-column.ts'
import { learnRarity, rarityOf } from './rarity.ts'
import { learnRelations } from './relations.ts'

const HOUR = 3600
const CYCLES = {
  day: { span: 2 * 24 * HOUR, words: 'the hour of the day needs 2 full days of training' },
  week: { span: 14 * 24 * HOUR, words: 'the day of the week needs 2 full weeks of training' },
} as const
/** Smallest scale relative to the size of the values: below that, differences are rounding. */
const RELATIVE_FLOOR = 1e-6
/**
 * Where values bend, by what they are. Flow features are logarithms already, with tails that say little.
 * Sensor values are near to normal, and how far out one lies is the very question.
 */
const BEND = { flows: 1, readings: 5 } as const
type Kind = keyof typeof BEND
/** Largest scale: values near the end of what a number can hold must not make it infinite. */
const MOST_SCALE = 1e300
/** A category is usual from this share of training rows on. */
const USUAL_SHARE = 0.01

export interface Learned {
  readonly encoders: Encoder[]
  readonly dropped: { name: string; reason: string }[]
}

/** Decides which features are worth a matrix column, and how each becomes one. */
export function learnEncoders(kind: Kind, columns: FeatureColumns, ts: Float64Array): Learned {
  const learned: Learned = { encoders: [], dropped: [] }
  const groups = new Map<string, Member[]>()
  const still = stillMetrics(columns)
  columns.specs.forEach((spec, j) => {
    const column = columns.columns[j]!
    const uncovered = coverProblem(spec, ts)
    if (uncovered) learned.dropped.push({ name: spec.name, reason: uncovered })
    else if (isCounter(spec) && still.has(spec.metric ?? '')) {
      learned.dropped.push({ name: spec.name, reason: `${spec.metric} never changed in training` })
    } else if (spec.whereRare !== undefined) learned.encoders.push(...rareEncoders(spec, columns))
    else if (spec.scale === 'code') learned.encoders.push(rarityEncoder(spec, column))
    else if (spec.group === undefined) learnNumber(kind, spec, summarise(column), learned)
    else {
      const members = groups.get(spec.group) ?? []
      if (members.length === 0) groups.set(spec.group, members)
      members.push({ spec, share: column.reduce((sum, x) => sum + x, 0) / columns.length })
    }
  })
  // Rows without time are a plain table, of unknown kind: its values are taken as they are.
  if (ts.some(Number.isFinite)) learned.encoders.push(...relationEncoders(columns))
  for (const [group, members] of groups) learnGroup(group, members, learned)
  return learned
}

/**
 * Metrics that no device ever changed, as a battery that is full: how long they stand still says how long they are
 * known, and grows beyond what training had by itself. None when all are such, as then there is nothing else to learn.
 */
function stillMetrics({ specs, columns }: FeatureColumns): ReadonlySet<string> {
  const changes = specs.flatMap(({ metric, aspect }, j) =>
    metric !== undefined && aspect === 'change' ? [{ metric, column: columns[j]! }] : [],
  )
  const still = changes.filter(({ column }) => column.every((x) => x === 0 || Number.isNaN(x)))
  return new Set(still.length < changes.length ? still.map(({ metric }) => metric) : [])
}

/** Why training does not cover a cycle, or too short a time; undefined when it does. */
function coverProblem({ cycle, span, words }: FeatureSpec, ts: Float64Array): string | undefined {
  if (cycle === undefined && span === undefined) return undefined
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < ts.length; i++) {
    if (ts[i]! < min) min = ts[i]!
    if (ts[i]! > max) max = ts[i]!
  }
  if (min > max) return 'the source has no time'
  const needed = cycle
    ? CYCLES[cycle]
    : { span: span!, words: `${words}: needs ${span! / HOUR} h of training` }
  return max - min >= needed.span
    ? undefined
    : `${needed.words}, it covers ${((max - min) / HOUR).toFixed(1)} h`
}

function learnNumber(kind: Kind, spec: FeatureSpec, s: ColumnSummary, { encoders, dropped }: Learned): void {
  // A counter that stood still throughout training stays: that it counts at all would be the news.
  const constant = s.min === s.max && !isCounter(spec)
  if (s.n === 0) dropped.push({ name: spec.name, reason: 'no value in training' })
  else if (spec.scale === 'evidence') {
    const typical = { low: 1, high: unscaled(spec, s.quantiles[4]) }
    encoders.push(zeroOne('value', [spec.name], typical, 0, spec))
  } else if (constant && s.missing === 0) {
    dropped.push({ name: spec.name, reason: `constant in training (${unscaled(spec, s.min)})` })
  } else {
    if (!constant) encoders.push(numberEncoder(kind, spec, s))
    if (s.missing > 0) encoders.push(missingEncoder(spec, s))
  }
}

function isCounter(spec: FeatureSpec): boolean {
  return spec.direction === 'high' && spec.scale === 'log1p'
}

function numberEncoder(kind: Kind, spec: FeatureSpec, s: ColumnSummary): Encoder {
  const [q01, q25, q50, q75, q99] = s.quantiles
  const bend = isCounter(spec) || (!s.binary && !spec.cycle) ? BEND[kind] : 0
  const oneSided = bend > 0 && spec.direction === 'high'
  // A feature whose middle half is one value has no quartile distance; then its tails set the scale.
  const spread = Math.max((q75 - q25) / 1.349, (q99 - q01) / 4.653, s.std / 4)
  const floor = s.min === s.max ? 1 : Math.max(Math.abs(q50) * RELATIVE_FLOOR, Number.EPSILON)
  const scale = bend > 0 ? Math.min(Math.max(spread, floor), MOST_SCALE) : 1
  const center = bend > 0 ? (oneSided ? q99 : q50) : 0
  const at = (x: number) => scaled({ center, scale, bend, oneSided }, x)
  return {
    spec,
    what: 'value',
    from: [spec.name],
    center,
    scale,
    bend,
    oneSided,
    // Where training has gaps an indicator tells them, and the centre says nothing more. A value that was
    // never missing must not pass as normal when it is: it becomes one below all that training had.
    imputed: s.missing > 0 ? at(q50) : at(s.min) - 3,
    typical: spec.cycle
      ? { low: 0, high: spec.cycle === 'day' ? 24 : 7 }
      : { low: unscaled(spec, q01), high: unscaled(spec, q99) },
  }
}

function missingEncoder(spec: FeatureSpec, s: ColumnSummary): Encoder {
  const usual = [
    ...(1 - s.missing >= USUAL_SHARE ? ['present'] : []),
    ...(s.missing >= USUAL_SHARE ? ['missing'] : []),
  ]
  return zeroOne('missing', [spec.name], { usual }, 1, {
    ...spec,
    name: `${spec.name} missing`,
    unit: '',
    scale: 'linear',
    words: `${spec.words} missing`,
  })
}

function rarityEncoder(spec: FeatureSpec, column: Float64Array): Encoder {
  const counts = learnRarity(column)
  const usual = counts.of.filter(([, rows]) => rows >= USUAL_SHARE * counts.n).map(([code]) => spell(code))
  return { ...zeroOne('rarity', [spec.name], { usual }, rarityOf(counts)(Number.NaN), spec), counts }
}

/** The count of a rare code; its scale is the count's own, so that it means the same on every training set. */
function rareEncoders(spec: FeatureSpec, columns: FeatureColumns): Encoder[] {
  const byName = columnsByName(columns)
  const codes = byName.get(spec.whereRare!)
  if (!codes) return []
  const from = [spec.name, spec.whereRare!]
  const counts = learnRarity(codes)
  const { n, quantiles } = summarise(rareCounts({ from, counts }, byName, columns.length, false))
  if (n === 0) return []
  const typical = { low: unscaled(spec, quantiles[0]), high: unscaled(spec, quantiles[4]) }
  return [{ ...zeroOne('rare', from, typical, 0, spec), counts }]
}

/** Metrics that follow from the others: how far each is off, learned on levels and on averages apart. */
function relationEncoders(columns: FeatureColumns): Encoder[] {
  const kinds = [
    (s: FeatureSpec) => s.name === s.metric,
    (s: FeatureSpec) => s.name === `${s.metric} average`,
  ]
  return kinds.flatMap((isKind) => {
    const related = columns.specs.flatMap((spec, j) => {
      if (spec.aspect !== 'level' || !isKind(spec)) return []
      const { min, max, missing } = summarise(columns.columns[j]!)
      return min < max && missing < 0.05 ? [{ spec, column: columns.columns[j]! }] : []
    })
    return learnRelations(related.map((r) => r.column)).map(({ target, weights, center }): Encoder => {
      const relation = {
        from: related.map((r) => r.spec.name),
        weights: weights.map((weight, k): [number, number] => [weight, center[k]!]),
      }
      const source = related[target]!.spec
      const spec: FeatureSpec = {
        ...source,
        name: `${source.name} relation`,
        words: `${source.words} against what the other metrics imply`,
        aspect: 'relation',
      }
      const summary = summarise(residuals(relation, columnsByName(columns), columns.length))
      return { ...numberEncoder('readings', spec, summary), ...relation, what: 'relation', imputed: 0 }
    })
  })
}

interface Member {
  readonly spec: FeatureSpec
  /** Share of training rows of this category. */
  readonly share: number
}

/** One-hot members that vary, and a column for rows of none of the categories that training had. */
function learnGroup(group: string, members: readonly Member[], { encoders, dropped }: Learned): void {
  const typical = {
    usual: members
      .filter((m) => m.share >= USUAL_SHARE)
      .sort((a, b) => b.share - a.share)
      .map((m) => m.spec.category!),
  }
  for (const { spec, share } of members) {
    if (share === 0) dropped.push({ name: spec.name, reason: 'not seen in training' })
    else if (share === 1) dropped.push({ name: spec.name, reason: 'the only category in training' })
    else encoders.push(zeroOne('value', [spec.name], typical, 0, spec))
  }
  const known = members.filter((m) => m.share > 0).map((m) => m.spec.name)
  if (known.length === 0) return
  const { category: _, ...shared } = members[0]!.spec
  encoders.push(
    zeroOne('unseen', known, typical, 1, { ...shared, name: `${group} unseen`, direction: 'high' }),
  )
}

/** An encoder that takes values as they are. */
function zeroOne(
  what: Encoder['what'],
  from: string[],
  typical: Encoder['typical'],
  imputed: number,
  spec: FeatureSpec,
): Encoder {
  return { spec, what, from, center: 0, scale: 1, bend: 0, oneSided: false, imputed, typical }
}
