import type { Backtest, BacktestDevice } from '../../pipeline/backtest.ts'
import type { Highlights } from '../highlights.ts'
import { alarmDays } from './alarm-days.ts'
import { clip, html, type Markup } from './html.ts'
import { incidentCard } from './incident-card.ts'
import { modelCard } from './model-card.ts'
import { clock, code, counted, n, page, percent, rate, sourcesText, tile } from './page.ts'
import { readSection } from './read-section.ts'
import { timeline } from './timeline.ts'

const DEVICES = 30
const INCIDENTS = 20
const DAY = 86_400

/**
 * What `backtest` found as one HTML page that needs nothing else: alarms a day by device, the top incidents. Its
 * size is bounded however long the history is.
 *
 * @param highlights of the anomalies that came while it was replayed
 */
export function backtestHtml(result: Backtest, highlights: Highlights): string {
  const { summary, bundles } = result
  const nameOf = (device: string) => highlights.devices.get(device)?.name
  const title = `Replay of ${clip(sourcesText(summary.reports), 80)}`
  const more = summary.incidents.length + summary.incidentsLeftOut - INCIDENTS
  return page(
    title,
    html`${head(result)}
<h2>Alarms a day</h2>
<section class="card">${alarmDays(result, nameOf)}</section>
${
  summary.anomalies > 0 &&
  html`<h2>What they would have been about</h2>
${summary.incidents.slice(0, INCIDENTS).map(incidentCard)}
${more > 0 && html`<p class="more">… and ${counted(more, 'more incident')}.</p>`}
<h2>Anomalies over time</h2>
<section class="card">${timeline(highlights)}</section>`
}
<h2>Devices</h2>
<section class="card scroll">${devicesTable(result.devices, nameOf)}</section>
<h2>What was read</h2>
${readSection(summary.reports)}
<h2>What it learned first</h2>
${bundles.map(modelCard)}
<footer><p>Models learned from the first part of the records; alarms are of the rest, that they had not seen. Made by Motewatch in ${summary.seconds.toFixed(1)} s. This page needs no network.</p></footer>`,
  )
}

function head(result: Backtest): Markup {
  const { records, from, to, alarms, alarmsPerDeviceDay, falseAlarmsPerDeviceDay, attacks, summary } = result
  const days = (to - from) / DAY
  const long = days < 2 ? `${rate(days * 24)} hours` : `${rate(days)} days`
  const asked = [
    ...new Set(result.bundles.flatMap((b) => (b.summary.promise ? [b.summary.promise.accepted] : []))),
  ]
  return html`<div class="brand">Motewatch replay</div>
<h1>${counted(alarms, 'alarm')} in ${long} on ${counted(result.devices.length, 'device')}</h1>
<p class="dim">${clip(sourcesText(summary.reports), 300)}: ${n(records)} records from ${clock(from)} to ${clock(to)} UTC</p>
<div class="tiles">
${tile(rate(alarmsPerDeviceDay), `alarms a device-day${asked.length > 0 ? `; accepted: ${asked.join(', ')} false ones` : ''}`)}
${falseAlarmsPerDeviceDay !== null && tile(rate(falseAlarmsPerDeviceDay), 'of them false, by the labels')}
${attacks !== null && attacks.records > 0 && tile(percent(attacks.found / attacks.records), `of ${n(attacks.records)} attack records found`)}
${tile(n(summary.anomalies), `anomalies, ${percent(summary.anomalies / records)} of the records`)}
${tile(n(summary.incidents.length + summary.incidentsLeftOut), 'incidents: anomalies of one behaviour together')}
</div>`
}

function devicesTable(
  devices: readonly BacktestDevice[],
  nameOf: (device: string) => string | undefined,
): Markup {
  const labelled = devices.some((d) => d.falseAlarms !== null)
  return html`<table><thead><tr><th>Device</th><th class="right">Days watched</th><th class="right">Alarms</th><th class="right">a day</th>${labelled && html`<th class="right">False alarms</th>`}<th class="right">Anomalies</th></tr></thead><tbody>
${devices.slice(0, DEVICES).map((d) => {
  const name = nameOf(d.device)
  return html`<tr><td class="who">${name !== undefined && html`<b>${clip(name, 80)}</b> `}${code(d.device || 'all records')}</td><td class="right">${d.days.toFixed(1)}</td><td class="right">${n(d.alarms)}</td><td class="right">${d.days > 0 ? rate(d.alarms / d.days) : '–'}</td>${labelled && html`<td class="right">${n(d.falseAlarms ?? 0)}</td>`}<td class="right">${n(d.anomalies)}</td></tr>
`
})}</tbody></table>${devices.length > DEVICES && html`<p class="more">… and ${counted(devices.length - DEVICES, 'more device')}.</p>`}`
}
