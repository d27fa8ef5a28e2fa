import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'

/** States in which nothing useful came back. */
const failed = new Set(['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'OTH'])
/** Devices and contacts remembered; the one seen longest ago makes room. */
const MOST_DEVICES = 20_000
const MOST_CONTACTS = 100_000
/** Distinct peers or ports told apart in a minute; more is certainly many. */
const MOST_DISTINCT = 1024

/** The unusual flows of one device in one minute of event time. */
class Minute {
  readonly start: number
  flows = 0
  failed = 0
  packets = 0
  payload = 0
  readonly peers = new Map<string, number>()
  readonly ports = new Set<number>()
  /** Peers and ports that the minute before had not. */
  freshPeers = 0
  freshPorts = 0
  constructor(start: number) {
    this.start = start
  }
}

/** A device that keeps contacting one service. */
interface Contact {
  times: number
  /** Payload bytes by and to the device. */
  out: number
  back: number
  first: number
  last: number
}

/** What the device has been doing in unusual flows, at the moment of one of them. */
export interface FlowEvidence {
  readonly peer: string
  readonly port: number
  /** In the current and the previous minute of event time, this flow included. */
  readonly flows: number
  readonly failed: number
  readonly packets: number
  /** Payload bytes in both directions. */
  readonly payload: number
  readonly peers: number
  readonly ports: number
  /** Of `flows`, those with this peer. */
  readonly withPeer: number
  /** Unusual flows with this peer, port and protocol so far, and seconds between the first and this one. */
  readonly times: number
  readonly span: number
  /** Payload bytes sent to and received from that service in those flows. */
  readonly bytesOut: number
  readonly bytesIn: number
}

/**
 * Remembers the unusual flows of each device over the last minutes, in input order: one flow of a scan looks
 * like a mistyped address, a hundred tell. Bounded memory.
 */
export class FlowHistory {
  readonly #minutes = new Map<string, [Minute, Minute | undefined]>()
  readonly #contacts = new Map<string, Contact>()

  /** Adds row `i` and tells what it is part of. */
  add(batch: FlowBatch, i: number): FlowEvidence {
    const device = batch.device ? stringAt(batch.device, i) : stringAt(batch.orig_h, i)
    const isOrig = !batch.device_is_orig || batch.device_is_orig[i] === 1
    const peer = stringAt(isOrig ? batch.resp_h : batch.orig_h, i)
    const port = batch.resp_p[i]!
    const ts = batch.ts[i]!
    const packets = finite(batch.orig_pkts[i]!) + finite(batch.resp_pkts[i]!)
    const isFailed = failed.has(stringAt(batch.conn_state, i))
    const [now, before] = this.#minutesOf(device, Number.isNaN(ts) ? 0 : Math.floor(ts / 60) * 60)
    now.flows++
    now.packets += packets
    now.payload += finite(batch.orig_bytes[i]!) + finite(batch.resp_bytes[i]!)
    if (isFailed) now.failed++
    const known = now.peers.get(peer)
    if (known !== undefined) now.peers.set(peer, known + 1)
    else if (now.peers.size < MOST_DISTINCT) {
      now.peers.set(peer, 1)
      if (!before?.peers.has(peer)) now.freshPeers++
    }
    if (now.ports.size < MOST_DISTINCT && !now.ports.has(port)) {
      now.ports.add(port)
      if (!before?.ports.has(port)) now.freshPorts++
    }
    const contact = this.#contactOf(`${device} ${peer} ${port} ${batch.proto[i]}`, ts)
    contact.out += finite((isOrig ? batch.orig_bytes : batch.resp_bytes)[i]!)
    contact.back += finite((isOrig ? batch.resp_bytes : batch.orig_bytes)[i]!)
    return {
      peer,
      port,
      flows: now.flows + (before?.flows ?? 0),
      failed: now.failed + (before?.failed ?? 0),
      packets: now.packets + (before?.packets ?? 0),
      payload: now.payload + (before?.payload ?? 0),
      peers: now.freshPeers + (before?.peers.size ?? 0),
      ports: now.freshPorts + (before?.ports.size ?? 0),
      withPeer: (now.peers.get(peer) ?? 0) + (before?.peers.get(peer) ?? 0),
      times: contact.times,
      span: finite(contact.last - contact.first),
      bytesOut: contact.out,
      bytesIn: contact.back,
    }
  }

  #minutesOf(device: string, start: number): [Minute, Minute | undefined] {
    const known = this.#minutes.get(device)
    if (known && known[0].start >= start) return known
    const before = known?.[0].start === start - 60 ? known[0] : undefined
    const minutes: [Minute, Minute | undefined] = [new Minute(start), before]
    this.#minutes.delete(device)
    this.#minutes.set(device, minutes)
    forgetOldest(this.#minutes, MOST_DEVICES)
    return minutes
  }

  #contactOf(key: string, ts: number): Contact {
    let contact = this.#contacts.get(key)
    if (contact) {
      contact.times++
      if (ts > contact.last) contact.last = ts
    } else {
      contact = { times: 1, out: 0, back: 0, first: ts, last: ts }
      this.#contacts.set(key, contact)
      forgetOldest(this.#contacts, MOST_CONTACTS)
    }
    return contact
  }
}

function forgetOldest(map: Map<string, unknown>, most: number): void {
  if (map.size > most) map.delete(map.keys().next().value!)
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}
