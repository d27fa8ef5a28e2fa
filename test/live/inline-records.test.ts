import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Asked, InlineReadings } from '../../src/live/inline-records.ts'
import type { ReadingBatch } from '../../src/schema/reading-batch.ts'

/** A batch as plain values, or what was wrong. */
function plain(asked: Asked<ReadingBatch>) {
  if ('wrong' in asked) return asked.wrong
  const { ts, device, metrics } = asked.batch
  return {
    ts: [...ts],
    device: [...device.codes].map((code) => device.values[code]),
    metrics: Object.fromEntries([...metrics].map(([name, values]) => [name, [...values]])),
  }
}

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.constantFrom<unknown>(null, true, 'on', '5', ' 7 ', '-', [1, 2], {}, { deep: 1 }),
)
const reading = fc.record(
  {
    id: fc.oneof(
      { arbitrary: fc.constantFrom('a', 'b'), weight: 5 },
      fc.constantFrom<unknown>('', ' c ', 5, 'x\0y', null),
    ),
    timestamp: fc.oneof(
      { arbitrary: fc.constantFrom('2025-03-06T00:00:00Z', 1741219200), weight: 5 },
      fc.constantFrom<unknown>('yesterday', -1, null),
    ),
    room: fc.constantFrom('kitchen', '12', '-3', 'x'),
    temperature: value,
    network: fc.record({ latency: value, loss: value }, { requiredKeys: ['latency'] }),
  },
  { requiredKeys: ['id', 'timestamp', 'temperature'] },
)

describe('readings sent along', () => {
  it('are read the same whether or not such were seen before', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), (records) => {
        // As they come over the wire.
        const sent = JSON.parse(JSON.stringify(records)) as Record<string, unknown>[]
        const fresh = sent.map((record) => plain(new InlineReadings().batch([record])))
        const remembering = new InlineReadings()
        for (const record of sent) remembering.batch([record])
        expect(sent.map((record) => plain(remembering.batch([record])))).toEqual(fresh)
      }),
      { numRuns: 400, seed: 1 },
    )
  })

  it('of several shapes share one batch', () => {
    const readings = new InlineReadings()
    const asked = readings.batch([
      { id: 'a', timestamp: 1741219200, temperature: 1 },
      { id: 'b', timestamp: 1741219201, humidity: 2 },
      { id: 'a', timestamp: 1741219202, temperature: 3 },
    ])
    expect(plain(asked)).toEqual({
      ts: [1741219200, 1741219201, 1741219202],
      device: ['a', 'b', 'a'],
      metrics: { temperature: [1, Number.NaN, 3], humidity: [Number.NaN, 2, Number.NaN] },
    })
  })
})
