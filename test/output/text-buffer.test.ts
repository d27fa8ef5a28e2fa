import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextBuffer } from '../../src/output/text-buffer.ts'

function written(write: (out: TextBuffer) => void): string {
  const out = new TextBuffer()
  write(out)
  return new TextDecoder().decode(out.take())
}

describe('TextBuffer', () => {
  it('writes any text as UTF-8', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (parts) => {
        expect(
          written((out) => {
            for (const part of parts) out.text(part)
          }),
        ).toBe(parts.join(''))
      }),
    )
  })

  it('writes numbers that read back as the same number', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeNat()),
        (n) => {
          expect(Number(written((out) => out.number(n)))).toBe(n === 0 ? 0 : n)
        },
      ),
    )
    for (const n of [0, 9, 10, 99, 100, 999_999_999, 1e9, 4_294_967_296]) {
      expect(written((out) => out.number(n))).toBe(String(n))
    }
  })

  it('writes times with six decimals, exact to the microsecond', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4_000_000_000 }),
        fc.integer({ min: 0, max: 999_999 }),
        (s, us) => {
          const text = `${s}.${String(us).padStart(6, '0')}`
          expect(written((out) => out.micros(Number(text)))).toBe(text)
        },
      ),
    )
    expect(written((out) => out.micros(-1.5))).toBe('-1.500000')
    expect(written((out) => out.micros(0.9999999))).toBe('1.000000')
    expect(written((out) => out.micros(1e17))).toBe('100000000000000000.000000')
  })

  it('grows beyond its first size', () => {
    const long = 'ä'.repeat(100_000)
    expect(written((out) => out.text(long))).toBe(long)
  })
})
