import { Random } from '../kernels/random.ts'
import type { Conversation, Turn } from './conversation.ts'

export const FIN = 1
export const SYN = 2
export const RST = 4
const PSH = 8
export const ACK = 16

/** Options of a SYN: MSS, SACK permitted, window scale, padded to 12 bytes. */
export const SYN_OPTION_BYTES = 12

/** One packet of a conversation; the same object is reused for the next one. */
export interface Packet {
  readonly conversation: Conversation
  /** Microseconds since the epoch. */
  time: number
  fromOrig: boolean
  /** TCP flag bits; 0 for other protocols. */
  flags: number
  /** TCP sequence and acknowledgement numbers, modulo 2^32; for ICMP echo `seq` counts the pairs. */
  seq: number
  ack: number
  /** Payload bytes. */
  length: number
  /** Where the payload's real bytes are; undefined = filler. */
  content: Uint8Array | undefined
  contentOffset: number
  /** Whether these payload bytes were sent before. */
  repeated: boolean
}

/** Seconds after which a receiver acknowledges without data to send along (RFC 1122: at most 0.5 s; Linux 0.04 s). */
const DELAYED_ACK = 0.04

/**
 * The packets of a conversation in time order. TCP gets its handshake, segments of one MSS, an
 * acknowledgement for every second segment (RFC 5681) and its end; UDP and ICMP one packet a turn.
 */
export function packetsOf(c: Conversation): Generator<Packet> {
  return c.proto === 6 ? tcpPackets(c) : datagrams(c)
}

function blank(conversation: Conversation): Packet {
  return {
    conversation,
    time: Math.round(conversation.ts * 1e6),
    fromOrig: true,
    flags: 0,
    seq: 0,
    ack: 0,
    length: 0,
    content: undefined,
    contentOffset: 0,
    repeated: false,
  }
}

function* datagrams(c: Conversation): Generator<Packet> {
  const random = new Random(c.seed)
  const p = blank(c)
  let t = c.ts
  let previous: Turn['from'] | undefined
  for (const turn of c.turns) {
    t += turn.after + gap(c, turn.from, previous, random)
    previous = turn.from
    p.time = Math.max(p.time, Math.round(t * 1e6))
    p.fromOrig = turn.from === 'orig'
    p.length = turn.bytes
    p.content = turn.content
    if (p.fromOrig) p.seq++
    yield p
  }
}

/** Seconds between what was last seen and `from` speaking: an answer takes a round trip. */
function gap(
  c: Conversation,
  from: Turn['from'],
  previous: Turn['from'] | undefined,
  random: Random,
): number {
  if (previous === undefined) return 0
  if (from === 'resp' && previous === 'orig') return c.rtt * (0.9 + 0.3 * random.float())
  return 0.0002 + 0.0004 * random.float()
}

function* tcpPackets(c: Conversation): Generator<Packet> {
  const random = new Random(c.seed)
  const mss = c.orig.ip.includes(':') ? 1440 : 1460
  const p = blank(c)
  let t = c.ts
  // Next sequence number of each side, [orig, resp].
  const next = [random.uint32(), random.uint32()]

  const packet = (fromOrig: boolean, flags: number, length = 0): Packet => {
    const [me, other] = fromOrig ? [0, 1] : [1, 0]
    p.time = Math.max(p.time, Math.round(t * 1e6))
    p.fromOrig = fromOrig
    p.flags = flags
    p.seq = next[me]!
    p.ack = flags & ACK ? next[other]! : 0
    p.length = length
    p.content = undefined
    p.repeated = false
    const consumed = length + (flags & (SYN | FIN) ? 1 : 0)
    next[me] = (next[me]! + consumed) >>> 0
    return p
  }

  if (c.opening === 'ignored') {
    const first = next[0]!
    // Linux repeats a SYN after 1, 2, 4, … s.
    for (let i = 0; i < c.syns; i++) {
      next[0] = first
      yield packet(true, SYN)
      t += 2 ** i * (1 + 0.005 * random.float())
    }
    return
  }
  yield packet(true, SYN)
  t += gap(c, 'resp', 'orig', random)
  if (c.opening === 'refused') {
    yield packet(false, RST | ACK)
    return
  }
  yield packet(false, SYN | ACK)
  t += gap(c, 'orig', 'resp', random)
  yield packet(true, ACK)

  let previous: Turn['from'] = 'orig'
  for (let i = 0; i < c.turns.length; i++) {
    const turn = c.turns[i]!
    t += turn.after + gap(c, turn.from, previous, random)
    previous = turn.from
    const fromOrig = turn.from === 'orig'
    let unacknowledged = 0
    for (let offset = 0; offset < turn.bytes; offset += mss) {
      const length = Math.min(mss, turn.bytes - offset)
      if (offset > 0) t += (length / c.rate) * (0.5 + random.float())
      const last = offset + length === turn.bytes
      const seq = next[fromOrig ? 0 : 1]!
      yield withContent(packet(fromOrig, ACK | (last ? PSH : 0), length), turn, offset)
      if (c.loss > 0 && random.float() < c.loss) {
        t += 0.2 + 0.05 * random.float()
        next[fromOrig ? 0 : 1] = seq
        withContent(packet(fromOrig, ACK | (last ? PSH : 0), length), turn, offset)
        p.repeated = true
        yield p
      }
      unacknowledged++
      if (unacknowledged === 2 && !last) {
        unacknowledged = 0
        t += 0.00004
        yield packet(!fromOrig, ACK)
      }
    }
    const following = c.turns[i + 1]
    const answered = following && following.from !== turn.from && following.after < DELAYED_ACK
    if (!answered) {
      t += fromOrig ? gap(c, 'resp', 'orig', random) : 0.0003
      yield packet(!fromOrig, ACK)
      previous = fromOrig ? 'resp' : 'orig'
    }
  }

  if (c.closing === 'open') return
  const byOrig = c.closing.endsWith('orig')
  t += 0.001 + gap(c, byOrig ? 'orig' : 'resp', previous, random)
  if (c.closing.startsWith('rst')) {
    yield packet(byOrig, RST | ACK)
    return
  }
  yield packet(byOrig, FIN | ACK)
  t += byOrig ? gap(c, 'resp', 'orig', random) : 0.0005
  yield packet(!byOrig, FIN | ACK)
  t += byOrig ? 0.0002 : gap(c, 'resp', 'orig', random)
  yield packet(byOrig, ACK)
}

function withContent(p: Packet, turn: Turn, offset: number): Packet {
  if (turn.content && offset < turn.content.length) {
    p.content = turn.content
    p.contentOffset = offset
  }
  return p
}
