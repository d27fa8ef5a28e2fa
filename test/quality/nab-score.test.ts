import { describe, expect, it } from 'vitest'
import { type NabSeries, nabScore, probationRows, rowWeights } from '../../quality/nab-score.ts'

/** Twenty rows, a window of rows 10 to 13, alarms at `alarms` with the scores given. */
function series(alarms: Readonly<Record<number, number>>): NabSeries {
  return { scores: Float64Array.from({ length: 20 }, (_, i) => alarms[i] ?? 0), windows: [[10, 13]] }
}
/** 2 / (1 + e^-5) - 1 and at half of it: what the sigmoid gives at the start and in the middle of a window. */
const START = 0.9866142981514305
const MIDDLE = 0.8482836399575129

describe('the NAB score', () => {
  it('weighs rows as worked out by hand', () => {
    const { weight, window } = rowWeights(26, [[10, 13]])
    expect(window.slice(9, 15)).toEqual([-1, 0, 0, 0, 0, -1])
    expect(weight[10]).toBeCloseTo(1, 12)
    expect(weight[12]).toBeCloseTo(MIDDLE / START, 12)
    expect(weight[9]).toBe(-0.11)
    expect(weight[16]).toBeCloseTo(-0.11 * START, 12)
    expect(weight[23]).toBe(-0.11)
  })

  it('is 100 for the first row of each window alone and 0 for no alarm', () => {
    expect(nabScore([series({ 10: 1 })])).toMatchObject({ score: 100, found: 1, falseAlarms: 0 })
    expect(nabScore([series({})], 0.5)).toMatchObject({ score: 0, found: 0, falseAlarms: 0 })
  })

  it('counts the best alarm of a window once and every false one', () => {
    const one = nabScore([series({ 5: 1, 12: 1, 13: 1, 16: 1 })], 1)
    expect(one.score).toBeCloseTo((100 * (1 + MIDDLE / START - 0.11 - 0.11 * START)) / 2, 10)
    expect(one).toMatchObject({ found: 1, falseAlarms: 2 })
  })

  it('chooses one threshold for the whole corpus', () => {
    // Best to take 0.6 and with it the false alarm at 0.8: two windows for one alarm.
    const best = nabScore([series({ 10: 0.9, 4: 0.8 }), series({ 10: 0.6 })])
    expect(best).toMatchObject({ threshold: 0.6, found: 2, falseAlarms: 1 })
    expect(best.score).toBeCloseTo((100 * (2 + 2 - 0.11)) / 4, 10)
  })

  it('does not count the probation', () => {
    expect(probationRows(20)).toBe(3)
    expect(probationRows(100_000)).toBe(750)
    expect(nabScore([series({ 0: 1, 2: 1, 10: 1 })], 1)).toMatchObject({ score: 100, falseAlarms: 0 })
  })

  it('wants a window', () => {
    expect(() => nabScore([{ scores: new Float64Array(20), windows: [] }])).toThrow(/at least one labelled/)
  })
})
