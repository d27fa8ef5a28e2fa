import { describe, expect, it } from 'vitest'
import { labelledIncidents } from '../../src/pipeline/labelled-incidents.ts'

const rows = (...of: [label: number, device: number, ts: number][]) =>
  [0, 1, 2].map((k) => Float64Array.from(of, (row) => row[k]!)) as [Float64Array, Float64Array, Float64Array]

describe('labelled incidents', () => {
  it('are rows of one label on one device with at most an hour between them, in any order', () => {
    const { of, classes } = labelledIncidents(
      ...rows([0, 7, 5000], [-1, 7, 10], [0, 7, 100], [1, 7, 200], [0, 8, 150], [0, 7, 1500], [0, 7, 8600]),
    )
    // 100 and 1500 and 5000 (3500 s later) and 8600 (exactly an hour later) are one.
    expect([...of]).toEqual([0, -1, 0, 2, 1, 0, 0])
    expect(classes).toEqual([0, 0, 1])
  })

  it('begin anew after more than an hour; rows without time are one', () => {
    const { of } = labelledIncidents(...rows([0, 1, 0], [0, 1, 3601], [0, 1, NaN], [0, 1, NaN]))
    expect([...of]).toEqual([1, 2, 0, 0])
  })
})
