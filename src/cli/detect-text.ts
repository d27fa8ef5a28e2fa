import type { Highlights } from '../output/highlights.ts'
import { most } from '../output/highlights.ts'
import { rfc3339 } from '../output/time.ts'
import type { DetectSummary } from '../pipeline/options.ts'
import { count, counted, readText } from './read-text.ts'
import { plain, style, table, wrap } from './terminal.ts'

/**
 * The result of `detect` for a person.
 *
 * @param shown most devices and kinds of anomaly listed; the rest is counted
 */
export async function detectText(
  summary: DetectSummary,
  highlights: Highlights,
  shown = 10,
): Promise<string> {
  const { scored, anomalies, threshold, seconds } = summary
  const rate = seconds > 0 ? ` (${count(Math.round(scored / seconds))} a second)` : ''
  const lines = [readText(summary.reports), '']
  lines.push(
    `${style(anomalies > 0 ? ['bold', 'red'] : ['bold', 'green'], counted(anomalies, 'anomalies'))} in ${counted(
      scored,
      'records',
    )} at threshold ${threshold}, ${seconds.toFixed(1)} s${rate}`,
  )
  if (anomalies === 0) return lines.join('\n')
  lines.push('', await devicesTable(highlights, shown), '', groupsText(highlights, shown))
  return lines.join('\n')
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

/** For each device and type how often it was seen, and its strongest anomaly as the example. */
function groupsText(highlights: Highlights, shown: number): string {
  const groups = highlights.groups()
  const blocks = groups.slice(0, shown).map(({ type, count: n, strongest: [a] }) => {
    const when = rfc3339(a!.timestamp).slice(0, 19).replace('T', ' ')
    const head = [
      style(['bold', 'yellow'], type) + (n > 1 ? ` ×${count(n)}` : ''),
      style('bold', who(a!.device, a!.device_name)),
      `confidence ${a!.confidence.toFixed(2)}`,
      ...(when === '' ? [] : [n > 1 ? `strongest ${when}` : when]),
    ]
    return `${head.join('  ')}\n${wrap(plain(a!.description), '  ')}`
  })
  return blocks.join('\n') + rest(groups.length - shown, 'kinds of anomaly')
}

function who(device: string, name: string | undefined): string {
  const id = plain(device)
  return name ? `${plain(name)} (${id})` : id
}

function rest(n: number, what: string): string {
  return n > 0 ? `\n… and ${count(n)} more ${what}` : ''
}
