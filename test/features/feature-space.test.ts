import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FeatureColumns, FeatureSpec } from '../../src/features/feature-columns.ts'
import { portCode } from '../../src/features/feature-columns.ts'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { Random } from '../../src/kernels/random.ts'

const spec = (name: string, rest: Partial<FeatureSpec> = {}): FeatureSpec => ({
  name,
  unit: '',
  scale: 'linear',
  direction: 'both',
  words: name,
  ...rest,
})
const member = (group: string, category: string) => spec(`${group}=${category}`, { group, category })

function columnsOf(given: readonly (readonly [FeatureSpec, ArrayLike<number>])[]): FeatureColumns {
  return {
    length: given[0]?.[1].length ?? 0,
    specs: given.map(([s]) => s),
    columns: given.map(([, values]) => Float64Array.from(values)),
  }
}
const noTime = (n: number) => new Float64Array(n).fill(Number.NaN)
const learn = (columns: FeatureColumns, ts = noTime(columns.length)) => FeatureSpace.fit('flows', columns, ts)
/** Matrix column `name` of the transformed columns. */
function column(space: FeatureSpace, columns: FeatureColumns, name: string): number[] {
  const X = space.transform(columns)
  const j = X.featureNames.indexOf(name)
  expect(j, `${name} is among ${X.featureNames}`).toBeGreaterThanOrEqual(0)
  return Array.from({ length: X.nSamples }, (_, i) => X.data[i * X.nFeatures + j]!)
}
const random = new Random(1)
const normals = (n: number, mean = 0, sd = 1) => Array.from({ length: n }, () => mean + sd * random.normal())

describe('numbers', () => {
  const training = columnsOf([[spec('x'), normals(1000, 50, 5)]])
  const space = learn(training)

  test('the middle is 0, the usual spread 1, the tails logarithmic and in order', () => {
    const X = column(space, columnsOf([[spec('x'), [50, 55, 45, 100, 1000, 1e9, -1e9]]]), 'x')
    expect(X[0]).toBeCloseTo(0, 0)
    expect(X[1]).toBeCloseTo(Math.asinh(1), 0)
    expect(X[2]).toBeCloseTo(-Math.asinh(1), 0)
    expect(X.slice(3, 6)).toEqual(X.slice(3, 6).toSorted((a, b) => a - b))
    expect(X[5]).toBeLessThan(25)
    expect(X[6]).toBeLessThan(-15)
  })

  test('typical is the 1–99 % range as shown', () => {
    const bytes = columnsOf([
      [spec('b', { scale: 'log1p', unit: 'bytes' }), Array.from({ length: 101 }, (_, i) => Math.log1p(i))],
    ])
    const s = learn(bytes)
    const { low, high } = s.typical(0) as { low: number; high: number }
    expect(low).toBeCloseTo(1)
    expect(high).toBeCloseTo(99)
    expect(s.shown(0, bytes, 42)).toBeCloseTo(42)
    expect(s.specs[0]!.unit).toBe('bytes')
  })

  test('a nearly constant feature does not explode', () => {
    const x = Array.from({ length: 1000 }, (_, i) => (i < 3 ? 7.5 : 7))
    const X = column(learn(columnsOf([[spec('x'), x]])), columnsOf([[spec('x'), [7, 7.5, 8]]]), 'x')
    expect(X[0]).toBe(0)
    expect(Math.abs(X[2]!)).toBeLessThan(6)
  })

  test('a 0/1 feature stays 0/1 however rare', () => {
    const x = Array.from({ length: 1000 }, (_, i) => (i === 5 ? 1 : 0))
    expect(column(learn(columnsOf([[spec('x'), x]])), columnsOf([[spec('x'), [0, 1]]]), 'x')).toEqual([0, 1])
  })

  test('a constant feature is dropped and reported, and values stay comparable without it', () => {
    const s = learn(
      columnsOf([
        [spec('c'), [3, 3, 3]],
        [spec('n'), [Number.NaN, Number.NaN, Number.NaN]],
        [spec('x'), [1, 2, 3]],
      ]),
    )
    expect(s.specs.map((f) => f.name)).toEqual(['x'])
    expect(s.dropped).toEqual([
      { name: 'c', reason: 'constant in training (3)' },
      { name: 'n', reason: 'no value in training' },
    ])
  })

  test('a counter that never counted in training shows when it does', () => {
    const counter = spec('h', { direction: 'high', scale: 'log1p' })
    const s = learn(columnsOf([[counter, [0, 0, 0]]]))
    const X = column(s, columnsOf([[counter, [0, Math.log1p(1), Math.log1p(100)]]]), 'h')
    expect(X[0]).toBe(0)
    expect(X[1]).toBeGreaterThan(0.5)
    expect(X[2]).toBeGreaterThan(X[1]!)
  })

  test('where only large values matter, ordinary ones are all 0', () => {
    const high = spec('h', { direction: 'high' })
    const s = learn(columnsOf([[high, Array.from({ length: 1000 }, (_, i) => i)]]))
    const X = column(s, columnsOf([[high, [0, 500, 980, 1100, 5000]]]), 'h')
    expect(X.slice(0, 3)).toEqual([0, 0, 0])
    expect(X[3]).toBeGreaterThan(0)
    expect(X[4]).toBeGreaterThan(X[3]!)
  })
})

