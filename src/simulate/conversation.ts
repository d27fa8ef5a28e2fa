/** One side of a conversation. */
export interface Endpoint {
  /** Dotted IPv4 or RFC 5952 IPv6. */
  readonly ip: string
  /** Link-layer address seen where the capture is taken: a remote host shows the gateway's. */
  readonly mac: string
}

/** Something one side says: one datagram, or a stretch of a TCP stream. */
export interface Turn {
  readonly from: 'orig' | 'resp'
  /** Payload bytes in all; those beyond `content` are filler. */
  readonly bytes: number
  /** Seconds of thinking before it, besides the round trip. */
  readonly after: number
  /** The real bytes it starts with, as a protocol recogniser looks for them. */
  readonly content?: Uint8Array
}

/**
 * One connection as its two sides experience it. The packets on the wire and the flow record are both
 * derived from it ({@link packetsOf}, {@link flowOf}), so they cannot disagree.
 */
export interface Conversation {
  /** Seconds since the epoch of the first packet. */
  readonly ts: number
  readonly orig: Endpoint
  readonly resp: Endpoint
  /** Ports; for ICMP the type and code. */
  readonly orig_p: number
  readonly resp_p: number
  /** IANA protocol number: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6. */
  readonly proto: number
  /** Zeek's word for the application protocol, '' when there is none to see. */
  readonly service: string
  /** Round trip in seconds. */
  readonly rtt: number
  /** Bytes a second of a long turn. */
  readonly rate: number
  /** Share of TCP segments sent twice. */
  readonly loss: number
  readonly turns: readonly Turn[]
  /** TCP: what becomes of the SYN. `ignored` SYNs are repeated `syns` times in all. */
  readonly opening: 'accepted' | 'refused' | 'ignored'
  readonly syns: number
  /** TCP: how it ends; `open` = not within the capture or never properly. */
  readonly closing: 'fin-orig' | 'fin-resp' | 'rst-orig' | 'rst-resp' | 'open'
  /** Varies sequence numbers and timing. */
  readonly seed: number
  /** Ground truth. */
  readonly label: 'Benign' | 'Malicious'
  /** '' for benign traffic, else IoT-23's word for the kind of attack. */
  readonly detailed_label: string
  /** Incident id of an attack, 0 otherwise. */
  readonly incident: number
}

/** What the caller must say; the rest has defaults of an uneventful exchange. */
export type ConversationPlan = Pick<
  Conversation,
  'ts' | 'orig' | 'resp' | 'orig_p' | 'resp_p' | 'proto' | 'seed'
> &
  Partial<Conversation>

export function conversation(plan: ConversationPlan): Conversation {
  return {
    service: '',
    rtt: 0.001,
    rate: 2e6,
    loss: 0,
    turns: [],
    opening: 'accepted',
    syns: 3,
    closing: 'fin-orig',
    label: 'Benign',
    detailed_label: '',
    incident: 0,
    ...plan,
  }
}

/**
 * The originator says something after `after` seconds.
 *
 * @param what its bytes, or only how many
 * @param total bytes in all, when it is longer than `what`
 * @param more filler bytes that follow `what`, such as the body behind an HTTP header
 */
export function says(what: number | Uint8Array, after = 0, total = 0, more = 0): Turn {
  return turn('orig', what, after, total, more)
}

/** The responder answers; see {@link says}. */
export function answers(what: number | Uint8Array, after = 0, total = 0, more = 0): Turn {
  return turn('resp', what, after, total, more)
}

function turn(
  from: Turn['from'],
  what: number | Uint8Array,
  after: number,
  total: number,
  more: number,
): Turn {
  if (typeof what === 'number') return { from, after, bytes: what }
  return { from, after, content: what, bytes: Math.max(total, what.length + more) }
}
