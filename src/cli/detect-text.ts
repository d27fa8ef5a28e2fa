import type { Highlights } from '../output/highlights.ts'
import { most } from '../output/highlights.ts'
import { rfc3339 } from '../output/time.ts'
import type { DetectSummary } from '../pipeline/options.ts'
import { count, counted, readText } from './read-text.ts'
import { plain, style, table } from './terminal.ts'

const SHOWN = 10

/** The result of `detect` for a person. */
export async function detectText(summary: DetectSummary, highlights: Highlights): Promise<string> {
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
  lines.push('', await devicesTable(highlights), '', await groupsTable(highlights))
  return lines.join('\n')
}

async function devicesTable(highlights: Highlights): Promise<string> {
  const devices = highlights.rankedDevices()
  const rows = devices
    .slice(0, SHOWN)
    .map(({ device, name, count: n, types, highest }) => [
      who(device, name),
      count(n),
      style('yellow', most(types)),
      highest.toFixed(2),
    ])
  return table(['Device', 'Anomalies', 'Mostly', 'Highest confidence'], rows, [1]).then(
    (text) => text + rest(devices.length, 'devices'),
  )
}

/** One line for each device and type, its strongest anomaly as the example. */
async function groupsTable(highlights: Highlights): Promise<string> {
  const groups = highlights.groups()
  const rows = groups
    .slice(0, SHOWN)
    .map(({ type, count: n, strongest: [a] }) => [
      rfc3339(a!.timestamp).slice(0, 19).replace('T', ' ') || '-',
      who(a!.device, a!.device_name),
      style('yellow', type),
      n === 1 ? '' : `×${count(n)}`,
      a!.confidence.toFixed(2),
      plain(a!.description),
    ])
  const text = await table(
    ['Time (UTC)', 'Device', 'Type', 'Times', 'Confidence', 'Strongest example'],
    rows,
    [3],
  )
  return text + rest(groups.length, 'kinds of anomaly')
}

function who(device: string, name: string | undefined): string {
  const id = plain(device)
  return name ? `${plain(name)} (${id})` : id
}

function rest(n: number, what: string): string {
  return n > SHOWN ? `\n… and ${count(n - SHOWN)} more ${what}` : ''
}
