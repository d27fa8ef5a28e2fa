import { rfc3339 } from '../output/time.ts'
import type { Feedback, FeedbackScope } from '../schema/feedback.ts'
import { plain, style, table } from './terminal.ts'

/** Entries as a table. */
export async function feedbackTable(entries: readonly Feedback[]): Promise<string> {
  const rows = entries.map((entry) => [
    entry.id,
    rfc3339(entry.at).slice(0, 16).replace('T', ' '),
    style(entry.verdict === 'confirmed' ? 'red' : 'green', entry.verdict),
    plain([aboutText(entry), remark(entry)].filter((part) => part !== '').join(' ')),
  ])
  return table(['Id', 'Said', 'Verdict', 'About'], rows)
}

/** What an entry is about: devices, types, services, other sides; how strong and how many. */
export function aboutText(entry: Feedback): string {
  if ('device' in entry) {
    return `${entry.device}: its slow change is followed by ${Number(entry.limit.toPrecision(2))} at most`
  }
  const { scope, strength, perDay } = entry
  const least = (10 ** -strength).toExponential(0)
  const rate = perDay > 1 ? `, ${Number(perDay.toPrecision(2))} a day` : ''
  return `${scope.devices.join(', ')}: ${scope.types.join(', ')}${placeText(scope)} (p ${least}${rate}) in ${scope.values
    .slice(0, 3)
    .map(({ feature }) => feature)
    .join(', ')}`
}

function placeText({ flow }: FeedbackScope): string {
  if (!flow) return ''
  const services = flow.services === null ? 'any port' : flow.services.slice(0, 3).join(', ')
  const peers = flow.peers === null ? '' : flow.peers.slice(0, 3).join(', ')
  const way = flow.direction === 'out' ? 'to' : 'from'
  return `${peers === '' ? '' : ` ${way} ${peers}`}, ${services}${flow.direction === 'in' ? ' of its own' : ''}`
}

function remark({ note, by }: Feedback): string {
  if (note === undefined) return by === undefined ? '' : `— ${by}`
  return `— ${note}${by === undefined ? '' : ` (${by})`}`
}
