import type { Evaluation, EvaluationPoint, Measures } from '../../pipeline/evaluator.ts'
import type { ModelBundle } from '../../store/model-bundle.ts'
import { clip, html, type Markup } from './html.ts'
import { modelCard } from './model-card.ts'
import { code, counted, n, page, percent, rate, sourcesText, tile } from './page.ts'
import { type Line, legend, plot, powers, shareBar, shares } from './plot.ts'
import { readSection } from './read-section.ts'

/** Labels and devices listed, and further ones in a fold. */
const LISTED = 15
const FOLDED = 185

/**
 * What `evaluate` found as one HTML page that needs nothing else: curves, calibration, recall by attack and by
 * incident, false alarms by device. Its size is bounded however much was evaluated.
 */
export function evaluationHtml(evaluation: Evaluation, bundles: readonly ModelBundle[]): string {
  const { reports, falseAlarms } = evaluation
  const title = `Evaluation on ${clip(sourcesText(reports), 80)}`
  return page(
    title,
    html`${head(evaluation)}
<h2>How well scores rank, and whether they mean what they say</h2>
${curves(evaluation)}
<h2>Models and thresholds</h2>
<div class="charts">${modelsCard(evaluation)}${thresholdsCard(evaluation)}</div>
${evaluation.malicious > 0 && html`<h2>What was found of each attack</h2>${attacks(evaluation)}`}
${falseAlarms.perDeviceDay !== null && html`<h2>False alarms by device</h2>${devices(falseAlarms)}`}
<h2>What was read</h2>
${readSection(reports)}
<h2>What it was compared with</h2>
${bundles.map(modelCard)}
${footer(evaluation)}`,
  )
}

function head(e: Evaluation): Markup {
  const { ensemble, falseAlarms, threshold } = e
  const { incidents } = ensemble
  const attacks = `${n(e.malicious)} attack rows, ${n(e.benign)} benign${e.leftOut > 0 ? `, ${n(e.leftOut)} left out` : ''}`
  const asked = falseAlarms.promised === null ? '' : `; promised ${rate(falseAlarms.promised)}`
  return html`<div class="brand">Motewatch evaluation</div>
<h1>${headline(e)}</h1>
<p class="dim">${clip(sourcesText(e.reports), 300)}: ${attacks}</p>
<div class="tiles">
${tile(figure(ensemble.rocAuc), 'ROC AUC: chance that an attack ranks above a benign row')}
${tile(percent(ensemble.recall), `of the attack rows found at threshold ${threshold}`)}
${incidents.labelled > 0 && tile(`${n(incidents.found)} of ${n(incidents.labelled)}`, 'labelled incidents with at least one alarm', incidents.found === incidents.labelled ? 'good' : '')}
${tile(percent(ensemble.falseAlarmRate), 'of the benign rows alarmed')}
${falseAlarms.perDeviceDay !== null && tile(rate(falseAlarms.perDeviceDay), `false alarms a device-day${asked}`)}
</div>`
}

function headline({ ensemble, malicious, benign }: Evaluation): string {
  const { incidents, falseAlarmRate } = ensemble
  const alarms = benign === 0 ? '' : `${percent(falseAlarmRate)} of benign rows alarmed`
  if (malicious === 0) return `No attacks; ${alarms}`
  const found = `${n(incidents.found)} of ${counted(incidents.labelled, 'labelled incident')} noticed`
  return alarms === '' ? found : `${found}, ${alarms}`
}

/** Lines of the ensemble and of each model, where there are several. */
function lines(e: Evaluation, of: (curve: Measures['curve']) => Line['points']): Line[] {
  const single = Object.entries(e.models)
  const all = {
    name: single.length > 1 ? 'all together' : single[0]![0],
    kind: 1,
    points: of(e.ensemble.curve),
  } as const
  if (single.length < 2) return [all]
  const kinds = [2, 3, 4] as const
  return [
    all,
    ...single
      .slice(0, kinds.length)
      .map(([name, { curve }], k) => ({ name, kind: kinds[k]!, points: of(curve) })),
  ]
}

