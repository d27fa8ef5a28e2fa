import type { Highlights } from '../output/highlights.ts'
import { most } from '../output/highlights.ts'
import { rfc3339 } from '../output/time.ts'
import type { DetectSummary } from '../pipeline/options.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import { count, counted, readText } from './read-text.ts'
import { plain, style, table, wrap } from './terminal.ts'

/**
 * The result of `detect` for a person.
 *
 * @param shown most devices and incidents listed; the rest is counted
 */
export async function detectText(
  summary: DetectSummary,
  highlights: Highlights,
  shown = 10,
): Promise<string> {
  const { scored, anomalies, thresholds, seconds } = summary
  const rate = seconds > 0 ? ` (${count(Math.round(scored / seconds))} a second)` : ''
  const lines = [readText(summary.reports), '']
  lines.push(
    `${style(anomalies > 0 ? ['bold', 'red'] : ['bold', 'green'], counted(anomalies, 'anomalies'))} in ${counted(
      scored,
      'records',
    )} at threshold ${thresholdsText(thresholds)}, ${seconds.toFixed(1)} s${rate}`,
  )
  lines.push(...feedbackLines(summary))
  if (summary.learning.devices > 0) lines.push(learningText(summary.learning))
  if (anomalies === 0) return lines.join('\n')
  lines.push('', await devicesTable(highlights, shown), '', incidentsText(summary, shown))
  return lines.join('\n')
}

/** What feedback and the following of slow changes did, where they did anything. */
function feedbackLines({ feedback, adaptations }: DetectSummary): string[] {
  const { suppressed, sooner, byEntry } = feedback
  const lines: string[] = []
  if (suppressed + sooner > 0) {
    const by = Object.entries(byEntry).map(([id, n]) => `${id} ×${count(n)}`)
    const more = by.length > 5 ? `, … ${by.length - 5} more` : ''
    lines.push(
      `By feedback: ${counted(suppressed, 'anomalies')} suppressed as expected, ${count(sooner)} told sooner (${by.slice(0, 5).join(', ')}${more})`,
    )
  }
  if (adaptations.length > 0) {
    const devices = new Set(adaptations.map(({ device }) => device)).size
    lines.push(
      `Slow changes of ${counted(devices, 'devices')} were followed in ${counted(adaptations.length, 'steps')}; --json has them`,
    )
  }
  return lines
}

/** 'learning what is normal for 3 devices: 5 to 18 records left each; judged by …'. */
function learningText({ devices, least, most }: DetectSummary['learning']): string {
  const left = least === most ? count(least) : `${count(least)} to ${count(most)}`
  const each = devices > 1 ? ' each' : ''
  return style(
    'dim',
    `Still learning what is normal for ${counted(devices, 'devices')}: ${left} records left${each}; until then judged by the others`,
  )
}

/** '0.75', or '0.75 for flows, 0.5 for readings' where they differ. */
function thresholdsText(thresholds: DetectSummary['thresholds']): string {
  const entries = Object.entries(thresholds)
  const same = new Set(Object.values(thresholds)).size === 1
  return same ? String(entries[0]![1]) : entries.map(([kind, at]) => `${at} for ${kind}`).join(', ')
}

async function devicesTable(highlights: Highlights, shown: number): Promise<string> {
  const devices = highlights.rankedDevices()
  const rows = devices
    .slice(0, shown)
    .map(({ device, name, count: n, types, highest }) => [
      who(device, name),
      count(n),
      style('yellow', most(types)),
      highest.toFixed(2),
    ])
  return table(['Device', 'Anomalies', 'Mostly', 'Highest confidence'], rows, [1]).then(
    (text) => text + rest(devices.length - shown, 'devices'),
  )
}

/** What happened, most evidence first, each with the reasons of its strongest anomaly. */
function incidentsText({ incidents, incidentsLeftOut }: DetectSummary, shown: number): string {
  const blocks = incidents.slice(0, shown).map((incident) => {
    const { type, technique, count: n, devices, first, confidence, description, strongest } = incident
    const [device] = devices
    const others = devices.length > 1 ? ` and ${count(devices.length - 1)} more` : ''
    const when = rfc3339(first).slice(0, 19).replace('T', ' ')
    const head = [
      style(['bold', 'yellow'], type) + (n > 1 ? ` ×${count(n)}` : ''),
      style('bold', device ? who(device.device, device.name) + others : ''),
      `confidence ${confidence.toFixed(2)}`,
      ...(when === '' ? [] : [n > 1 ? `from ${when}` : when]),
      ...(technique ? [style('dim', `${technique.id} ${technique.name}`)] : []),
    ]
    const why = n > 1 ? `${description} ${reasons(strongest)}` : strongest.description
    const instead = incident.counterfactual ? ` ${incident.counterfactual.description}` : ''
    return `${head.join('  ')}\n${wrap(plain(why + instead), '  ')}`
  })
  return blocks.join('\n') + rest(incidents.length + incidentsLeftOut - shown, 'incidents')
}

/** What follows the first sentence of an anomaly's description: the features out of range. */
function reasons({ description }: Anomaly): string {
  const end = description.search(/\. \p{Lu}/u)
  return end < 0 ? '' : description.slice(end + 2)
}

function who(device: string, name: string | undefined): string {
  const id = plain(device)
  return name ? `${plain(name)} (${id})` : id
}

function rest(n: number, what: string): string {
  return n > 0 ? `\n… and ${count(n)} more ${what}` : ''
}
