import { describe, expect, it } from 'vitest'
import { ReadReport } from '../../src/adapters/read-report.ts'
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts'
import { Highlights } from '../../src/output/highlights.ts'
import { clip, escapeHtml, html } from '../../src/output/report/html.ts'
import { reportHtml } from '../../src/output/report/report.ts'
import type { DetectSummary } from '../../src/pipeline/options.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import { anomaly } from './sample.ts'

const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>&\u202e`

function report(anomalies: readonly Anomaly[], source = 'traffic.csv'): string {
  const highlights = new Highlights()
  highlights.add(anomalies)
  const tracker = new IncidentTracker()
  tracker.add(anomalies)
  const { incidents, leftOut } = tracker.finish()
  const read = new ReadReport(source)
  read.adapter = 'csv'
  read.used = 1000
  read.reject('duration is not a number', { place: `${source}:17`, message: `got "${source}"` }, 12)
  const summary: DetectSummary = {
    reports: [read],
    scored: 1000,
    anomalies: anomalies.length,
    byDevice: {},
    byType: {},
    feedback: { suppressed: 0, sooner: 0, byEntry: {} },
    adaptations: [],
    learning: { devices: 0, least: 0, most: 0 },
    threshold: 0.5,
    thresholds: { flows: 0.5 },
    highest: 0.93,
    seconds: 0.1,
    incidents,
    incidentsLeftOut: leftOut,
  }
  return reportHtml(summary, highlights, [])
}

describe('the report', () => {
  it('says what was found, where, and what was read', () => {
    const page = report([
      anomaly(),
      anomaly({ incident: 2, device: 'b', device_name: 'camera-1', type: 'port scan' }),
    ])
    expect(page).toContain('<h1>2 incidents on 2 devices</h1>')
    expect(page).toContain('T1046 Network Service Discovery')
    expect(page).toContain('camera-1')
    expect(page).toContain('port scan')
    expect(page).toContain('typical 40 bytes–1.5 kB')
    expect(page).toContain('1.23 MB')
    expect(page).toContain('1,012 rows')
    expect(page).toContain('12 rejected: duration is not a number')
  })

  it('needs nothing from outside and runs nothing', () => {
    const page = report([anomaly()])
    expect(page).not.toMatch(/<script|src=|href=|@import|url\(/i)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })

  it('escapes everything from outside', () => {
    const page = report(
      [
        anomaly({
          device: HOSTILE,
          device_name: HOSTILE,
          description: HOSTILE,
          source: HOSTILE,
          label: HOSTILE,
          fields: { [HOSTILE]: HOSTILE },
          model_confidence: { [HOSTILE]: 1 },
          affected_features: [
            {
              feature: HOSTILE,
              value: HOSTILE,
              unit: HOSTILE,
              typical: { usual: [HOSTILE] },
              contribution: 1,
            },
            { feature: HOSTILE, value: 1, unit: HOSTILE, typical: { low: 0, high: 1 }, contribution: 0 },
          ],
        }),
      ],
      HOSTILE,
    )
    expect(page).not.toMatch(/<script|<img|\u202e/)
    // Every attribute that holds text of theirs is still closed where ours ends.
    expect(page.match(/title="[^"]*"/g)!.every((a) => !a.includes('<'))).toBe(true)
  })

  it('stays small however much was found, and counts what it leaves out', () => {
    const types = ['spike', 'drift', 'noise', 'stuck'] as const
    const many = Array.from({ length: 20_000 }, (_, i) =>
      anomaly({
        device: `device-${i % 3000}`,
        incident: 1 + (i % 9000),
        type: types[i % 4]!,
        timestamp: 1.5e9 + i * 977,
        description: 'x'.repeat(5000),
        fields: Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`f${k}`, 'y'.repeat(500)])),
      }),
    )
    const page = report(many)
    expect(page.length).toBeLessThan(2_000_000)
    expect(page).toContain('2,988 more devices are not drawn')
    expect(page).toContain('and 8,960 more incidents')
  })

  it('is whole without anomalies, without times, with values that are no numbers', () => {
    expect(report([])).toContain('<h1>Nothing unusual</h1>')
    const page = report([
      anomaly({
        timestamp: Number.NaN,
        affected_features: [
          { feature: 'a', value: Number.NaN, unit: 's', typical: { low: 0, high: 0 }, contribution: 0 },
          { feature: 'b', value: 1e300, unit: '', typical: { low: 0, high: 0 }, contribution: 1 },
          { feature: 'c', value: -5, unit: '', typical: { low: -1e-300, high: 1e300 }, contribution: 1 },
        ],
      }),
    ])
    expect(page).toContain('The records have no time')
    expect(page).not.toMatch(/NaN|Infinity|undefined/)
  })
})

describe('html', () => {
  it('escapes texts, keeps markup, leaves out nothing', () => {
    expect(html`<b>${'<i>'}</b>${html`<br>`}${[html`1`, html`2`]}${undefined}${false}${0}`.text).toBe(
      '<b>&lt;i&gt;</b><br>120',
    )
    expect(escapeHtml(`"'\u0000`)).toBe('&quot;&#39; ')
  })

  it('clips long text', () => expect(clip('abcdef', 4)).toBe('abc…'))
})
