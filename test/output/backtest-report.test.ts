import { describe, expect, it } from 'vitest'
import { ReadReport } from '../../src/adapters/read-report.ts'
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts'
import { Highlights } from '../../src/output/highlights.ts'
import { backtestHtml } from '../../src/output/report/backtest-report.ts'
import type { Backtest } from '../../src/pipeline/backtest.ts'
import { anomaly } from './sample.ts'

const DAY = 86_400
const START = Date.parse('2025-03-05') / 1000

/** A replay of some days in which each device has one alarm a day. */
function replay(days: number, names: readonly string[]): { result: Backtest; highlights: Highlights } {
  const anomalies = names.flatMap((device, k) =>
    Array.from({ length: days }, (_, day) =>
      anomaly({ device, incident: k + 1, timestamp: START + day * DAY + 3600 * k }),
    ),
  )
  const highlights = new Highlights()
  highlights.add(anomalies)
  const tracker = new IncidentTracker()
  tracker.add(anomalies)
  const { incidents, leftOut } = tracker.finish()
  const dates = Array.from({ length: days }, (_, d) =>
    new Date((START + d * DAY) * 1000).toISOString().slice(0, 10),
  )
  const each = (alarms: number) => Object.fromEntries(dates.map((date) => [date, alarms]))
  const read = new ReadReport('history.log')
  const result: Backtest = {
    bundles: [],
    from: START,
    to: START + days * DAY - 1,
    records: 1000,
    attacks: { records: 10, found: 9 },
    falseAlarmRate: 0.01,
    alarms: days * names.length,
    alarmsPerDeviceDay: 1,
    falseAlarmsPerDeviceDay: 0.5,
    deviceDays: days * names.length,
    devices: names.map((device) => ({
      device,
      days,
      anomalies: days,
      alarms: days,
      falseAlarms: 1,
      byDay: each(1),
    })),
    byDay: each(names.length),
    summary: {
      reports: [read],
      scored: 1000,
      anomalies: anomalies.length,
      byDevice: {},
      byType: {},
      feedback: { suppressed: 0, sooner: 0, byEntry: {} },
      adaptations: [],
      learning: { devices: 0, least: 0, most: 0 },
      threshold: 0.75,
      thresholds: { flows: 0.75 },
      highest: 0.9,
      seconds: 0.1,
      incidents,
      incidentsLeftOut: leftOut,
    },
  }
  return { result, highlights }
}

describe('the report of a replay', () => {
  it('shows alarms by device and day, and the top incidents', () => {
    const { result, highlights } = replay(3, ['camera-1', 'plug-1'])
    const page = backtestHtml(result, highlights)
    expect(page).toContain('<h1>6 alarms in 3 days on 2 devices</h1>')
    expect(page.match(/class="cell"/g)).toHaveLength(2 * 3)
    expect(page).toContain('title="2025-03-06: 1 alarm"')
    // All devices of a day together.
    expect(page).toContain('title="2025-03-07: 2 alarms"')
    expect(page.match(/class="card anomaly"/g)).toHaveLength(2)
    expect(page).toContain('90 %')
  })

  it('stays small however long the history: weeks instead of days, and what is left out is counted', () => {
    const { result, highlights } = replay(
      400,
      Array.from({ length: 40 }, (_, k) => `device-${k}`),
    )
    const page = backtestHtml(result, highlights)
    // 400 days are 58 weeks.
    expect(page.match(/class="cell"/g)).toHaveLength(15 * 58)
    expect(page).toContain('title="2025-03-12: 7 alarms"')
    expect(page).toContain('25 more devices with alarms are not drawn')
    expect(page).toContain('and 20 more incidents')
    expect(page.length).toBeLessThan(600_000)
  })

  it('needs nothing from outside, runs nothing, escapes what comes from outside', () => {
    const { result, highlights } = replay(2, [`<script>alert(1)</script>"'><img src=x>`])
    expect(backtestHtml(result, highlights)).not.toMatch(/<script|<img|href=|@import|url\(/i)
  })
})
