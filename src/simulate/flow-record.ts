import type { FlowRecord } from '../schema/flow-batch.ts'
import { hash } from './choices.ts'
import type { Conversation } from './conversation.ts'
import { ACK, FIN, type Packet, packetsOf, RST, SYN, SYN_OPTION_BYTES } from './packets.ts'

/** A simulated flow: every field of a `conn.log` row that a simulation can know. */
export type SimulatedFlow = FlowRecord & Required<Pick<FlowRecord, 'ts' | 'label' | 'detailed_label'>>

/** IP header plus transport header of a packet, bytes. */
export function headerBytes(c: Conversation, flags: number): number {
  const ip = c.orig.ip.includes(':') ? 40 : 20
  if (c.proto !== 6) return ip + 8
  return ip + 20 + (flags & SYN ? SYN_OPTION_BYTES : 0)
}

/**
 * The flow record of a conversation, by counting its packets as Zeek does: payload bytes by sequence number
 * (a repeated segment counts once), IP bytes by packet, state from how it began and ended. A flow of a
 * single packet has no duration and no byte counts, as in Zeek's own logs.
 */
export function flowOf(c: Conversation): SimulatedFlow {
  const packets: [number, number] = [0, 0]
  const ipBytes: [number, number] = [0, 0]
  const bytes: [number, number] = [0, 0]
  let history = ''
  let told = 0
  const header = headerBytes(c, 0)
  const synHeader = headerBytes(c, SYN)
  let first = 0
  let last = 0
  let seen = 0
  let fins = 0
  const repeats: [number, number] = [0, 0]
  for (const p of packetsOf(c)) {
    const side = p.fromOrig ? 0 : 1
    if (seen++ === 0) first = p.time
    // Zeek's duration ends when both sides have closed; the last acknowledgement comes too late for it.
    if (fins < 2) last = p.time
    if (p.flags & FIN) fins++
    packets[side]++
    ipBytes[side] += (p.flags & SYN ? synHeader : header) + p.length
    if (!p.repeated) bytes[side] += p.length
    // Zeek tells of the 1st, 10th, 100th … repetition of a side.
    else if (Number.isInteger(Math.log10(++repeats[side]))) history += p.fromOrig ? 'T' : 't'
    const event = eventOf(c, p)
    const bit = 1 << (2 * event + side)
    if ((told & bit) === 0) {
      told |= bit
      history += (p.fromOrig ? 'SHRFDA' : 'shrfda')[event]
    }
  }
  const single = seen === 1
  return {
    ts: first / 1e6,
    uid: uidOf(c),
    orig_h: c.orig.ip,
    orig_p: c.orig_p,
    resp_h: c.resp.ip,
    resp_p: c.resp_p,
    proto: c.proto,
    service: c.service,
    conn_state: stateOf(c, packets),
    history: c.proto === 6 || c.proto === 17 ? history : '',
    missed_bytes: 0,
    orig_pkts: packets[0],
    orig_ip_bytes: ipBytes[0],
    resp_pkts: packets[1],
    resp_ip_bytes: ipBytes[1],
    orig_l2_addr: c.orig.mac,
    resp_l2_addr: c.resp.mac,
    label: c.label,
    detailed_label: c.detailed_label,
    ...(single ? {} : { duration: (last - first) / 1e6, orig_bytes: bytes[0], resp_bytes: bytes[1] }),
  }
}

/** What a packet adds to the history, as an index of 'shrfda'. */
function eventOf(c: Conversation, p: Packet): number {
  if (c.proto !== 6) return 4
  if (p.flags & SYN) return p.flags & ACK ? 1 : 0
  if (p.flags & RST) return 2
  if (p.flags & FIN) return 3
  return p.length > 0 ? 4 : 5
}

/** Zeek's conn_state. */
function stateOf(c: Conversation, packets: readonly [number, number]): string {
  if (c.proto === 17) return packets[1] > 0 ? (packets[0] > 0 ? 'SF' : 'SHR') : 'S0'
  if (c.proto !== 6) return 'OTH'
  if (c.opening === 'ignored') return 'S0'
  if (c.opening === 'refused') return 'REJ'
  return { open: 'S1', 'fin-orig': 'SF', 'fin-resp': 'SF', 'rst-orig': 'RSTO', 'rst-resp': 'RSTR' }[c.closing]
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A connection id in Zeek's manner: C and 17 letters or digits. */
function uidOf(c: Conversation): string {
  const text = `${c.seed}/${c.ts}/${c.orig_p}/${c.resp.ip}`
  let uid = 'C'
  for (let part = 0; part < 3; part++) {
    let h = hash(`${part}${text}`)
    for (let k = 0; k < (part === 2 ? 5 : 6); k++) {
      uid += BASE62[h % 62]
      h = Math.floor(h / 62)
    }
  }
  return uid
}
