import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import {
  AlarmCounter,
  alarmLine,
  BURST,
  type HeldOut,
  measureAlarms,
  parseAcceptedAlarms,
  Watch,
} from '../../src/pipeline/alarms.ts'

describe('alarms', () => {
  it('are bursts of one device: a pause of more than ten minutes begins another', () => {
    const counter = new AlarmCounter()
    const begins = [0, 300, 300 + BURST, 301 + 2 * BURST].map((ts) => counter.add('camera', ts))
    expect(begins).toEqual([true, false, false, true])
    expect(counter.add('lamp', 10)).toBe(true)
    expect(counter.total).toBe(3)
    expect([counter.of('camera'), counter.of('lamp'), counter.of('plug')]).toEqual([2, 1, 0])
  })

  it('without a time are counted one by one', () => {
    const counter = new AlarmCounter()
    for (let i = 0; i < 3; i++) counter.add('sensor', Number.NaN)
    expect(counter.total).toBe(3)
  })

  it('are counted over the days for which devices were watched', () => {
    const watch = new Watch()
    watch.add('camera', 0)
    watch.add('lamp', 43_200)
    watch.add('camera', 86_400)
    watch.add('lamp', Number.NaN)
    expect(watch.daysOf('camera')).toBe(1)
    expect(watch.daysOf('lamp')).toBe(0.5)
    expect(watch.deviceDays).toBe(1.5)
    expect(watch.daysOf('plug')).toBe(0)
  })
})

describe('accepted false alarms', () => {
  it('come in alarms and time, for each device or for all', () => {
    expect(parseAcceptedAlarms('1/device-day')).toMatchObject({ alarms: 1, days: 1, each: true })
    expect(parseAcceptedAlarms(' 0.5 / device-hour')).toMatchObject({ alarms: 0.5, days: 1 / 24, each: true })
    expect(parseAcceptedAlarms('2/week')).toMatchObject({ alarms: 2, days: 7, each: false, text: '2/week' })
  })

  it.each(['', '1', '0/day', '-1/day', '1/month', 'x/day', '1/device', '1..2/day', '1e3/day'])(
    'are not "%s"',
    (text) => {
      expect(() => parseAcceptedAlarms(text)).toThrow(
        /expects a number and a time, for example 1\/device-day/,
      )
    },
  )
})

/** Benign records of `devices` devices over `days`, a record every 5 minutes each, p uniform. */
function benign(devices: number, days: number, seed: number, blocks = 8): HeldOut {
  const random = new Random(seed)
  const n = Math.round(devices * days * 288)
  return {
    ts: Float64Array.from({ length: n }, (_, i) => (i / n) * days * 86_400),
    device: Float64Array.from({ length: n }, () => random.int(devices)),
    evidence: Float64Array.from({ length: n }, () => -Math.log10(1 - random.float())),
    edges: Array.from({ length: blocks + 1 }, (_, b) => Math.round((n * b) / blocks)),
    earlier: n / 4,
    weight: 1,
  }
}

describe('the line for an accepted rate', () => {
  it.each([10, 1, 1 / 7])('keeps %f alarms a device-day on unseen records without being mute', (asked) => {
    let most = 0
    let alarms = 0
    for (let seed = 0; seed < 6; seed++) {
      const { evidence } = alarmLine(benign(20, 3, seed), asked)
      const { perDeviceDay } = measureAlarms(benign(20, 30, 100 + seed), evidence)
      most = Math.max(most, perDeviceDay)
      alarms += perDeviceDay / 6
    }
    expect(most).toBeLessThan(2 * asked)
    expect(alarms).toBeGreaterThan(asked / 10)
    expect(alarms).toBeLessThan(asked)
  })

  it('follows the tail of p where there is nothing to count, and says so', () => {
    const rows = benign(2, 1, 1)
    const week = alarmLine(rows, 1 / 7)
    const year = alarmLine(rows, 1 / 365)
    expect(year.extrapolated).toBe(true)
    expect(year.evidence - week.evidence).toBeCloseTo(Math.log10(365 / 7), 6)
    expect(alarmLine(benign(20, 5, 1), 1).extrapolated).toBe(false)
  })

  it('is more careful when times differ from each other', () => {
    const rows = benign(20, 3, 3)
    const stormy = { ...rows, evidence: rows.evidence.slice() }
    // The same number of unusual records, but all of them in one block.
    const high = [...rows.evidence].filter((e) => e >= 2)
    for (let i = 0; i < stormy.evidence.length; i++) {
      if (stormy.evidence[i]! >= 2) stormy.evidence[i] = 0
    }
    const block = Math.floor(rows.ts.length / 8)
    high.forEach((e, k) => {
      stormy.evidence[3 * block + Math.floor((k * block) / high.length)] = e
    })
    expect(alarmLine(stormy, 1).evidence).toBeGreaterThan(alarmLine(rows, 1).evidence)
  })

  it('counts a sampled row for all that it stands for', () => {
    const rows = benign(20, 3, 4)
    expect(alarmLine({ ...rows, weight: 10 }, 1).evidence).toBeGreaterThan(alarmLine(rows, 1).evidence + 0.5)
  })

  it('needs times', () => {
    const rows = benign(2, 1, 1)
    expect(() => alarmLine({ ...rows, ts: rows.ts.map(() => Number.NaN) }, 1)).toThrow(/records with times/)
    expect(() => alarmLine({ ...rows, ts: rows.ts.map(() => 5) }, 1)).toThrow(/records with times/)
  })
})
