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
  /** Incidents that the rule kept quiet about since its last alert. */
  readonly held_back: number
}

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
      devices: devices.slice(0, 10).map(({ device, name }) => (name ? `${name} (${device})` : device)),
      first: time(incident.first),
      last: time(incident.last),
      count,
      confidence: Math.round(confidence * 1e4) / 1e4,
      description,
    },
    held_back: heldBack,
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
export function headline({ incident, test }: Message): string {
  if (test) return 'Motewatch: test of an alert'
  const { type, devices, count } = incident
  const many = count > 1 ? ` x${count}` : ''
  return oneLine(`Motewatch: ${type}${many} ${devices.slice(0, 3).join(', ')}`)
}

export function plainText(message: Message): string {
  const { incident, rule, held_back } = message
  const lines = [incident.description, '']
  if (incident.first) lines.push(`From ${incident.first} to ${incident.last}`)
  if (!message.test) lines.push(`Confidence ${incident.confidence}, incident ${incident.id}`)
  if (incident.technique) lines.push(`MITRE ATT&CK ${incident.technique}`)
  if (held_back > 0) lines.push(`${held_back} more incidents since the last alert of this rule`)
  lines.push(`Rule: ${rule.name}`)
  return `${lines.map(oneLine).join('\n')}\n`
}

/** Device names come from the network: nothing in them may begin a line or a header of its own. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim()
}

function time(seconds: number | null): string | null {
  return seconds === null ? null : new Date(Math.round(seconds * 1000)).toISOString()
}