describe('missing values', () => {
  const x = normals(200, 10, 1)
  const gappy = x.map((v, i) => (i % 4 === 0 ? Number.NaN : v))
  const later = columnsOf([[spec('x'), [10, Number.NaN, Number.POSITIVE_INFINITY]]])

  test('are the middle plus an indicator where training had gaps', () => {
    const s = learn(columnsOf([[spec('x'), gappy]]))
    expect(s.featureNames).toEqual(['x', 'x missing'])
    expect(column(s, later, 'x missing')).toEqual([0, 1, 1])
    expect(column(s, later, 'x')[1]).toBeCloseTo(0)
    expect(s.typical(1)).toEqual({ usual: ['present', 'missing'] })
    expect(s.shown(1, later, 0)).toBe('present')
    expect(s.shown(1, later, 1)).toBe('missing')
  })

  test('are below everything where training had none', () => {
    const training = columnsOf([[spec('x'), x]])
    const s = learn(training)
    expect(s.featureNames).toEqual(['x'])
    const least = Math.min(...column(s, training, 'x'))
    expect(column(s, later, 'x')[1]).toBeLessThan(least - 2)
    expect(s.shown(0, later, 1)).toBe('missing')
  })

  test('a feature the input lacks counts as missing; one that training lacked is ignored', () => {
    const s = learn(
      columnsOf([
        [spec('x'), x],
        [spec('y'), gappy],
      ]),
    )
    const X = s.transform(columnsOf([[spec('z'), [1, 2]]]))
    expect([...X.data].every(Number.isFinite)).toBe(true)
    expect(column(s, columnsOf([[spec('z'), [1, 2]]]), 'y missing')).toEqual([1, 1])
  })
})

describe('categories', () => {
  const training = columnsOf([
    [member('proto', 'tcp'), [...Array(95).fill(1), ...Array(5).fill(0)]],
    [member('proto', 'udp'), [...Array(95).fill(0), ...Array(5).fill(1)]],
    [member('proto', 'icmp'), Array(100).fill(0)],
  ])
  const space = learn(training)
  const icmp = columnsOf([
    [member('proto', 'tcp'), [0, 1]],
    [member('proto', 'udp'), [0, 0]],
    [member('proto', 'icmp'), [1, 0]],
  ])

  test('one that training never had is visible, by name', () => {
    expect(space.featureNames).toEqual(['proto=tcp', 'proto=udp', 'proto unseen'])
    expect(space.dropped).toEqual([{ name: 'proto=icmp', reason: 'not seen in training' }])
    expect(column(space, icmp, 'proto unseen')).toEqual([1, 0])
    expect(space.shown(0, icmp, 0)).toBe('icmp')
    expect(space.shown(2, icmp, 1)).toBe('tcp')
    expect(space.typical(2)).toEqual({ usual: ['tcp', 'udp'] })
  })

  test('a lone category still shows when it is left', () => {
    const s = learn(
      columnsOf([
        [member('proto', 'tcp'), [1, 1, 1]],
        [member('proto', 'udp'), [0, 0, 0]],
      ]),
    )
    expect(s.featureNames).toEqual(['proto unseen'])
    expect(
      column(
        s,
        columnsOf([
          [member('proto', 'tcp'), [1, 0]],
          [member('proto', 'udp'), [0, 1]],
        ]),
        'proto unseen',
      ),
    ).toEqual([0, 1])
  })
})

