import { describe, expect, it } from 'vitest'
import { shownFeatures } from '../../src/anomalies/shown-features.ts'
import { WhatIf } from '../../src/anomalies/what-if.ts'
import type { FeatureColumns, FeatureSpec } from '../../src/features/feature-columns.ts'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { matrix } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { Autoencoder } from '../../src/models/autoencoder.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { anomaly } from '../output/sample.ts'

const spec = (name: string, unit: string, rest: Partial<FeatureSpec> = {}): FeatureSpec => ({
  name,
  unit,
  scale: 'log1p',
  direction: 'both',
  words: name,
  ...rest,
})
const specs = [
  spec('flows_1m', 'flows', { words: 'connections in 1 min', direction: 'high' }),
  spec('duration', 's', { scale: 'linear' }),
  spec('proto=tcp', '', { scale: 'linear', group: 'proto', category: 'tcp', words: 'protocol' }),
  spec('proto=udp', '', { scale: 'linear', group: 'proto', category: 'udp', words: 'protocol' }),
]

/** Up to 12 flows a minute, durations about 5 s, mostly tcp. */
function columns(
  rows: readonly (readonly [flows: number, duration: number, tcp: boolean])[],
): FeatureColumns {
  return {
    length: rows.length,
    specs,
    columns: [
      Float64Array.from(rows, ([flows]) => Math.log1p(flows)),
      Float64Array.from(rows, ([, duration]) => duration),
      Float64Array.from(rows, ([, , tcp]) => Number(tcp)),
      Float64Array.from(rows, ([, , tcp]) => Number(!tcp)),
    ],
  }
}

function setup() {
  const random = new Random(3)
  const training = columns(
    Array.from({ length: 1000 }, () => [random.int(13), 5 + random.normal(), random.float() < 0.8] as const),
  )
  const space = FeatureSpace.fit(
    'flows',
    training,
    new Float64Array(1000).map((_, i) => i),
  )
  const X = space.transform(training)
  const model = new Autoencoder().fit(X)
  const least = model.score(X).sort()[998]!
  const { shown, of } = shownFeatures(space)
  const whatIf = new WhatIf(space, shown, of, { rows: X, evidenceOf: (Y) => model.score(Y) }, least)
  const meet = (flows: number, duration: number, changes: Partial<Anomaly> = {}) => {
    const x = space.transform(columns([[flows, duration, true]])).data
    const parts = model.contributions(matrix(x, space.featureNames))
    const shares = new Float64Array(shown.length)
    parts.forEach((part, j) => {
      shares[of[j]!]! += part
    })
    const affected_features = [
      { feature: 'flows_1m', value: flows, unit: 'flows', typical: { low: 0, high: 12 }, contribution: 1 },
    ]
    const met = anomaly({ incident: 1, p_value: 1e-3, record: 0, affected_features, ...changes })
    return { met, answer: whatIf.meet(met, x, shares) }
  }
  return { space, model, least, whatIf, meet }
}

describe('what would have been ordinary', () => {
  it('names the value that was out, what it could have been at most, and what it was', () => {
    const { answer } = setup().meet(4812, 5)
    expect(answer!.changes).toHaveLength(1)
    const [change] = answer!.changes
    expect(change).toMatchObject({ feature: 'flows_1m', value: 4812, unit: 'flows', bound: 'at most' })
    expect(answer!.description).toBe(
      `It would have been ordinary with at most ${change!.ordinary} connections in 1 min (had 4,812).`,
    )
  })

  it('tells a value that is ordinary indeed, and about the last one that is', () => {
    const { space, model, least, meet } = setup()
    const most = Number(meet(4812, 5).answer!.changes[0]!.ordinary)
    const scoreOf = (flows: number) => model.score(space.transform(columns([[flows, 5, true]])))[0]!
    expect(most).toBeGreaterThanOrEqual(12)
    expect(scoreOf(most)).toBeLessThan(least)
    // An eighth of the way to the record's own value, on the scale of the models, is too much.
    expect(scoreOf(4 * most + 40)).toBeGreaterThanOrEqual(least)
  })

  it('answers at first sight of an incident, and for its strongest when asked', () => {
    const { whatIf, meet } = setup()
    expect(meet(100, 5).answer).toBeDefined()
    const stronger = meet(9000, 5, { record: 1, p_value: 1e-6 })
    const weaker = meet(50, 5, { record: 2, p_value: 1e-4 })
    expect([stronger.answer, weaker.answer]).toEqual([undefined, undefined])
    expect(whatIf.strongest(stronger.met)!.changes[0]).toMatchObject({ value: 9000, bound: 'at most' })
    expect(whatIf.strongest(weaker.met)).toBeUndefined()
  })

  it('keeps the number of answers in bounds: ten, and one in five thousand records', () => {
    const { meet } = setup()
    const answers = Array.from({ length: 30 }, (_, i) => meet(500, 5, { incident: i + 1, record: i }).answer)
    expect(answers.filter(Boolean)).toHaveLength(10)
    expect(meet(500, 5, { incident: 31, record: 105_000 }).answer).toBeDefined()
  })

  it('tells numbers that were too small by what they had to be at least', () => {
    const { answer } = setup().meet(3, -40, { affected_features: [] })
    expect(answer!.changes[0]).toMatchObject({ feature: 'duration', bound: 'at least' })
    // Not among the features told with the anomaly: told back from the matrix.
    expect(answer!.changes[0]!.value).toBeCloseTo(-40, -1)
    expect(Number(answer!.changes[0]!.ordinary)).toBeGreaterThan(0)
  })
})
