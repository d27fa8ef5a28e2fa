import type { ReadReport } from '../../adapters/read-report.ts'
import type { DetectSummary } from '../../pipeline/options.ts'
import type { ModelBundle } from '../../store/model-bundle.ts'
import { type DeviceSummary, type Highlights, most } from '../highlights.ts'
import { rfc3339 } from '../time.ts'
import { clip, html, Markup } from './html.ts'
import { incidentCard } from './incident-card.ts'
import { STYLE } from './style.ts'
import { timeline } from './timeline.ts'

/** Devices listed, and further ones in a fold. */
const DEVICES = 12
const FOLDED_DEVICES = 88
const INCIDENTS = 40
const SOURCES = 20
const PROBLEMS = 5
const DROPPED = 100

/**
 * The result of a detection as one HTML page that needs nothing else: no scripts, no external resources. Its
 * size is bounded however many anomalies there are: what is left out is counted.
 */
export function reportHtml(
  summary: DetectSummary,
  highlights: Highlights,
  bundles: readonly ModelBundle[],
): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="motewatch">
<title>${n(summary.anomalies)} anomalies in ${clip(sources(summary.reports), 80)}</title>
<style>${style}</style>
</head>
<body><main>
${head(summary, highlights)}
${summary.anomalies > 0 && found(summary, highlights)}
<h2>What was read</h2>
${read(summary.reports)}
<h2>What it was compared with</h2>
${bundles.map(modelCard)}
${footer(summary)}
</main></body></html>
`
  return page.text
}

const style = new Markup(STYLE)

function head(summary: DetectSummary, highlights: Highlights): Markup {
  const { anomalies, scored, thresholds, incidents, incidentsLeftOut } = summary
  const found = incidents.length + incidentsLeftOut
  const devices = highlights.devices.size
  const verdict =
    anomalies === 0
      ? 'Nothing unusual'
      : `${n(found)} ${found === 1 ? 'incident' : 'incidents'} on ${n(devices)} ${devices === 1 ? 'device' : 'devices'}`
  return html`<div class="brand">Motewatch report</div>
<h1>${verdict}</h1>
<p class="dim">${clip(sources(summary.reports), 300)}</p>
<div class="tiles">
${tile(n(scored), 'records scored')}
${tile(n(anomalies), `anomalies, ${percent(scored > 0 ? anomalies / scored : 0)} of the records`, anomalies > 0 ? 'alarm' : 'good')}
${tile(n(found), 'incidents: anomalies of one behaviour together')}
${tile(n(devices), 'devices with anomalies')}
${thresholdTile(thresholds)}
</div>`
}

function tile(value: string, words: string, kind = ''): Markup {
  return html`<div class="card tile ${kind}"><b>${value}</b><span class="dim small">${words}</span></div>`
}

function found({ incidents, incidentsLeftOut }: DetectSummary, highlights: Highlights): Markup {
  const more = incidents.length + incidentsLeftOut - INCIDENTS
  return html`<h2>When</h2>
<section class="card">${timeline(highlights)}</section>
<h2>Who and what</h2>
<div class="columns"><section class="card scroll">${devicesTable(highlights)}</section><section class="card">${types(highlights)}</section></div>
<h2>What happened and why</h2>
${incidents.slice(0, INCIDENTS).map(incidentCard)}
${more > 0 && html`<p class="more">… and ${n(more)} more incidents; <code>detect --json</code> lists them.</p>`}`
}

function devicesTable(highlights: Highlights): Markup {
  const devices = highlights.rankedDevices()
  const table = (part: typeof devices) =>
    html`<table><thead><tr><th>Device</th><th class="right">Anomalies</th><th>Mostly</th><th class="right wide">Confidence</th><th class="wide">First and last (UTC)</th></tr></thead><tbody>
${part.map(deviceRow)}</tbody></table>`
  const folded = devices.slice(DEVICES, DEVICES + FOLDED_DEVICES)
  const rest = devices.length - DEVICES - folded.length
  return html`${table(devices.slice(0, DEVICES))}${
    folded.length > 0 &&
    html`<details><summary>${n(folded.length)} more devices</summary>${table(folded)}</details>`
  }${rest > 0 && html`<p class="more">… and ${n(rest)} more devices.</p>`}`
}

function deviceRow(d: DeviceSummary): Markup {
  return html`<tr><td class="who">${d.name !== undefined && html`<b>${clip(d.name, 80)}</b><br>`}<code>${clip(d.device, 80)}</code></td>
<td class="right">${n(d.count)}</td><td><span class="badge">${most(d.types)}</span></td>
<td class="right wide">${d.highest.toFixed(2)}</td><td class="small number wide nowrap">${clock(d.first)}<br>${clock(d.last)}</td></tr>
`
}

function types(highlights: Highlights): Markup {
  const ranked = [...highlights.types].sort((a, b) => b[1] - a[1])
  return html`<div class="bars">${ranked.map(
    ([type, count]) =>
      html`<span>${type}</span><span class="bar"><i style="width:${((count / ranked[0]![1]) * 100).toFixed(1)}%"></i></span><span class="right small">${n(count)}</span>`,
  )}</div>`
}

function read(reports: readonly ReadReport[]): Markup {
  return html`<section class="card scroll"><table><thead><tr><th>Source</th><th>As</th><th class="right">Read</th><th class="right">Used</th><th class="right">Rejected</th></tr></thead><tbody>
