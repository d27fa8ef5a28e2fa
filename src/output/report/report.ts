import type { DetectSummary } from '../../pipeline/options.ts'
import type { ModelBundle } from '../../store/model-bundle.ts'
import { type DeviceSummary, type Highlights, most } from '../highlights.ts'
import { clip, html, type Markup } from './html.ts'
import { incidentCard } from './incident-card.ts'
import { modelCard } from './model-card.ts'
import { clock, n, page, percent, sourcesText, tile } from './page.ts'
import { readSection } from './read-section.ts'
import { timeline } from './timeline.ts'

/** Devices listed, and further ones in a fold. */
const DEVICES = 12
const FOLDED_DEVICES = 88
const INCIDENTS = 40

/**
 * The result of a detection as one HTML page that needs nothing else: no scripts, no external resources. Its
 * size is bounded however many anomalies there are: what is left out is counted.
 */
export function reportHtml(
  summary: DetectSummary,
  highlights: Highlights,
  bundles: readonly ModelBundle[],
): string {
  const title = `${n(summary.anomalies)} anomalies in ${clip(sourcesText(summary.reports), 80)}`
  return page(
    title,
    html`${head(summary, highlights)}
${summary.anomalies > 0 && found(summary, highlights)}
<h2>What was read</h2>
${readSection(summary.reports)}
<h2>What it was compared with</h2>
${bundles.map(modelCard)}
${footer(summary)}`,
  )
}

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
<p class="dim">${clip(sourcesText(summary.reports), 300)}</p>
<div class="tiles">
${tile(n(scored), 'records scored')}
${tile(n(anomalies), `anomalies, ${percent(scored > 0 ? anomalies / scored : 0)} of the records`, anomalies > 0 ? 'alarm' : 'good')}
${tile(n(found), 'incidents: anomalies of one behaviour together')}
${tile(n(devices), 'devices with anomalies')}
${thresholdTile(thresholds)}
</div>`
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

function footer({ seconds }: DetectSummary): Markup {
  return html`<footer><p>The confidence of an incident is that of its strongest anomaly, raised by how many came within ten minutes. Confidence 0.5 is the edge of what training showed (its contamination); the closer to 1, the rarer among normal records. The blue band is what was typical in training, the red mark the value seen; the share says how much of the score a feature explains.</p>
<p>Made by Motewatch in ${seconds.toFixed(1)} s. This page needs no network.</p></footer>`
}

/** The threshold; of flows and readings where they differ. */
function thresholdTile(thresholds: DetectSummary['thresholds']): Markup {
  const distinct = [...new Set(Object.values(thresholds))]
  const kinds = distinct.length > 1 ? ` (${Object.keys(thresholds).join(' / ')})` : ''
  return tile(distinct.join(' / '), `confidence from which a record is an anomaly${kinds}`)
}
