import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Backtest, type BacktestOptions, backtest } from '../../src/pipeline/backtest.ts'
import { detect, evaluate, train } from '../../src/pipeline.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { sharedData } from '../shared-data.ts'
import { connLog } from './conn-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-backtest-'))
afterAll(() => rmSync(dir, { recursive: true }))
const log = join(dir, 'conn.log')
beforeAll(() => writeFileSync(log, connLog({ flows: 2000, seed: 5, attack: true })))

async function replay(options: BacktestOptions): Promise<{ anomalies: Anomaly[]; result: Backtest }> {
  const anomalies: Anomaly[] = []
  const run = backtest([log], { workers: 1, model: 'lof', ...options })
  for (;;) {
    const { done, value } = await run.next()
    if (done) return { anomalies, result: value }
    anomalies.push(...value)
  }
}

describe('a backtest', () => {
  it('learns from the first part and tells of the rest only, as training and detecting apart would', async () => {
    const { anomalies, result } = await replay({ trainOn: 0.7 })
    const { bundles } = await train([log], { workers: 1, model: 'lof', first: 0.7 })
    const until = bundles[0]!.summary.to!
    const apart: Anomaly[] = []
    for await (const found of detect([log], bundles, { workers: 1 })) {
      apart.push(...found.filter((a) => a.timestamp > until))
    }
    expect(anomalies.map((a) => [a.record, a.confidence])).toEqual(apart.map((a) => [a.record, a.confidence]))
    expect(anomalies.length).toBeGreaterThan(150)
    expect(result.from).toBeGreaterThan(until)
    expect(result.records).toBe(2200 - Math.ceil(2200 * 0.7))
    expect(result.summary).toMatchObject({ scored: result.records, anomalies: anomalies.length })
  })

  it('counts alarms by device, day and label', async () => {
    const { anomalies, result } = await replay({ trainOn: 0.7, falseAlarms: '1/device-day' })
    expect(result.attacks?.records).toBe(200)
    const found = anomalies.filter((a) => a.label === 'PortScan').length
    expect(result.attacks?.found).toBe(found)
    expect(result.falseAlarmRate).toBeCloseTo((anomalies.length - found) / (result.records - 200), 12)
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)
    expect(sum(result.devices.map((d) => d.anomalies))).toBe(anomalies.length)
    expect(sum(result.devices.map((d) => d.alarms))).toBe(result.alarms)
    expect(sum(Object.values(result.byDay))).toBe(result.alarms)

    // The scan of ten seconds is one alarm.
    expect(result.alarms).toBeLessThan(10)
    expect(result.bundles[0]!.summary.promise?.accepted).toBe('1/device-day')
    expect(result.summary.threshold).toBe(result.bundles[0]!.summary.promise?.threshold)
  })

  it('does not read standard input, nor learn from everything', async () => {
    await expect(backtest(['-']).next()).rejects.toThrow(/expects files or folders/)
    await expect(replay({ trainOn: 1 })).rejects.toThrow(/records after the training, found none/)
  })
})

describe('a promise about false alarms', () => {
  it('decides the threshold, is measured, and doubted where there is little data', async () => {
    const quiet = join(dir, 'quiet.log')
    writeFileSync(quiet, connLog({ flows: 4000, seed: 6, attack: false }))
    const options = { workers: 1, model: 'lof' } as const
    const { bundles } = await train([quiet], { ...options, falseAlarms: '1/device-week' })
    const { promise, warnings } = bundles[0]!.summary
    expect(promise).toMatchObject({ accepted: '1/device-week', perDeviceDay: 1 / 7, extrapolated: true })
    expect(promise!.measured).not.toBeNull()
    expect(warnings.join()).toMatch(/asked for 1\/device-week false alarms from [\d.]+ h .* would support it/)
    const lax = (await train([quiet], { ...options, falseAlarms: '30/device-day' })).bundles[0]!.summary
      .promise!
    expect(lax.threshold).toBeLessThan(promise!.threshold)

    const fresh = join(dir, 'fresh.log')
    writeFileSync(fresh, connLog({ flows: 8000, seed: 7, attack: false }))
    const evaluation = await evaluate([fresh], bundles, { workers: 1 })
    expect(evaluation.threshold).toBe(promise!.threshold)
    expect(evaluation.falseAlarms.promised).toBe(1 / 7)
    expect(evaluation.falseAlarms.devices).toBe(2)
    expect(evaluation.falseAlarms.perDeviceDay).toBeLessThan(5)
    expect(evaluation.calibration.find(({ p }) => p === 0.01)!.measured).toBeLessThan(0.02)
    const asked = await evaluate([fresh], bundles, { workers: 1, threshold: 0.5 })
    expect(asked.threshold).toBe(0.5)
    expect(asked.falseAlarms.perDeviceDay).toBeGreaterThan(evaluation.falseAlarms.perDeviceDay!)
    await expect(train([quiet], { falseAlarms: 'few' })).rejects.toThrow(/false alarms expects a number/)
  })
})

const capture = sharedData('iot23/34-1/conn.log.labeled')
describe.skipIf(!capture)('training on a capture that is 92 % attack', () => {
  it('warns and does not learn the flood', async () => {
    const { bundles } = await train([capture!], { model: 'lof', workers: 1 })
    expect(bundles[0]!.summary.warnings.join()).toMatch(
      /60 % of the training flows look like attacks .*flood by 192\.168\.1\.195.*14\d\d\d flows were left out/,
    )
    expect(bundles[0]!.summary.rows.fitted).toBeLessThan(9500)
  })
})
