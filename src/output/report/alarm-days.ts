import type { Backtest } from '../../pipeline/backtest.ts'
import { clip, html, type Markup } from './html.ts'
import { counted, n } from './page.ts'

const DAY = 86_400
/** Devices that get a row, and columns at most: of longer times a column is a week or more. */
const ROWS = 15
const COLUMNS = 62
/** Columns up to which each cell tells its number. */
const TOLD = 31
/** Dates on the axis at most. */
const DATES = 8

/** Alarms by device and day: a row a device, a column a day, its shade the number; above them all devices. */
export function alarmDays(
  { from, to, devices, byDay }: Backtest,
  nameOf: (device: string) => string | undefined,
): Markup {
  const first = Math.floor(from / DAY)
  const days = Math.floor(to / DAY) - first + 1
  const width = [1, 7, 28, 91, 364].find((w) => days / w <= COLUMNS) ?? Math.ceil(days / COLUMNS)
  const columns = Math.ceil(days / width)
  const binned = (counts: Readonly<Record<string, number>>) => {
    const bins = new Array<number>(columns).fill(0)
    for (const [day, alarms] of Object.entries(counts)) {
      const bin = Math.floor((Date.parse(day) / 1000 / DAY - first) / width)
      bins[Math.min(columns - 1, Math.max(0, bin))]! += alarms
    }
    return bins
  }
  const dateOf = (column: number) =>
    new Date((first + column * width) * DAY * 1000).toISOString().slice(0, 10)
  const noisy = devices.filter((d) => d.alarms > 0)
  const shown = noisy.slice(0, ROWS).map((d) => ({ ...d, bins: binned(d.byDay) }))
  const most = Math.max(1, ...shown.flatMap((d) => d.bins))
  const all = binned(byDay)
  const highest = Math.max(1, ...all)
  const grid = `grid-template-columns:repeat(${columns},minmax(0,1fr))`
  const every = Math.ceil(columns / DATES)
  const told = (alarms: number) => (columns <= TOLD && alarms > 0 ? n(alarms) : '')
  const title = (column: number, alarms: number) => `${dateOf(column)}: ${counted(alarms, 'alarm')}`
  return html`<div class="timeline">
<div class="who"><b>all devices</b></div>
<div class="days tall" style="${grid}">${all.map((alarms, c) => html`<span title="${title(c, alarms)}"><small>${told(alarms)}</small><i style="height:${((72 * alarms) / highest).toFixed(1)}%"></i></span>`)}</div>
<div class="right small">${n(all.reduce((a, b) => a + b, 0))}</div>
${shown.map(
  (d) => html`<div class="who" title="${d.device}">${clip(nameOf(d.device) ?? d.device, 60)}</div>
<div class="days" style="${grid}">${d.bins.map((alarms, c) => html`<span class="cell" style="--level:${shade(alarms, most)}%" title="${title(c, alarms)}">${told(alarms)}</span>`)}</div>
<div class="right small">${n(d.alarms)}</div>
`,
)}<div class="empty"></div><div class="days dates" style="${grid}">${all.map((_, c) => html`<span>${c % every === 0 && html`<small>${dateOf(c)}</small>`}</span>`)}</div><div class="empty"></div>
</div>
<p class="more">Alarms by ${width === 1 ? 'day (UTC)' : `${width} days (UTC)`}; anomalies of one device within ten minutes are one alarm.${left(devices.length, noisy.length)}</p>`
}

/** Part of the alarm colour in a cell; one alarm is to be seen beside many. */
function shade(alarms: number, most: number): string {
  return alarms === 0 ? '0' : (22 + (68 * Math.log1p(alarms)) / Math.log1p(most)).toFixed(0)
}

function left(all: number, noisy: number): string {
  const drawn = Math.min(noisy, ROWS)
  const quiet = all - noisy > 0 ? ` ${counted(all - noisy, 'device')} had none.` : ''
  return noisy > drawn
    ? ` ${counted(noisy - drawn, 'more device')} with alarms are not drawn.${quiet}`
    : quiet
}
