import type { ReadReport } from '../../adapters/read-report.ts'
import { clip, html, type Markup } from './html.ts'
import { n } from './page.ts'

const SOURCES = 20
const PROBLEMS = 5

/** What was read, used and rejected of each source, and why. */
export function readSection(reports: readonly ReadReport[]): Markup {
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

function total(reports: readonly ReadReport[], value: (r: ReadReport) => number): number {
  return reports.reduce((sum, r) => sum + value(r), 0)
}