describe('codes', () => {
  const port = spec('service_port', { scale: 'code', direction: 'high' })
  const code = (n: number) => portCode(6, n, false)
  const space = learn(
    columnsOf([[port, [...Array(90).fill(code(443)), ...Array(9).fill(code(53)), code(8080)]]]),
  )
  const later = columnsOf([
    [
      port,
      [code(443), code(53), code(8080), code(6667), portCode(6, 22, true), portCode(1, undefined, false)],
    ],
  ])

  test('the rarer in training the larger, one never seen the largest', () => {
    const X = column(space, later, 'service_port')
    expect(X.slice(0, 4)).toEqual(X.slice(0, 4).toSorted((a, b) => a - b))
    expect(new Set(X.slice(0, 4)).size).toBe(4)
    expect(X[4]).toBe(X[3])
  })

  test('are spelled out', () => {
    expect([3, 4, 5].map((row) => space.shown(0, later, row))).toEqual(['6667', '22 incoming', 'icmp'])
    expect(space.typical(0)).toEqual({ usual: ['443', '53', '8080'] })
  })

  test('a count can be tied to them: it counts where the code is rare', () => {
    const count = spec('rare', { scale: 'log1p', direction: 'high', whereRare: 'service_port' })
    const s = learn(
      columnsOf([
        [port, [...Array(990).fill(code(443)), ...Array(10).fill(code(8080))]],
        [count, Array(1000).fill(Math.log1p(3))],
      ]),
    )
    const flows = columnsOf([
      [port, [code(443), code(6667), code(6667)]],
      [count, [500, 1, 500].map((n) => Math.log1p(n))],
    ])
    const X = column(s, flows, 'rare')
    expect(X[0]).toBe(0)
    expect(X[1]).toBeGreaterThan(0.5)
    expect(X[2]).toBeGreaterThan(4 * X[1]!)
    const j = s.featureNames.indexOf('rare')
    expect([0, 1, 2].map((row) => Math.round(s.shown(j, flows, row) as number))).toEqual([0, 1, 500])
    expect(s.typical(j)).toMatchObject({ low: 0 })
  })

  test('where every flow has its own port, a new one is nothing special', () => {
    const s = learn(columnsOf([[port, Array.from({ length: 200 }, (_, i) => code(50_000 + i))]]))
    const X = column(s, columnsOf([[port, [code(50_000), code(6667)]]]), 'service_port')
    expect(X[1]! - X[0]!).toBeLessThan(0.6)
  })
})

describe('cycles', () => {
  const hours = (n: number) => Float64Array.from({ length: n }, (_, i) => 1e9 + i * 3600)
  const cycle = (n: number) =>
    columnsOf([
      [spec('x'), normals(n)],
      [
        spec('hour_sin', { cycle: 'day' }),
        [...hours(n)].map((t) => Math.sin(((t % 86400) / 86400) * 2 * Math.PI)),
      ],
      [
        spec('hour_cos', { cycle: 'day' }),
        [...hours(n)].map((t) => Math.cos(((t % 86400) / 86400) * 2 * Math.PI)),
      ],
      [spec('weekday_sin', { cycle: 'week' }), normals(n)],
    ])

  test('are kept only where training covers them twice', () => {
    const names = (n: number) => learn(cycle(n), hours(n)).featureNames
    expect(names(40)).toEqual(['x'])
    expect(names(50)).toEqual(['x', 'hour_sin', 'hour_cos'])
    expect(names(14 * 24 + 1)).toContain('weekday_sin')
    expect(learn(cycle(40), hours(40)).dropped[0]!.reason).toBe(
      'the hour of the day needs 2 full days of training, it covers 39.0 h',
    )
    expect(learn(cycle(40)).dropped[0]!.reason).toBe('the source has no time')
  })

  test('are shown as the hour', () => {
    const columns = cycle(50)
    const space = learn(columns, hours(50))
    expect(space.shown(1, columns, 3)).toBeCloseTo(((1e9 / 3600) % 24) + 3)
  })
})

