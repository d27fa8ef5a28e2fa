import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type InlineQuestion, QuestionReader, type WrongRecords } from '../../src/live/inline-question.ts'
import { ReadingParser } from '../../src/live/intake/reading-parser.ts'
import { Tally } from '../../src/live/intake/result.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import { ReadingRows } from '../../src/store/reading-rows.ts'

/** A question as plain values, or what was wrong. */
function plain(read: InlineQuestion | WrongRecords | undefined) {
  if (!read || 'wrong' in read) return read
  const { batch, asked } = read
  if (batch.kind !== 'readings') throw new Error('expected readings')
  return {
    asked,
    stored: read.toStore !== undefined,
    readings: Array.from(batch.ts, (ts, i) => ({
      ts,
      device: stringAt(batch.device, i),
      metrics: [...batch.metrics].map(([name, values]) => [name, values[i]]).sort(),
    })),
  }
}

const ask = (reader: QuestionReader, text: string) => plain(reader.read(Buffer.from(text)))

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom<unknown>(null, true, 'on', '5', ' 7 ', '-', 'a "b" \\ c', [1, 2], {}, { deep: 1 }, 1e-7),
)
const reading = fc.record(
  {
    id: fc.oneof(
      { arbitrary: fc.constantFrom('a', 'b', 'Küche', 17), weight: 5 },
      fc.constantFrom<unknown>('', ' c ', 'x\0y', null),
    ),
    timestamp: fc.oneof(
      { arbitrary: fc.constantFrom('2025-03-06T00:00:00Z', 1741219200), weight: 5 },
      fc.constantFrom<unknown>('yesterday', -1, null),
    ),
    room: fc.constantFrom('kitchen', '12', '-3', 'x', 'ü'),
    temperature: value,
    network: fc.record({ latency: value, loss: value }, { requiredKeys: ['latency'] }),
  },
  { requiredKeys: ['id', 'timestamp', 'temperature'] },
)
/** JSON as different programs write it. */
const written = fc.constantFrom(
  (value: unknown) => JSON.stringify(value),
  (value: unknown) => JSON.stringify(value, null, 2),
  (value: unknown) => JSON.stringify(value).replaceAll('ü', '\\u00fc'),
)

describe('questions with readings', () => {
  it('are read the same whether or not such were seen before, each reading alone or with others', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), written, (readings, json) => {
        const fresh = readings.map((one) => ask(new QuestionReader(), json({ readings: [one] })))
        const reader = new QuestionReader()
        for (const one of readings) reader.read(Buffer.from(json({ readings: [one] })))
        expect(readings.map((one) => ask(reader, json({ readings: [one] })))).toEqual(fresh)
        const whole = reader.read(Buffer.from(json({ readings })))
        const wrong = fresh.flatMap((one, record) =>
          one && 'wrong' in one ? one.wrong.map((w) => ({ ...w, record })) : [],
        )
        if (wrong.length > 0) expect(whole).toMatchObject({ kind: 'readings', wrong })
        else {
          const all = plain(whole)
          if (!all || 'wrong' in all) throw new Error('expected readings')
          expect(all.readings.map(({ ts, device }) => ({ ts, device }))).toEqual(
            fresh.flatMap((one) =>
              one && 'readings' in one ? one.readings.map(({ ts, device }) => ({ ts, device })) : [],
            ),
          )
        }
      }),
      { numRuns: 300, seed: 1 },
    )
  })

  it('go to be stored as they were sent', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 8 }), written, (readings, json) => {
        const reader = new QuestionReader()
        const question = reader.read(Buffer.from(json({ readings })))
        if (!question || 'wrong' in question) return
        const [rows, tally] = [new ReadingRows(), new Tally()]
        new ReadingParser().parse(question.toStore!, rows, tally)
        const { batch } = question
        if (batch.kind !== 'readings') throw new Error('expected readings')
        expect([...rows.ts.subarray(0, rows.length)]).toEqual([...batch.ts])
        const stored = Array.from({ length: rows.length }, (_, i) => {
          const names = rows.shapes[rows.shape[i]!]!
          return names.map((name, j) => [name, rows.values[rows.start[i]! + j]])
        })
        const judged = Array.from(batch.ts, (_, i) =>
          stored[i]!.map(([name]) => [name, batch.metrics.get(String(name))![i]]),
        )
        expect(stored).toEqual(judged)
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('of several shapes share one batch', () => {
    const list = [
      { id: 'a', timestamp: 1741219200, temperature: 1 },
      { id: 'b', timestamp: 1741219201, humidity: 2 },
      { id: 'a', timestamp: 1741219202, temperature: 3 },
    ]
    expect(ask(new QuestionReader(), JSON.stringify({ store: false, readings: list, model: 'lof' }))).toEqual(
      {
        asked: { model: 'lof' },
        stored: false,
        readings: [
          {
            ts: 1741219200,
            device: 'a',
            metrics: [
              ['humidity', Number.NaN],
              ['temperature', 1],
            ],
          },
          {
            ts: 1741219201,
            device: 'b',
            metrics: [
              ['humidity', 2],
              ['temperature', Number.NaN],
            ],
          },
          {
            ts: 1741219202,
            device: 'a',
            metrics: [
              ['humidity', Number.NaN],
              ['temperature', 3],
            ],
          },
        ],
      },
    )
  })

  const one = '{"id":"a","timestamp":1741219200,"temperature":1}'
  it.each([
    '',
    'null',
    '[]',
    `{"readings":[${one}]`,
    `{"readings":[${one}]}}`,
    `{"readings":[${one},]}`,
    `{"readings":[${one}${one}]}`,
    `{"readings":[${one}],}`,
    `{"readings":[${one} 5]}`,
    '{"readings":[]}',
    '{"readings":[5]}',
    `{"readings":${one}}`,
    `{"readings":[${one}],"readings":[${one}]}`,
    `{"readings":[${one}],"flows":[{}]}`,
    `{"readings":[${one}],"store":null}`,
    `{"readings":[${one}],"store":fals}`,
    `{"readings":[${one}],"threshold":1.1}`,
    `{"readings":[${one}],"threshold":"0.5"}`,
    `{"readings":[${one}],"model":"forest"}`,
    `{"readings":[${one}],"modle":"lof"}`,
    `{"readings":[${Array(1001).fill(one).join()}]}`,
    '{"device_id":1}',
    '{"threshold":0.5}',
  ])('%s is left to the schema', (text) => {
    const reader = new QuestionReader()
    expect(reader.read(Buffer.from(text))).toBeUndefined()
    // What is known of how readings look changes nothing.
    expect(reader.read(Buffer.from(`\ufeff {"readings" : [ ${one} ] }\n`))).toBeDefined()
    expect(reader.read(Buffer.from(text))).toBeUndefined()
  })
})
