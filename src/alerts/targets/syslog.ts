import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { addressOf } from '../address.ts'
import { headline, type Message, oneLine } from '../message.ts'
import type { Target } from '../rule.ts'
import type { Sending } from './send.ts'

/** Severities of RFC 5424. */
const ERROR = 3
const WARNING = 4
const NOTICE = 5
/** Bytes of a datagram that every receiver takes is 480, most take this. */
const LONGEST = 2048
/** Milliseconds after the last byte in which a receiver may still complain. */
const LINGER = 1000

/** Sends an alert as one message of RFC 5424: a datagram (RFC 5426), or with its length before it over TCP (RFC 6587). */
export async function sendSyslog(
  { host, port, transport, facility }: Extract<Target, { kind: 'syslog' }>,
  message: Message,
  { id, allowLocal, signal }: Sending,
): Promise<void> {
  const { address, family } = await addressOf(host, allowLocal)
  const bytes = Buffer.from(syslogMessage(message, id, facility, new Date()))
  if (transport === 'udp') {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject)
        socket.send(bytes.subarray(0, LONGEST), port, address, (error) => (error ? reject(error) : resolve()))
      })
    } finally {
      socket.close()
    }
    return
  }
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: address, port, signal }, () => {
      socket.end(Buffer.concat([Buffer.from(`${bytes.length} `), bytes]))
    })
    // Receivers say nothing. One that is not there resets the connection; most close it when nothing more comes.
    socket.on('finish', () => socket.setTimeout(LINGER, () => socket.destroy()))
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.resume()
  })
}

/** `<132>1 2025-03-06T22:29:26.000Z host motewatch 4711 incident [motewatch@32473 id="7" …] text` */
export function syslogMessage(message: Message, id: string, facility: number, at: Date): string {
  const { incident, rule, test } = message
  const severity = test ? NOTICE : incident.confidence >= 0.9 ? ERROR : WARNING
  const data = {
    delivery: id,
    rule: rule.name,
    incident: incident.id,
    type: incident.type,
    devices: incident.devices.join(' '),
    count: incident.count,
    confidence: incident.confidence,
    technique: incident.technique ?? '',
    held_back: message.held_back,
  }
  // 32473 is the enterprise number for documentation (RFC 5612): Motewatch has none of its own.
  const params = Object.entries(data).map(([name, value]) => `${name}="${escaped(String(value))}"`)
  const head = `<${facility * 8 + severity}>1 ${at.toISOString()} ${ascii(hostname())} motewatch ${process.pid}`
  const text = oneLine(`${headline(message)}: ${incident.description}`)
  return `${head} ${test ? 'test' : 'incident'} [motewatch@32473 ${params.join(' ')}] \uFEFF${text}`
}

function escaped(value: string): string {
  return oneLine(value).replace(/["\\\]]/g, '\\$&')
}

function ascii(name: string): string {
  return name.replace(/[^!-~]/g, '').slice(0, 255) || '-'
}