describe('relations', () => {
  const timed = (columns: FeatureColumns) =>
    FeatureSpace.fit(
      'readings',
      columns,
      Float64Array.from({ length: columns.length }, (_, i) => i),
    )
  const metric = (name: string) => spec(name, { metric: name, aspect: 'level' })
  const a = normals(500)
  const b = a.map((v) => 3 * v + 0.05 * random.normal())
  const space = timed(
    columnsOf([
      [metric('a'), a],
      [metric('b'), b],
      [metric('c'), normals(500)],
    ]),
  )

  test('metrics that imply each other get a residual; one that stands alone does not', () => {
    expect(space.featureNames).toEqual(['a', 'b', 'c', 'a relation', 'b relation'])
    const later = columnsOf([
      [metric('a'), [1, 1]],
      [metric('b'), [3, -1]],
      [metric('c'), [0, 0]],
    ])
    const X = column(space, later, 'b relation')
    expect(Math.abs(X[0]!)).toBeLessThan(1.5)
    expect(Math.abs(X[1]!)).toBeGreaterThan(4)
    expect(space.shown(4, later, 1)).toBeCloseTo(-4, 0)
  })

  test('a plain table has none: nobody knows what its columns are', () => {
    expect(
      learn(
        columnsOf([
          [metric('a'), a],
          [metric('b'), b],
        ]),
      ).featureNames,
    ).toEqual(['a', 'b'])
  })

  test('with a metric missing there is nothing to compare', () => {
    const later = columnsOf([
      [metric('a'), [Number.NaN]],
      [metric('b'), [3]],
      [metric('c'), [0]],
    ])
    expect(column(space, later, 'b relation')).toEqual([0])
    expect(space.shown(4, later, 0)).toBe('missing')
  })

  test('metrics that repeat each other exactly are no trouble', () => {
    const s = timed(
      columnsOf([
        [metric('a'), a],
        [metric('b'), a],
        [metric('c'), a],
      ]),
    )
    expect(
      [
        ...s.transform(
          columnsOf([
            [metric('a'), [1]],
            [metric('b'), [1]],
            [metric('c'), [-1]],
          ]),
        ).data,
      ].every(Number.isFinite),
    ).toBe(true)
  })
})

test('whatever training and input hold, the matrix is finite and the space survives JSON', () => {
  const value = fc.oneof(
    fc.double(),
    fc.constantFrom(0, 1, -1, 1e-308, -1e308, 1.7e308, Number.NaN, Number.POSITIVE_INFINITY),
  )
  const rows = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(rows, rows, (before, after) => {
      const named = (data: readonly (readonly number[])[]) =>
        columnsOf([
          [spec('x', { metric: 'x', aspect: 'level' }), data.map((r) => r[0]!)],
          [spec('y', { metric: 'y', aspect: 'level' }), data.map((r) => r[1]!)],
          [spec('n', { direction: 'high', scale: 'log1p' }), data.map((r) => r[2]!)],
        ])
      const space = FeatureSpace.fit(
        'readings',
        named(before),
        Float64Array.from(before, (_, i) => i),
      )
      const X = space.transform(named(after))
      expect([...X.data].every(Number.isFinite)).toBe(true)
      expect(FeatureSpace.fromJSON(JSON.parse(JSON.stringify(space))).transform(named(after))).toEqual(X)
    }),
    { numRuns: 300, seed: 40 },
  )
})

describe('as data', () => {
  const port = spec('service_port', { scale: 'code' })
  const columns = columnsOf([
    [spec('x', { unit: 's' }), [1, 2, 3, 4, 5, Number.NaN]],
    [member('g', 'a'), [1, 1, 1, 0, 0, 0]],
    [member('g', 'b'), [0, 0, 0, 1, 1, 1]],
    [port, [1, 1, 1, 2, 2, 3]],
  ])

  test('a round trip through JSON changes no byte', () => {
    const space = learn(columns)
    const again = FeatureSpace.fromJSON(JSON.parse(JSON.stringify(space)))
    expect(again.transform(columns)).toEqual(space.transform(columns))
    expect(again.specs).toEqual(space.specs)
    expect(again.dropped).toEqual(space.dropped)
    expect(again.typical(0)).toEqual(space.typical(0))
  })

  test.each([
    [null],
    [{}],
    [{ version: 2, kind: 'flows', encoders: [], dropped: [] }],
    [{ version: 1, kind: 'flows', encoders: [{}], dropped: [] }],
  ])('%j is refused with a remedy', (json) => {
    expect(() => FeatureSpace.fromJSON(json)).toThrow(/feature space of the model is damaged.*train again/s)
  })

  test('no rows, no space', () => {
    expect(() => learn(columnsOf([[spec('x'), []]]))).toThrow(/at least one training row/)
  })
})
