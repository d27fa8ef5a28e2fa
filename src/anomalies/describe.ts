import type { AnomalyType } from '../schema/anomaly.ts'
import { type Cause, sideOf } from './classify.ts'
import type { FlowEvidence } from './flow-evidence.ts'
import { humanise, humaniseRange } from './units.ts'

/** Who did it: `camera-2 (192.168.1.5)` or `192.168.1.5`. */
export function subject(device: string, name: string | undefined): string {
  return name ? `${name} (${device})` : device
}

/** `bytes sent 1.2 MB, usually 40–310 bytes` */
export function causeText({ spec, affected }: Cause): string {
  const { value, unit, typical } = affected
  const shown = typeof value === 'number' ? humanise(value, unit) : value === '' ? 'unset' : value
  // Says itself how usual it is.
  if (spec.scale === 'evidence') return `${spec.words} ${shown}`
  const usual =
    'usual' in typical
      ? typical.usual.length === 0
        ? 'never seen in training'
        : `usually ${typical.usual.slice(0, 3).join(', ')}`
      : typical.low === typical.high
        ? `always ${humanise(typical.low, unit)} in training`
        : `usually ${humaniseRange(typical.low, typical.high, unit)}`
  return `${spec.words} ${shown}, ${usual}`
}

/** The causes worth a sentence: those outside of the typical range, at most three; else the strongest one. */
function because(causes: readonly Cause[]): string {
  const outside = causes.filter((c) => sideOf(c.affected) !== 0).slice(0, 3)
  const told = outside.length > 0 ? outside : causes.slice(0, 1)
  const seen = new Set<string>()
  const texts = told.map(causeText).filter((text) => !seen.has(text) && seen.add(text))
  return texts.length === 0 ? '' : ` ${capital(texts.join('; '))}.`
}

export interface FlowFacts {
  readonly who: string
  /** The device opened the connection. */
  readonly opened: boolean
  /** 'tcp', 'udp', … */
  readonly proto: string
  readonly service: string
  readonly state: string
}

/** One or two sentences about an unusual flow for a network operator. */
export function describeFlow(
  type: AnomalyType,
  flow: FlowFacts,
  e: FlowEvidence,
  causes: readonly Cause[],
): string {
  return `${flowSentence(type, flow, e)}${because(causes)}`
}

function flowSentence(type: AnomalyType, flow: FlowFacts, e: FlowEvidence): string {
  const { who } = flow
  const kind = [flow.proto, flow.service].filter((w) => w !== '').join('/')
  const target = `${endpoint(e.peer, e.port)}${kind ? ` (${kind})` : ''}`
  switch (type) {
    case 'port scan':
      return flow.opened
        ? `${who} seems to scan: ${count(e.flows, 'unusual connection')} to ${count(e.peers, 'address')} and ${count(e.ports, 'port')} within two minutes, ${e.failed} without success, now ${target}.`
        : `${e.peer} seems to scan ${who}: ${count(e.flows, 'unusual connection')} to ${count(e.ports, 'port')} within two minutes, ${e.failed} without success.`
    case 'flood':
      return flow.opened
        ? `${who} floods ${target}: ${count(e.withPeer, 'unusual connection')} and ${count(e.packets, 'packet')} within two minutes.`
        : `${e.peer} floods ${who} on port ${e.port}: ${count(e.withPeer, 'unusual connection')} and ${count(e.packets, 'packet')} within two minutes.`
    case 'brute force':
      return flow.opened
        ? `${who} tries to log in to ${target} again and again: ${count(e.withPeer, 'connection')} within two minutes.`
        : `${e.peer} tries to log in to ${who} (port ${e.port}) again and again: ${count(e.withPeer, 'connection')} within two minutes.`
    case 'beaconing':
      return `${who} keeps contacting ${target}: ${count(e.times, 'unusual connection')}, one every ${humanise(e.span / (e.times - 1), 's')} on average.`
    case 'exfiltration':
      return `${who} seems to carry data away to ${target}: ${humanise(e.bytesOut, 'bytes')} sent and ${humanise(e.bytesIn, 'bytes')} received in ${count(e.times, 'unusual connection')}.`
    case 'new service':
      return `${who} used a kind of service that is new for it: ${target}.`
    default: {
      const what =
        type === 'unusual volume' ? 'unusual volume' : type === 'unusual hour' ? 'unusual hour' : ''
      const state = stateWords[flow.state]
      const how = state ? `, ${state}` : ''
      return flow.opened
        ? `${who} made an unusual connection to ${target}${how}${what ? `: ${what}` : ''}.`
        : `${who} took part in an unusual connection from ${e.peer} to its port ${e.port}${kind ? ` (${kind})` : ''}${how}${what ? `: ${what}` : ''}.`
    }
  }
}

const stateWords: Readonly<Record<string, string>> = {
  S0: 'which got no answer',
  REJ: 'which was refused',
  RSTO: 'which it broke off',
  RSTR: 'which the other side broke off',
  RSTOS0: 'which got no answer',
  OTH: 'of which only the middle was seen',
}

/** One sentence about an unusual reading. */
export function describeReading(type: AnomalyType, who: string, causes: readonly Cause[]): string {
  const { metric, aspect, words } = causes[0]?.spec ?? {}
  // How long nothing came is about no metric.
  if (type === 'dropout' && aspect === 'gap') return `${who}: no readings for a while.${because(causes)}`
  return `${who}: ${readingWords[type] ?? 'unusual reading'} in ${metric ?? words ?? 'a value'}.${because(causes)}`
}

const readingWords: Partial<Record<AnomalyType, string>> = {
  spike: 'sudden jump',
  drift: 'value outside of its usual range',
  stuck: 'value that no longer moves',
  noise: 'unusually restless values',
  dropout: 'missing values',
  'correlation break': 'values that no longer fit together',
}

function endpoint(address: string, port: number): string {
  const host = address === '' ? 'an unknown address' : address
  if (port === 0) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function count(n: number, word: string): string {
  const plural = word.endsWith('s') ? `${word}es` : `${word}s`
  return `${humanise(n, '')} ${n === 1 ? word : plural}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
