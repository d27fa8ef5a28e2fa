import type { ModelBundle } from '../../store/model-bundle.ts'
import { clip, html, type Markup } from './html.ts'
import { clock, n, percent } from './page.ts'

const DROPPED = 100

/** What a model learned from, what it promises and what was measured. */
export function modelCard({ kind, models, summary }: ModelBundle): Markup {
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