function curves(e: Evaluation): Markup {
  if (e.malicious === 0 || e.benign === 0) {
    return html`<div class="charts">${calibrationCard(e)}<section class="card dim">Curves of ranking need both attack and benign rows; there are ${n(e.malicious)} and ${n(e.benign)}.</section></div>`
  }
  const roc = (curve: readonly EvaluationPoint[]): Line['points'] => [
    [0, 0],
    ...curve.map((p) => [p.falseAlarmRate ?? 0, p.recall ?? 0] as const),
  ]
  const precision = (curve: readonly EvaluationPoint[]): Line['points'] => [
    [0, curve[0]?.precision ?? 1],
    ...curve.map((p) => [p.recall ?? 0, p.precision] as const),
  ]
  // One benign row is the least share that can be told from none.
  const least = 10 ** Math.floor(Math.log10(1 / Math.max(10, e.benign)))
  const { recall, falseAlarmRate } = e.ensemble
  const base = e.malicious / (e.malicious + e.benign)
  const here = `threshold ${e.threshold}: ${percent(recall)} found, ${percent(falseAlarmRate)} false alarms`
  const working = [{ at: [falseAlarmRate ?? 0, recall ?? 0] as const, text: here }]
  const found = { label: 'attack rows found', from: 0, to: 1, ticks: shares }
  const rocLines = lines(e, roc)
  const alarmed = Math.round((falseAlarmRate ?? 0) * e.benign)
  const hits = Math.round((recall ?? 0) * e.malicious)
  const precisionHere = hits + alarmed > 0 ? hits / (hits + alarmed) : 1
  const chance = Array.from({ length: 60 }, (_, k) => least ** (1 - k / 59))
  return html`${legend(rocLines)}
<div class="charts">
<section class="card"><h3>ROC</h3>
${plot({
  title: `ROC curve, area ${figure(e.ensemble.rocAuc)}`,
  x: { label: 'benign rows alarmed', from: 0, to: 1, ticks: shares },
  y: found,
  lines: rocLines,
  reference: [
    [0, 0],
    [1, 1],
  ],
  marks: working,
})}
<p class="small dim">The dot is threshold ${e.threshold}; dashed is chance.</p></section>
<section class="card"><h3>ROC, where alarms are few</h3>
${plot({
  title: 'ROC curve with the share of false alarms by powers of ten',
  x: { label: 'benign rows alarmed', log: true, from: least, to: 1, ticks: powers(least, 1) },
  y: found,
  lines: rocLines,
  reference: chance.map((v) => [v, v] as const),
  marks: working,
})}
<p class="small dim">The same curve on a scale of powers of ten; its left edge is ${percent(least)} and fewer.</p></section>
<section class="card"><h3>Precision and recall</h3>
${plot({
  title: `Precision-recall curve, area ${figure(e.ensemble.averagePrecision)}`,
  x: { label: 'attack rows found', from: 0, to: 1, ticks: shares },
  y: { label: 'alarmed rows that are attacks', from: 0, to: 1, ticks: shares },
  lines: lines(e, precision),
  reference: [
    [0, base],
    [1, base],
  ],
  marks: [{ at: [recall ?? 0, precisionHere], text: here }],
})}
<p class="small dim">Dashed: alarming rows at random, as ${percent(base)} of them are attacks.</p></section>
${calibrationCard(e)}
</div>`
}

function modelsCard(e: Evaluation): Markup {
  const rows = [['all together', e.ensemble] as const, ...Object.entries(e.models)].filter(
    (_, i, all) => i > 0 || all.length > 2,
  )
  return html`<section class="card scroll"><h3>At threshold ${e.threshold}</h3><table><thead><tr><th>Model</th><th class="right">ROC AUC</th><th class="right">PR AUC</th><th class="right">Rows found</th><th class="right">False alarms</th></tr></thead><tbody>
${rows.map(
  ([
    name,
    m,
  ]) => html`<tr><td class="nowrap">${name}</td><td class="right">${figure(m.rocAuc)}</td><td class="right">${figure(m.averagePrecision)}</td><td class="right">${percent(m.recall)}</td><td class="right">${percent(m.falseAlarmRate)}</td></tr>
`,
)}</tbody></table><p class="more">False alarms: share of the benign rows.</p></section>`
}

/** Promised p against the measured share of benign rows, with the range that chance gives. */
function calibrationCard({ calibration, benign, threshold, thresholds }: Evaluation): Markup | false {
  const measured = calibration.filter((c) => c.measured !== null)
  if (measured.length === 0) return false
  const least = 10 ** Math.floor(Math.log10(Math.min(...measured.map((c) => c.p))))
  const axis = { log: true, from: least, to: 1, ticks: powers(least, 1) } as const
  const points = measured.map(({ p, measured: share }) => {
    const { low, high } = wilson(share!, benign)
    return { p, share: share!, low, high }
  })
  const seen = points.filter(({ share }) => share > 0)
  const own = thresholds.find((t) => t.threshold === threshold)
  return html`<section class="card"><h3>Calibration</h3>
${plot({
  title: 'Share of benign rows at most as probable as p, against p',
  x: { label: 'promised: p', ...axis },
  y: { label: 'measured: benign rows', ...axis },
  lines: [{ name: 'measured', kind: 1, points: seen.map(({ p, share }) => [p, share] as const) }],
  reference: [
    [least, least],
    [1, 1],
  ],
  ranges: points.map(({ p, low, high }) => ({ x: p, low, high })),
  marks: points.map(({ p, share }) => ({
    at: [p, share] as const,
    text: `p ${percent(p)}: ${percent(share)} of ${n(benign)} benign rows`,
    hollow: share === 0,
  })),
})}
<p class="small dim">On the dashed line a p-value is exactly what it says; below it there are fewer alarms than promised. Bars: where chance alone could have put the point (95 %); hollow points are no rows at all.${own && ` At threshold ${threshold}: promised ${percent(own.p)}, measured ${percent(own.falseAlarmRate)}.`}</p></section>`
}

