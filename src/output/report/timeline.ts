import type { DeviceSummary, Highlights } from '../highlights.ts'
import { rfc3339 } from '../time.ts'
import { html, Markup } from './html.ts'

/** Devices that get a row of their own. */
const ROWS = 12
const HEIGHT = 100
/** At most this many labels on the time axis. */
const TICKS = 7

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400
const STEPS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
]

/**
 * Anomalies over time, a row a device: one bar a time bin, its height the logarithm of the count so that
 * a single anomaly stays visible beside a flood.
 */
export function timeline(highlights: Highlights): Markup {
  const { bins, binWidth } = highlights
  const devices = highlights.rankedDevices().slice(0, ROWS)
  if (!bins) return html`<p class="dim">The records have no time, so there is no timeline.</p>`
  const n = bins.last - bins.first + 1
  const from = bins.first * binWidth
  const to = (bins.last + 1) * binWidth
  let top = 1
  for (const device of devices) for (const count of device.bins.values()) top = Math.max(top, count)
  const marks = ticks(from, to)
  const lines = marks.map(({ share }) => html`<i class="grid" style="left:${percent(share)}"></i>`)
  return html`<div class="timeline ${devices.length <= 3 && 'tall'}">
${devices.map(
  (device) => html`<div class="who" title="${device.device}">${device.name ?? device.device}</div>
<div class="plot">${lines}${bars(device, bins.first, n, binWidth, top)}</div>
<div class="right small">${device.count.toLocaleString('en-US')}</div>
`,
)}<div class="empty"></div><div class="axis">${marks.map(
    ({ share, label }) =>
      html`<span style="left:${percent(share)}">${label.map((l) => html`${l}<br>`)}</span>`,
  )}</div><div class="empty"></div>
</div>
<p class="more">Times in UTC; one bar is ${duration(binWidth)}. ${
    highlights.devices.size > ROWS &&
    `${(highlights.devices.size - ROWS).toLocaleString('en-US')} more devices are not drawn.`
  }</p>`
}

function bars(device: DeviceSummary, first: number, n: number, binWidth: number, top: number): Markup {
  const rects = [...device.bins]
    .sort(([a], [b]) => a - b)
    .map(([bin, count]) => {
      const height = Math.max(8, Math.round((Math.log1p(count) / Math.log1p(top)) * HEIGHT))
      const title = `${rfc3339(bin * binWidth)}: ${count.toLocaleString('en-US')}`
      return `<rect x="${bin - first}" y="${HEIGHT - height}" width="${n > 60 ? 1 : 0.9}" height="${height}"><title>${title}</title></rect>`
    })
  return new Markup(`<svg viewBox="0 0 ${n} ${HEIGHT}" preserveAspectRatio="none">${rects.join('')}</svg>`)
}

/** Round times in [from, to] with their place (0–1) and label lines; the date where the day changes. */
function ticks(from: number, to: number): { share: number; label: string[] }[] {
  const span = to - from
  const step = STEPS.find((s) => span / s <= TICKS) ?? Math.ceil(span / TICKS / (364 * DAY)) * 364 * DAY
  const made: { share: number; label: string[] }[] = []
  let day = ''
  for (let t = Math.ceil(from / step) * step; t < to; t += step) {
    const share = (t - from) / span
    if (share < 0.03 || share > 0.97) continue
    const text = rfc3339(t)
    const date = text.slice(0, 10)
    const clock = text.slice(11, step < MINUTE ? 19 : 16)
    made.push({ share, label: step >= DAY ? [date] : date === day ? [clock] : [clock, date] })
    day = date
  }
  return made
}

function duration(seconds: number): string {
  if (seconds < 2 * MINUTE) return `${seconds} s`
  if (seconds < 2 * HOUR) return `${(seconds / MINUTE).toFixed(0)} min`
  if (seconds < 2 * DAY) return `${(seconds / HOUR).toFixed(1)} h`
  return `${(seconds / DAY).toFixed(1)} days`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}
