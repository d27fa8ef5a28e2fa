import { describe, expect, it } from 'vitest'
import { ReadReport } from '../../src/adapters/read-report.ts'
import { evaluationHtml } from '../../src/output/report/evaluation-report.ts'
import { percent } from '../../src/output/report/page.ts'
import type { Evaluation, Measures } from '../../src/pipeline/evaluator.ts'

const HOSTILE = `<script>alert(1)</script>"'><img src=x>\u202e`

const curve = [
  { p: 1e-4, recall: 0.5, falseAlarmRate: 0, precision: 1 },
  { p: 1e-2, recall: 0.9, falseAlarmRate: 0.01, precision: 0.9 },
  { p: 1, recall: 1, falseAlarmRate: 1, precision: 0.1 },
]
const measures: Measures = {
  rocAuc: 0.987,
  averagePrecision: 0.95,
  recall: 0.9,
  falseAlarmRate: 0.01,
  incidents: { labelled: 4, found: 3, recall: 0.75 },
  byLabel: {
    scan: { rows: 90, recall: 0.9, incidents: 3, incidentsFound: 3 },
    quiet: { rows: 10, recall: 0, incidents: 1, incidentsFound: 0 },
  },
  curve,
}

function evaluation(changes: Partial<Evaluation> = {}): Evaluation {
  return {
    rows: 1100,
    benign: 1000,
    malicious: 100,
    leftOut: 0,
    threshold: 0.75,
    incidentGap: 3600,
    ensemble: measures,
    models: { 'isolation-forest': measures, lof: measures },
    thresholds: [
      { threshold: 0.75, p: 0.0033, recall: 0.9, falseAlarmRate: 0.01, falseAlarmsPerDeviceDay: 2.5 },
    ],
    falseAlarms: {
      perDeviceDay: 2.5,
      promised: 1,
      deviceDays: 4,
      devices: 3,
      byDevice: { 'camera-1': { alarms: 8, days: 2 }, 'plug-1': { alarms: 0, days: 2 } },
    },
    calibration: [
      { p: 0.1, measured: 0.12 },
      { p: 0.001, measured: 0 },
    ],
    reports: [new ReadReport('labelled.log')],
    ...changes,
  }
}

describe('the report of an evaluation', () => {
  it('draws the curves and calibration, tells recall by attack and incident, false alarms by device', () => {
    const page = evaluationHtml(evaluation(), [])
    expect(page).toContain('<h1>3 of 4 labelled incidents noticed, 1 % of benign rows alarmed</h1>')
    expect(page.match(/<svg class="chart"/g)).toHaveLength(4)
    expect(page).toContain('aria-label="ROC curve, area 0.9870"')
    // Three lines: all together and each model; the second point of the first at a false alarm share of 1 %.
    expect(page.match(/<polyline class="series s1"/g)).toHaveLength(4)
    expect(page.match(/<polyline class="series s3"/g)).toHaveLength(3)
    expect(page).toMatch(/scan<\/code>[\s\S]*90 %[\s\S]*3 of 3[\s\S]*quiet<\/code>[\s\S]*0 of 1/)
    expect(page).toMatch(/camera-1<\/code>[\s\S]*2.5 a device-day over 4 device-days, promised 1/)
    expect(page).not.toContain('plug-1')
  })

  it('needs nothing from outside, runs nothing, escapes what comes from outside', () => {
    const byLabel = { [HOSTILE]: { rows: 1, recall: 1, incidents: 1, incidentsFound: 1 } }
    const page = evaluationHtml(
      evaluation({
        ensemble: { ...measures, byLabel },
        models: { [HOSTILE]: measures, lof: measures },
        falseAlarms: {
          ...evaluation().falseAlarms,
          byDevice: { [HOSTILE]: { alarms: 1, days: 1 } },
        },
        reports: [new ReadReport(HOSTILE)],
      }),
      [],
    )
    expect(page).not.toMatch(/<script|<img|\u202e|href=|@import|url\(/i)
  })

  it('says what is missing where there is nothing to rank', () => {
    const none = { recall: null, rocAuc: null, averagePrecision: null }
    const noAttack = { ...measures, ...none, incidents: { labelled: 0, found: 0, recall: null }, byLabel: {} }
    const page = evaluationHtml(
      evaluation({ malicious: 0, ensemble: noAttack, models: { lof: noAttack } }),
      [],
    )
    expect(page).toContain('<h1>No attacks; 1 % of benign rows alarmed</h1>')
    expect(page).toContain('Curves of ranking need both attack and benign rows; there are 0 and 1,000.')
    expect(page).not.toContain('NaN')
  })

  it('tells shares close to all by what is left', () => {
    expect([1, 0.99996, 0.9941, 0.953, 0.5, 0.0123, 0, null].map(percent)).toEqual([
      ...['100 %', '99.996 %', '99.4 %', '95.3 %', '50 %', '1.2 %', '0 %', '–'],
    ])
  })
})
