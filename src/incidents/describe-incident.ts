import { subject } from '../anomalies/describe.ts'
import { humanise } from '../anomalies/units.ts'
import type { Incident, TopValues } from '../schema/incident.ts'
import type { Sums } from './incident-builder.ts'

type Facts = Omit<Incident, 'description'>

/** What happened, in one sentence for a network operator. */
export function sentence(incident: Facts, sums: Sums): string {
  const who = whoOf(incident)
  if (incident.kind === 'readings') return readingSentence(incident, who)
  const { type, count, addresses, ports } = incident
  const by = sums.opened >= count / 2
  const flows = counted(count, 'unusual connection')
  const target = by ? targetOf(addresses, ports) : `${who}${portText(ports)}`
  const actor = by ? who : valuesText(addresses, 'address')
  const lasting = span(incident)
  switch (type) {
    case 'port scan':
      return `${actor} searched ${several(addresses.distinct, 'address')} on ${valuesText(ports, 'port')}: ${flows}${lasting}, ${share(sums.unanswered, count)} of them without an answer.`
    case 'flood':
      return `${actor} flooded ${target} with ${flows}${lasting}.`
    case 'brute force':
      return `${actor} tried to log in to ${target} again and again: ${flows}${lasting}.`
    case 'beaconing':
      return `${actor} kept contacting ${target}: ${flows}${lasting}${pace(incident)}.`
    case 'exfiltration':
      return `${actor} carried data away to ${target}: ${humanise(sums.bytesOut, 'bytes')} sent and ${humanise(sums.bytesIn, 'bytes')} received in ${flows}${lasting}.`
    default: {
      const kind = kinds[type]
      return `${actor} made ${flows} to ${target}${lasting}${kind ? `, ${count > 1 ? 'mostly ' : ''}${kind}` : ''}.`
    }
  }
}

const kinds: Readonly<Partial<Record<Incident['type'], string>>> = {
  'unusual volume': 'of unusual volume',
  'unusual hour': 'at an unusual hour',
  'new service': 'of a kind that is new for it',
  'new destination': 'to somewhere new for it',
}

const faults: Readonly<Partial<Record<Incident['type'], string>>> = {
  spike: 'sudden jumps of',
  drift: 'a slow departure of',
  stuck: 'no movement of',
  noise: 'unusual restlessness of',
  'correlation break': 'values that no longer fit together, of',
}

function readingSentence(incident: Facts, who: string): string {
  const { type, count, features, strongest } = incident
  const names = Object.keys(strongest.fields)
  // The metric behind `temperature average`; what is no metric (the gap between readings) is not told as one.
  const metrics = features.top.flatMap(({ value }) =>
    names.filter((m) => value === m || value.startsWith(`${m} `)),
  )
  const named = [...new Set(metrics)].slice(0, 2).join(' and ')
  const what =
    type === 'dropout'
      ? 'missed readings'
      : `showed ${faults[type] ?? 'unusual values of'} ${named || 'its values'}`
  return `${who} ${what}: ${counted(count, 'unusual reading')}${span(incident)}.`
}

function whoOf({ devices }: Facts): string {
  const [first, second] = devices
  if (!first) return 'A device'
  const name = subject(first.device, first.name)
  if (!second) return name === '' ? 'A device' : name
  return devices.length === 2
    ? `${name} and ${subject(second.device, second.name)}`
    : `${name} and ${devices.length - 1} other devices`
}

/** `1.2.3.4:80 (tcp)`, `1.2.3.4 on 312 ports`, `17 addresses on port 23 (tcp)`. */
function targetOf(addresses: TopValues, ports: TopValues): string {
  const [address] = addresses.top
  const [port] = ports.top
  if (addresses.distinct !== 1 || ports.distinct !== 1) {
    return `${valuesText(addresses, 'address')} on ${valuesText(ports, 'port')}`
  }
  const [number = '', proto] = port!.value.split('/')
  const host = address!.value || 'an unknown address'
  const place = number === '0' ? host : host.includes(':') ? `[${host}]:${number}` : `${host}:${number}`
  return proto ? `${place} (${proto})` : place
}

function portText(ports: TopValues): string {
  return ports.distinct === 1 && ports.top[0]!.value.startsWith('0') ? '' : ` on ${valuesText(ports, 'port')}`
}

/** The values where they are few, else how many. */
function valuesText({ distinct, top }: TopValues, word: string): string {
  const values = top.map((t) => t.value || 'unknown')
  if (distinct > 2) return several(distinct, word)
  const list = values.join(' and ')
  return word === 'port' ? `port${distinct > 1 ? 's' : ''} ${list}` : list
}

function span({ first, last, count }: Facts): string {
  if (!(count > 1) || Number.isNaN(first)) return ''
  return last - first >= 1 ? ` within ${humanise(last - first, 's')}` : ' at once'
}

function pace({ first, last, count }: Facts): string {
  return count > 2 && last > first
    ? `, one every ${humanise((last - first) / (count - 1), 's')} on average`
    : ''
}

function share(part: number, whole: number): string {
  return part === whole ? 'all' : part === 0 ? 'none' : humanise(part / whole, 'share')
}

/** Numbers of different values are estimates where they are large. */
function several(n: number, word: string): string {
  return `${n > 64 ? 'about ' : ''}${counted(n, word)}`
}

function counted(n: number, word: string): string {
  const plural = word.endsWith('s') ? `${word}es` : `${word}s`
  return `${humanise(n, '')} ${n === 1 ? word : plural}`
}
