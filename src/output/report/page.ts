import type { ReadReport } from '../../adapters/read-report.ts'
import { rfc3339 } from '../time.ts'
import { clip, html, Markup } from './html.ts'
import { STYLE } from './style.ts'

const style = new Markup(STYLE)

/** A whole HTML page that needs nothing else: no scripts, no external resources. */
export function page(title: string, body: Markup): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="motewatch">
<title>${title}</title>
<style>${style}</style>
</head>
<body><main>
${body}
</main></body></html>
`.text
}

/** A large figure with what it counts. */
export function tile(value: string, words: string, kind: '' | 'alarm' | 'good' = ''): Markup {
  return html`<div class="card tile ${kind}"><b>${value}</b><span class="dim small">${words}</span></div>`
}

/** The inputs in a few words. */
export function sourcesText(reports: readonly ReadReport[]): string {
  const [first] = reports
  if (!first) return ''
  return reports.length === 1 ? first.source : `${first.source} and ${n(reports.length - 1)} more`
}

/** 14,394 */
export function n(value: number): string {
  return value.toLocaleString('en-US')
}

/** `2 devices`, `1 device` */
export function counted(count: number, word: string): string {
  return `${n(count)} ${word}${count === 1 ? '' : 's'}`
}

/** `2025-03-06 22:29:26`, in UTC; '' without a time. */
export function clock(t: number): string {
  return rfc3339(t).slice(0, 19).replace('T', ' ')
}

/** 0.0123 -> `1.2 %`; close to all by what is left, so that 99.96 % is not told as 100. */
export function percent(share: number | null): string {
  if (share === null) return '–'
  const digits = (part: number, most: number) => Number((part * 100).toPrecision(most))
  const value = share > 0.5 && share < 1 ? 100 - digits(1 - share, share < 0.99 ? 2 : 1) : digits(share, 2)
  return `${Number(value.toPrecision(6))} %`
}

/** `0.12` alarms a device-day: two digits. */
export function rate(value: number): string {
  return String(Number(value.toPrecision(2)))
}

/** Text of others in a table: clipped, as code. */
export function code(text: string): Markup {
  return html`<code>${clip(text, 80)}</code>`
}
