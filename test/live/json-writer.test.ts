import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonWriter } from '../../src/live/json-writer.ts'
import { timeOf } from '../../src/output/time.ts'

const writer = new JsonWriter()
const written = (write: () => void) => {
  write()
  return Buffer.from(writer.finish()).toString()
}

describe('JSON as bytes', () => {
  it('has numbers to the millionth as JSON.stringify writes them', () => {
    const number = fc.oneof(
      fc.double(),
      fc.double({ min: 0, max: 1 }),
      fc.double({ min: -20, max: 2000 }),
      fc.integer(),
      fc.integer({ min: 0, max: 2e7 }).map((n) => n / 1e6),
      fc.constantFrom(
        0,
        -0,
        5e-7,
        4.999e-7,
        0.999_999_6,
        9.999_999_6,
        1e9,
        999_999_999.9,
        Number.NaN,
        Infinity,
      ),
    )
    fc.assert(
      fc.property(number, (value) => {
        const expected = JSON.stringify(Math.round(value * 1e6) / 1e6)
        expect(written(() => writer.number(value))).toBe(expected)
      }),
      { seed: 1, numRuns: 5000 },
    )
  })

  it('has times as the API writes them', () => {
    const seconds = fc.oneof(
      fc.double({ min: 0, max: 4_102_444_800, noNaN: true }),
      fc.double({ min: -1e13, max: 1e13 }),
      fc.integer({ min: 0, max: 50_000 }).map((day) => day * 86_400 - 0.0004),
      fc.constantFrom(0, Number.NaN, 253_402_300_799.999, 253_402_300_800),
    )
    fc.assert(
      fc.property(seconds, (value) => {
        expect(written(() => writer.time(value))).toBe(JSON.stringify(timeOf(value)))
      }),
      { seed: 1, numRuns: 3000 },
    )
  })

  it('has any text, however much', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 30 }), (texts) => {
        const all = texts.map((text) => JSON.stringify(text.repeat(100)))
        const bytes = written(() => {
          for (const [i, text] of all.entries()) i % 2 ? writer.raw(Buffer.from(text)) : writer.text(text)
        })
        expect(bytes).toBe(all.join(''))
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})