${reports.slice(0, SOURCES).map(
  (
    r,
  ) => html`<tr><td><code>${clip(r.source, 200)}</code>${remarks(r)}</td><td>${[...new Set([r.adapter, r.dialect])].filter(Boolean).join(', ')}</td>
<td class="right">${n(r.read)} ${r.unit}</td><td class="right">${n(r.used)}</td><td class="right">${n(r.rejected)}</td></tr>
`,
)}</tbody></table>${
    reports.length > SOURCES &&
    html`<p class="more">… and ${n(reports.length - SOURCES)} more sources: ${n(total(reports, (r) => r.read))} read = ${n(total(reports, (r) => r.used))} used + ${n(total(reports, (r) => r.rejected))} rejected in all.</p>`
  }</section>`
}

function remarks(r: ReadReport): Markup {
  return html`${[...r.reasons].slice(0, 10).map(([reason, count]) => html`<div class="small">${n(count)} rejected: ${clip(reason, 200)}</div>`)}
${r.problems.slice(0, PROBLEMS).map(({ place, message }) => html`<div class="small dim">${clip(place, 200)} ${clip(message, 300)}</div>`)}
${r.notes.slice(0, 10).map((note) => html`<div class="small dim">${clip(note, 300)}</div>`)}`
}

function modelCard({ kind, models, summary }: ModelBundle): Markup {
  const { rows, from, to, devices, features, dropped, contamination, seed, warnings, alarms, promise } =
    summary
  return html`<section class="card" style="margin-bottom:12px"><dl>
<dt>Model</dt><dd>${models.map((m) => m.detector.name).join(' + ')}, for ${kind}</dd>
<dt>Learned from</dt><dd>${n(rows.fitted)} rows; calibrated on ${n(rows.calibrated)} later ones; ${n(rows.seen)} seen; ${n(devices)} ${devices === 1 ? 'device' : 'devices'}</dd>
<dt>Sources</dt><dd>${clip(summary.sources.join(', '), 300)}</dd>
${from !== null && to !== null && html`<dt>Time</dt><dd>${clock(from)} to ${clock(to)} UTC</dd>`}
<dt>Features</dt><dd>${n(features.length)}${dropped.length > 0 && html` <details><summary>${n(dropped.length)} dropped</summary><div class="small dim">${dropped.slice(0, DROPPED).map(({ name, reason }) => html`<div>${clip(name, 80)}: ${clip(reason, 200)}</div>`)}</div></details>`}</dd>
<dt>Contamination</dt><dd>${contamination}; seed ${seed}</dd>
${promise !== null && html`<dt>Promise</dt><dd>at most ${promise.accepted} false alarms: threshold ${promise.threshold}, p ${promise.p.toExponential(1)}; ${promise.measured === null ? 'too few records to measure it' : `measured ${Number(promise.measured.toPrecision(2))} alarms a device-day`}, from ${Number(promise.deviceDays.toPrecision(2))} held-out device-days</dd>`}
${alarms.length > 0 && html`<dt>False alarms</dt><dd>${alarms.map(({ threshold, p, measured }) => html`<div>threshold ${threshold}: promised ${percent(p)} of normal rows, measured ${percent(measured)}</div>`)}</dd>`}
</dl>${warnings.map((warning) => html`<div class="warning">${clip(warning, 500)}</div>`)}</section>`
}

function footer({ seconds }: DetectSummary): Markup {
  return html`<footer><p>The confidence of an incident is that of its strongest anomaly, raised by how many came within ten minutes. Confidence 0.5 is the edge of what training showed (its contamination); the closer to 1, the rarer among normal records. The blue band is what was typical in training, the red mark the value seen; the share says how much of the score a feature explains.</p>
<p>Made by Motewatch in ${seconds.toFixed(1)} s. This page needs no network.</p></footer>`
}

function sources(reports: readonly ReadReport[]): string {
  const [first] = reports
  if (!first) return ''
  return reports.length === 1 ? first.source : `${first.source} and ${n(reports.length - 1)} more`
}

function total(reports: readonly ReadReport[], value: (r: ReadReport) => number): number {
  return reports.reduce((sum, r) => sum + value(r), 0)
}

function n(value: number): string {
  return value.toLocaleString('en-US')
}

function clock(t: number): string {
  return rfc3339(t).slice(0, 19).replace('T', ' ')
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`
}

/** The threshold; of flows and readings where they differ. */
function thresholdTile(thresholds: DetectSummary['thresholds']): Markup {
  const distinct = [...new Set(Object.values(thresholds))]
  const kinds = distinct.length > 1 ? ` (${Object.keys(thresholds).join(' / ')})` : ''
  return tile(distinct.join(' / '), `confidence from which a record is an anomaly${kinds}`)
}
