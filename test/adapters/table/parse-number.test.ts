import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseCount, parseNumber } from '../../../src/adapters/table/parse-number.ts'

const parse = (text: string) => parseNumber(Buffer.from(text), 0, text.length)

describe('parseNumber', () => {
  it('gives the float64 that Number gives, to the last bit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        for (const text of [String(x), x.toFixed(6), x.toPrecision(17), x.toExponential(3)])
          expect(Object.is(parse(text), Number(text)), text).toBe(true)
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  it.each(['1545403816.962094', '0.1', '9007199254740993', '-0', '+5', '.5', '5.', '1e-320', '00012', '1E5'])(
    'reads %s',
    (text) => expect(Object.is(parse(text), Number(text))).toBe(true),
  )

  it.each([
    '',
    '-',
    '+',
    '.',
    'abc',
    '1a',
    '0x10',
    ' 1',
    '1 ',
    '1e',
    '1e+',
    'NaN',
    'Infinity',
    '1.2.3',
    '1e9999999',
  ])('refuses %j', (text) => expect(parse(text)).toBeNaN())
})

describe('parseCount', () => {
  const count = (text: string) => parseCount(Buffer.from(text), 0, text.length, 65_535)
  it.each([
    ['0', 0],
    ['65535', 65_535],
    ['80.0', 80],
    ['65536', -1],
    ['-1', -1],
    ['80.5', -1],
    ['', -1],
    ['99999999999999999999', -1],
  ])('reads %j as %d', (text, value) => expect(count(text)).toBe(value))
})
