import type { Incident } from '../schema/incident.ts'
import type { StoredIncident } from '../store/incidents.ts'

/** What an alert says, whichever way it goes; docs/alerts.md describes it. */
export interface Message {
  readonly rule: { readonly id: number; readonly name: string }
  /** Seen only in the answer to a test. */
  readonly test: boolean
  readonly incident: {
    readonly id: number
    readonly type: string
    readonly technique: string | null
    readonly devices: readonly string[]
    /** RFC 3339, null where the records have no time. */
    readonly first: string | null
    readonly last: string | null
    readonly count: number
    readonly confidence: number
    readonly description: string
  }
  /** Incidents, others than this one, that the rule kept quiet about since its last alert. */
  readonly held_back: number
  /** In the one message after quiet hours, whose incident is the strongest of those kept back. */
  readonly summary?: Summary
}

/** What was kept back in quiet hours. */
export interface Summary {
  /** Incidents. */
  readonly count: number
  /** When the first and the last were kept back, RFC 3339. */
  readonly from: string
  readonly to: string
  /** By device, the strongest first. */
  readonly devices: readonly {
    readonly device: string
    readonly incidents: number
    /** Of the strongest. */
    readonly confidence: number
  }[]
}

/** Devices that a message names. */
const MOST_DEVICES = 10

export function messageOf(
  rule: { readonly id: number; readonly name: string },
  incident: StoredIncident,
  heldBack: number,
): Message {
  const { devices } = JSON.parse(incident.detail_json) as Incident
  const { id, type, technique, count, confidence, description } = incident
  return {
    rule: { id: rule.id, name: rule.name },
    test: false,
    incident: {
      id,
      type,
      technique,
      devices: devices
        .slice(0, MOST_DEVICES)
        .map(({ device, name }) => (name ? `${name} (${device})` : device)),
      first: time(incident.first),
      last: time(incident.last),
      count,
      confidence: Math.round(confidence * 1e4) / 1e4,
      description,
    },
    held_back: heldBack,
  }
}

/** @param kept what was kept back, and when (seconds since the epoch) */
export function summaryOf(
  rule: { readonly id: number; readonly name: string },
  kept: readonly { readonly at: number; readonly incident: Message['incident'] }[],
): Message {
  const strongest = kept.reduce((best, next) =>
    next.incident.confidence > best.incident.confidence ? next : best,
  )
  const devices = new Map<string, { device: string; incidents: number; confidence: number }>()
  for (const { incident } of kept) {
    for (const device of incident.devices) {
      const so = devices.get(device) ?? { device, incidents: 0, confidence: 0 }
      so.incidents++
      so.confidence = Math.max(so.confidence, incident.confidence)
      devices.set(device, so)
    }
  }
  const times = kept.map(({ at }) => at)
  return {
    rule: { id: rule.id, name: rule.name },
    test: false,
    incident: strongest.incident,
    held_back: kept.length - 1,
    summary: {
      count: kept.length,
      from: time(Math.min(...times)),
      to: time(Math.max(...times)),
      devices: [...devices.values()]
        .sort((a, b) => b.confidence - a.confidence || b.incidents - a.incidents)
        .slice(0, MOST_DEVICES),
    },
  }
}

/** What a test of a rule sends. */
export function testMessage(rule: { readonly id: number; readonly name: string }): Message {
  return {
    rule: { id: rule.id, name: rule.name },
    test: true,
    incident: {
      id: 0,
      type: 'test',
      technique: null,
      devices: [],
      first: null,
      last: null,
      count: 0,
      confidence: 0,
      description: 'This is a test: alerts of this rule arrive here.',
    },
    held_back: 0,
  }
}

/** One line. */
export function headline({ incident, test, summary }: Message): string {
  if (test) return 'Motewatch: test of an alert'
  const { type, devices, count } = incident
  const many = count > 1 ? ` x${count}` : ''
  const one = `${type}${many} ${devices.slice(0, 3).join(', ')}`
  if (!summary) return oneLine(`Motewatch: ${one}`)
  return oneLine(`Motewatch: ${incidents(summary.count)} in quiet hours, the strongest ${one}`)
}

function incidents(n: number): string {
  return `${n} incident${n === 1 ? '' : 's'}`
}

export function plainText(message: Message): string {
  const { incident, rule, held_back, summary } = message
  const lines = [incident.description, '']
  if (summary) {
    lines.unshift(`${incidents(summary.count)} kept back in quiet hours; the strongest:`, '')
  }
  if (incident.first) lines.push(`From ${incident.first} to ${incident.last}`)
  if (!message.test) lines.push(`Confidence ${incident.confidence}, incident ${incident.id}`)
  if (incident.technique) lines.push(`MITRE ATT&CK ${incident.technique}`)
  if (summary) {
    lines.push('', `Kept back from ${summary.from} to ${summary.to}:`)
    for (const { device, incidents: n, confidence } of summary.devices) {
      lines.push(`- ${device}: ${incidents(n)}, confidence up to ${confidence}`)
    }
  } else if (held_back > 0) lines.push(`${held_back} more incidents since the last alert of this rule`)
  lines.push(`Rule: ${rule.name}`)
  return `${lines.map(oneLine).join('\n')}\n`
}

/** Device names come from the network: nothing in them may begin a line or a header of its own. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim()
}

function time(seconds: number): string
function time(seconds: number | null): string | null
function time(seconds: number | null): string | null {
  return seconds === null ? null : new Date(Math.round(seconds * 1000)).toISOString()
}
