import { html, type Markup } from './html.ts'

/** Size of a plot in its own units; it is drawn as wide as its place. */
const WIDTH = 480
const HEIGHT = 320
const PLACE = { left: 68, right: 24, top: 12, bottom: 46 }

/** An axis, linear or by powers of ten. Values outside are drawn at the end they lie beyond. */
export interface Axis {
  readonly label: string
  readonly log?: true
  readonly from: number
  readonly to: number
  readonly ticks: readonly { readonly at: number; readonly text: string }[]
}

type Point = readonly [x: number, y: number]

/** A line through points; `kind` chooses its colour: 1 is the one that matters. */
export interface Line {
  readonly name: string
  readonly kind: 1 | 2 | 3 | 4
  readonly points: readonly Point[]
}

export interface Plot {
  /** What the plot says, for those who cannot see it. */
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: readonly Line[]
  /** How it would be by chance, or exactly as promised: dashed. */
  readonly reference?: readonly Point[]
  /** Points of interest, with what they say. */
  readonly marks?: readonly { readonly at: Point; readonly text: string; readonly hollow?: boolean }[]
  /** Vertical ranges of uncertainty. */
  readonly ranges?: readonly { readonly x: number; readonly low: number; readonly high: number }[]
}

/** Ticks at powers of ten, as shares: 100 %, 10 %, 1 %, … */
export function powers(from: number, to: number): Axis['ticks'] {
  const ticks = []
  for (let e = Math.ceil(Math.log10(from) - 1e-9); e <= Math.log10(to) + 1e-9; e++) {
    ticks.push({ at: 10 ** e, text: `${Number((100 * 10 ** e).toPrecision(1))} %` })
  }
  return ticks
}

/** Ticks at 0, 20, …, 100 %. */
export const shares: Axis['ticks'] = [0, 0.2, 0.4, 0.6, 0.8, 1].map((at) => ({
  at,
  text: `${Math.round(100 * at)} %`,
}))

/** The plot as inline SVG; colours come from the page's style, light and dark. */
export function plot({ title, x, y, lines, reference, marks = [], ranges = [] }: Plot): Markup {
  const px = placer(x, PLACE.left, WIDTH - PLACE.right)
  const py = placer(y, HEIGHT - PLACE.bottom, PLACE.top)
  const at = ([a, b]: Point) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`
  const path = (points: readonly Point[]) => points.map(at).join(' ')
  const [left, right, top, bottom] = [PLACE.left, WIDTH - PLACE.right, PLACE.top, HEIGHT - PLACE.bottom]
  // The line that matters is drawn last, over the others.
  const ordered = [...lines].sort((a, b) => b.kind - a.kind)
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
${x.ticks.map(
  ({ at: v, text }) =>
    html`<line class="rule" x1="${px(v).toFixed(1)}" x2="${px(v).toFixed(1)}" y1="${top}" y2="${bottom}"/><text x="${px(v).toFixed(1)}" y="${bottom + 17}" text-anchor="middle">${text}</text>`,
)}${y.ticks.map(
  ({ at: v, text }) =>
    html`<line class="rule" x1="${left}" x2="${right}" y1="${py(v).toFixed(1)}" y2="${py(v).toFixed(1)}"/><text x="${left - 7}" y="${(py(v) + 4).toFixed(1)}" text-anchor="end">${text}</text>`,
)}
<text class="name" x="${(left + right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${x.label}</text>
<text class="name" transform="rotate(-90)" x="${-(top + bottom) / 2}" y="12" text-anchor="middle">${y.label}</text>
${reference && html`<polyline class="reference" points="${path(reference)}"/>`}
${ranges.map(({ x: v, low, high }) => html`<line class="interval" x1="${px(v).toFixed(1)}" x2="${px(v).toFixed(1)}" y1="${py(low).toFixed(1)}" y2="${py(high).toFixed(1)}"/>`)}
${ordered.map(({ kind, points }) => html`<polyline class="series s${kind}" points="${path(points)}"/>`)}
${marks.map(({ at: point, text, hollow }) => html`<circle class="point${hollow ? ' hollow' : ''}" cx="${px(point[0]).toFixed(1)}" cy="${py(point[1]).toFixed(1)}" r="4"><title>${text}</title></circle>`)}
</svg>`
}

/** The names of lines with their colours. */
export function legend(lines: readonly Line[]): Markup {
  return html`<p class="legend">${lines.map(({ name, kind }) => html`<span><i class="s${kind}"></i>${name}</span>`)}</p>`
}

/** Value -> place between two ends, never beyond them. */
function placer({ log, from, to }: Axis, low: number, high: number): (v: number) => number {
  const [a, b] = log ? [Math.log10(from), Math.log10(to)] : [from, to]
  return (v) => {
    const share = ((log ? Math.log10(Math.max(v, from)) : v) - a) / (b - a)
    return low + Math.min(1, Math.max(0, share)) * (high - low)
  }
}

/** A share as a bar, with the figure beside it. */
export function shareBar(share: number, text: string, kind: '' | 'found' = ''): Markup {
  return html`<span class="measure"><span class="bar ${kind}"><i style="width:${(100 * share).toFixed(1)}%"></i></span><span class="small right">${text}</span></span>`
}
