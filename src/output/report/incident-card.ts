import { humanise, humaniseRange } from '../../anomalies/units.ts'
import type { AffectedFeature, Anomaly } from '../../schema/anomaly.ts'
import type { Incident, TopValues } from '../../schema/incident.ts'
import { rfc3339 } from '../time.ts'
import { clip, html, type Markup } from './html.ts'

const FEATURES = 4
const FIELDS = 30
const TARGETS = 5

/** One incident: what happened, to whom, and the features of its strongest anomaly; the records folded. */
export function incidentCard(incident: Incident): Markup {
  const { type, technique, devices, count, confidence, description, strongest } = incident
  const [first] = devices
  const others = [incident.first_anomaly, incident.last_anomaly].filter((a) => a !== strongest)
  return html`<article class="card anomaly">
<header>
  <span class="badge">${type}</span>
  <b>${clip(first?.name ?? first?.device ?? '', 80)}</b>${first?.name !== undefined && html`<code class="dim">${clip(first.device, 80)}</code>`}
  ${devices.length > 1 && html`<span class="times">and ${devices.length - 1} more</span>`}
  <span class="times">${when(incident)}</span>
  ${technique && html`<span class="times" title="MITRE ATT&CK">${technique.id} ${technique.name}</span>`}
  <span class="confidence">confidence ${confidence.toFixed(2)}</span>
</header>
<p class="what">${clip(count === 1 ? strongest.description : description, 600)}</p>
${targets(incident)}${features(strongest)}${counterfactual(incident)}
<details><summary>${count === 1 ? 'Record' : `The strongest, first and last of ${count.toLocaleString('en-US')} anomalies`}</summary>
${count > 1 && html`<p class="what small">${clip(strongest.description, 600)}</p>`}${record(strongest)}${[...new Set(others)].map((other) => html`<p class="what small">${clip(other.description, 600)}</p>${features(other)}${record(other)}`)}
</details>
</article>`
}

/** Where there are several: the addresses and ports met most often. */
function targets({ addresses, ports }: Incident): Markup | false {
  if (addresses.distinct < 2 && ports.distinct < 2) return false
  return html`<p class="small dim">${[
    values(addresses, 'address', 'addresses'),
    values(ports, 'port', 'ports'),
  ]
    .filter((text) => text !== '')
    .join('; ')}</p>`
}

function values({ distinct, top }: TopValues, one: string, many: string): string {
  const listed = top
    .slice(0, TARGETS)
    .map(({ value, count }) => `${clip(value || 'unknown', 60)} ×${count.toLocaleString('en-US')}`)
  const rest = distinct > listed.length ? ' …' : ''
  return distinct === 0
    ? ''
    : `${distinct.toLocaleString('en-US')} ${distinct === 1 ? one : many}: ${listed.join(', ')}${rest}`
}

function when({ count, first, last }: Incident): string {
  const times = count === 1 ? '' : `${count.toLocaleString('en-US')} times, `
  if (Number.isNaN(first)) return times.replace(', ', '')
  const [from, to] = [clock(first), clock(last)]
  return (
    times +
    (from === to
      ? from
      : from.slice(0, 10) === to.slice(0, 10)
        ? `${from} – ${to.slice(11)}`
        : `${from} – ${to}`)
  )
}

function clock(t: number): string {
  return rfc3339(t).slice(0, 19).replace('T', ' ')
}

function features(a: Anomaly): Markup {
  return html`<div class="features">${a.affected_features.slice(0, FEATURES).map(
    (f) => html`
<span>${clip(f.feature, 80)}</span>
<span class="value">${clip(valueText(f), 80)}</span>
<span class="typical">${typeof f.value === 'number' && 'low' in f.typical && range(f.value, f.unit, f.typical)}<span class="dim small">typical ${clip(typicalText(f), 160)}</span></span>
<span class="share" title="share of the score"><span class="bar"><i style="width:${(f.contribution * 100).toFixed(0)}%"></i></span><span class="right small">${(f.contribution * 100).toFixed(0)}%</span></span>`,
  )}</div>`
}

function valueText({ value, unit }: AffectedFeature): string {
  if (typeof value === 'number') return Number.isNaN(value) ? 'unset' : humanise(value, unit)
  return value || 'unset'
}

function typicalText({ typical, unit }: AffectedFeature): string {
  if ('usual' in typical) return typical.usual.map((v) => v || 'unset').join(', ') || 'never seen'
  const { low, high } = typical
  return low === high ? `always ${humanise(low, unit)}` : humaniseRange(low, high, unit)
}

/** What would have been ordinary instead of the strongest anomaly. */
function counterfactual({ counterfactual, strongest }: Incident): Markup | false {
  const told = counterfactual ?? strongest.counterfactual
  return told !== undefined && html`<p class="small instead">${clip(told.description, 600)}</p>`
}

/** The value as a mark beside the band of what is typical. */
function range(value: number, unit: string, typical: { low: number; high: number }): Markup | false {
  if (!Number.isFinite(value)) return false
  const place = scale(value, typical)
  const left = place(typical.low)
  return html`<span class="range" style="display:block" title="${humanise(value, unit)}"><i class="band" style="left:${left.toFixed(1)}%;width:${(place(typical.high) - left).toFixed(1)}%"></i><i class="mark ${value >= typical.low && value <= typical.high && 'inside'}" style="left:${place(value).toFixed(1)}%"></i></span>`
}

/**
 * Places (0–100) on an axis that holds the typical band and the value. A value far outside is drawn on a
 * symmetric log axis around the band, on which the band keeps a visible width.
 */
function scale(value: number, { low, high }: { low: number; high: number }): (x: number) => number {
  const width = high - low || Math.max(Math.abs(high) * 0.1, Math.abs(value) * 0.01) || 1
  const outside = Math.max(low - value, value - high, 0)
  const middle = (low + high) / 2
  const bend =
    outside > 4 * width
      ? (x: number) => Math.sign(x - middle) * Math.log1p(Math.abs(x - middle) / width)
      : (x: number) => x - middle
  const from = Math.min(bend(low), bend(value))
  const to = Math.max(bend(high), bend(value))
  const pad = (to - from || 1) * 0.06
  return (x) => ((bend(x) - from + pad) / (to - from + 2 * pad || 1)) * 100
}

function record(a: Anomaly): Markup {
  const fields = Object.entries(a.fields)
  const models = Object.entries(a.model_confidence).map(([name, c]) => `${name} ${c.toFixed(2)}`)
  return html`<div class="fields">
<span><span class="dim">from</span> <code>${clip(a.source, 200)}</code>, record ${a.record}</span>
<span><span class="dim">p</span> ${a.p_value.toPrecision(2)}</span>
<span><span class="dim">models</span> ${models.join(', ')}</span>
${a.label !== undefined && html`<span><span class="dim">label</span> ${clip(a.label, 80)}</span>`}
${fields.slice(0, FIELDS).map(([name, value]) => html`<span><span class="dim">${clip(name, 60)}</span> <code>${clip(fieldText(name, value), 80)}</code></span>`)}
${fields.length > FIELDS && html`<span class="dim">… and ${fields.length - FIELDS} more fields</span>`}
</div>`
}

function fieldText(name: string, value: string | number): string {
  return name === 'ts' && typeof value === 'number' ? rfc3339(value) : String(value)
}
