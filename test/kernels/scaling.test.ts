import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { type Scaling, scaleColumn, scaled, scalerOf } from '../../src/kernels/scaling.ts'

function written(how: Scaling, column: Float64Array): Float32Array {
  const data = new Float32Array(3 * column.length)
  scaleColumn(scalerOf(how), column, 0, column.length, data, 1, 3)
  return data
}

describe('scaling a column', () => {
  it('gives what the formula gives, at every step as well', () => {
    const random = new Random(1)
    for (const bend of [0, 0.3, 1, 5]) {
      for (const oneSided of [false, true]) {
        const how = { center: 3.7, scale: 0.9, bend, oneSided, imputed: -7 }
        // All sizes; then the steps themselves, and what lies beside them by every power of ten.
        const column: number[] = []
        for (let i = 0; i < 20_000; i++) column.push(3.7 + 10 ** (8 * random.float() - 4) * random.normal())
        for (let value = 0.05; bend > 0 && value < 20; value += 0.1) {
          const z = bend * Math.sinh(value / bend)
          for (let power = 3; power < 18; power++) {
            for (const side of [-1, 1]) column.push(3.7 + 0.9 * side * z * (1 - 10 ** -power * side))
          }
        }
        const data = written(how, Float64Array.from(column))
        column.forEach((x, i) => {
          expect(data[3 * i + 1], `${x}, bend ${bend}`).toBe(Math.fround(scaled(how, x) + 0))
        })
        expect(data.every((x, k) => k % 3 === 1 || x === 0)).toBe(true)
      }
    }
  })

  it('has a value for what is missing, and the centre for what is not known yet', () => {
    const how = { center: 1, scale: 2, bend: 5, oneSided: false, imputed: -7 }
    const column = Float64Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308, 1)
    const values = written(how, column).filter((_, k) => k % 3 === 1)
    expect([...values.slice(0, 3)]).toEqual([-7, -7, 0])
    expect([...values.slice(3)]).toEqual([Math.fround(scaled(how, 1e308)), 0])
    expect([...written({ ...how, bend: 0 }, column)].filter((_, k) => k % 3 === 1).slice(0, 3)).toEqual([
      -7, -7, 0,
    ])
  })
})