/** Range of shares that go with the measured one, at 95 % (Wilson 1927). */
function wilson(share: number, rows: number): { low: number; high: number } {
  const z2 = 1.96 ** 2
  const middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
  const half = (1.96 / (1 + z2 / rows)) * Math.sqrt((share * (1 - share)) / rows + z2 / (4 * rows ** 2))
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

function thresholdsCard({ thresholds }: Evaluation): Markup {
  const daily = thresholds.some((t) => t.falseAlarmsPerDeviceDay !== null)
  return html`<section class="card scroll"><h3>Other thresholds</h3><table><thead><tr><th>Threshold</th><th class="right">Promised</th><th class="right">Measured</th>${daily && html`<th class="right">a device-day</th>`}<th class="right">Rows found</th></tr></thead><tbody>
${thresholds.map(
  (
    t,
  ) => html`<tr><td>${t.threshold}</td><td class="right">${percent(t.p)}</td><td class="right">${percent(t.falseAlarmRate)}</td>${daily && html`<td class="right">${t.falseAlarmsPerDeviceDay === null ? '–' : rate(t.falseAlarmsPerDeviceDay)}</td>`}<td class="right">${percent(t.recall)}</td></tr>
`,
)}</tbody></table><p class="more">Promised and measured are shares of benign rows.${daily && ' Alarms of one device within ten minutes are one.'}</p></section>`
}

function attacks({ ensemble, incidentGap }: Evaluation): Markup {
  const labels = Object.entries(ensemble.byLabel).sort((a, b) => b[1].rows - a[1].rows)
  const table = (part: readonly (typeof labels)[number][]) =>
    html`<table><thead><tr><th>Attack</th><th class="right">Rows</th><th>Rows found</th><th>Incidents noticed</th></tr></thead><tbody>
${part.map(
  ([
    name,
    l,
  ]) => html`<tr><td>${code(name)}</td><td class="right">${n(l.rows)}</td><td>${shareBar(l.recall, percent(l.recall), 'found')}</td><td>${shareBar(l.incidentsFound / l.incidents, `${n(l.incidentsFound)} of ${n(l.incidents)}`, 'found')}</td></tr>
`,
)}</tbody></table>`
  return html`<section class="card scroll">${folded(labels, table, 'attack')}
<p class="more">An incident is the rows of one label on one device with no more than ${incidentGap / 3600} h between them; it is noticed when one of its rows is alarmed.</p></section>`
}

function devices({
  byDevice,
  devices: all,
  perDeviceDay,
  promised,
  deviceDays,
}: Evaluation['falseAlarms']): Markup {
  const ranked = Object.entries(byDevice).map(([device, d]) => ({
    device,
    ...d,
    rate: d.days > 0 ? d.alarms / d.days : 0,
  }))
  const most = Math.max(1e-9, ...ranked.map((d) => d.alarms))
  const noisy = ranked.filter((d) => d.alarms > 0)
  const quiet = all - noisy.length
  const table = (part: readonly (typeof ranked)[number][]) =>
    html`<table><thead><tr><th>Device</th><th class="right">Days</th><th>False alarms</th><th class="right">a day</th></tr></thead><tbody>
${part.map(
  (
    d,
  ) => html`<tr><td class="who">${code(d.device || 'all rows')}</td><td class="right">${d.days.toFixed(1)}</td><td>${shareBar(d.alarms / most, n(d.alarms))}</td><td class="right">${d.days > 0 ? rate(d.rate) : '–'}</td></tr>
`,
)}</tbody></table>`
  const rest =
    quiet > 0
      ? ` ${counted(quiet, 'device')} ${noisy.length === 0 ? 'had none' : 'more had none or are not listed'}.`
      : ''
  const average =
    perDeviceDay === null
      ? ''
      : `${rate(perDeviceDay)} a device-day over ${rate(deviceDays)} device-days${promised === null ? '' : `, promised ${rate(promised)}`}.`
  return html`<section class="card scroll">${noisy.length > 0 && folded(noisy, table, 'device')}
<p class="more">${average}${rest} Bursts of one device within ten minutes are one alarm.</p></section>`
}

/** The first rows of a table, further ones in a fold, the number of those left out. */
function folded<T>(rows: readonly T[], table: (part: readonly T[]) => Markup, word: string): Markup {
  const more = rows.slice(LISTED, LISTED + FOLDED)
  const rest = rows.length - LISTED - more.length
  return html`${table(rows.slice(0, LISTED))}${more.length > 0 && html`<details><summary>${counted(more.length, `more ${word}`)}</summary>${table(more)}</details>`}${rest > 0 && html`<p class="more">… and ${counted(rest, `more ${word}`)}.</p>`}`
}

function footer({ reports }: Evaluation): Markup {
  return html`<footer><p>Scores are compared with the labels of the input; labels are never a feature. Made by Motewatch from ${counted(reports.length, 'source')}. This page needs no network.</p></footer>`
}

function figure(value: number | null): string {
  return value === null ? '–' : value.toFixed(4)
}
