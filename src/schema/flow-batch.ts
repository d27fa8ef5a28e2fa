import { type Dictionary, DictionaryBuilder } from './dictionary.ts'

/**
 * A batch of network flows, one bidirectional connection a row, as columns.
 *
 * Names and meanings are those of Zeek's `conn.log`. Index i of every column is flow i.
 * A numeric value that the source does not have (Zeek's `-`) is NaN; an unset string is ''.
 * "orig" is the side that opened the connection, "resp" the side that answered.
 */
export interface FlowBatch {
  readonly kind: 'flows'
  /** Number of flows. */
  readonly length: number
  /** Time of the first packet, seconds since 1970-01-01 UTC; NaN where the source has no time. */
  readonly ts: Float64Array
  /** Seconds from the first to the last packet; NaN = unset. */
  readonly duration: Float64Array
  /** Zeek's unique connection id; '' where the source has none. */
  readonly uid: Dictionary
  /** Originator's address: dotted IPv4 or RFC 5952 IPv6; '' unknown. */
  readonly orig_h: Dictionary
  /** Originator's port, 0–65535 (ICMP: type); 0 when unknown. */
  readonly orig_p: Uint16Array
  readonly resp_h: Dictionary
  /** Responder's port, 0–65535 (ICMP: code); 0 when unknown. */
  readonly resp_p: Uint16Array
  /** IANA protocol number (IPFIX protocolIdentifier): 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6; 255 unknown. */
  readonly proto: Uint8Array
  /** Application protocol in Zeek's lower-case words ('dns', 'http', 'ssl', …); '' unknown. */
  readonly service: Dictionary
  /** Zeek's connection state ('SF', 'S0', 'REJ', …); '' unknown. */
  readonly conn_state: Dictionary
  /** Zeek's history string ('ShADadFf'); '' unknown. */
  readonly history: Dictionary
  /** Payload bytes, in each direction; NaN = unset. */
  readonly orig_bytes: Float64Array
  readonly resp_bytes: Float64Array
  /** Payload bytes missing from the capture (gaps); 0 when unknown. */
  readonly missed_bytes: Float64Array
  readonly orig_pkts: Float64Array
  /** Bytes at the IP layer, headers included; NaN = unset. */
  readonly orig_ip_bytes: Float64Array
  readonly resp_pkts: Float64Array
  readonly resp_ip_bytes: Float64Array
  /** Link-layer (MAC) addresses, lower-case with colons; absent or '' where the source has none. */
  readonly orig_l2_addr?: Dictionary
  readonly resp_l2_addr?: Dictionary
  /** Ground truth ('benign', 'malicious', …) and its finer class: for evaluation only, never a feature. */
  readonly label?: Dictionary
  readonly detailed_label?: Dictionary
  /** Further numeric columns of the source, by their own name (already-computed features of a dataset). */
  readonly extra?: ReadonlyMap<string, Float64Array>
  /** Host names learned so far (DHCP, mDNS): IP or MAC address -> name. */
  readonly names?: ReadonlyMap<string, string>
  /** The device each flow belongs to; filled by the devices stage, required by every later one. */
  readonly device?: Dictionary
  /** The host name of the device as far as it was known at this flow; '' unknown. Absent where no name is known. */
  readonly device_name?: Dictionary
  /** 1 where the device is the originator of the flow, 0 where it is the responder. */
  readonly device_is_orig?: Uint8Array
  /** Where the other side is, a `Scope` of address.ts: 1 local, 2 outside, 3 multicast or broadcast, 0 unknown. */
  readonly peer_scope?: Uint8Array
}

/** One flow as a plain object: for tests, small sources and output rows; unset fields may be left out. */
export interface FlowRecord {
  ts?: number
  duration?: number
  uid?: string
  orig_h?: string
  orig_p?: number
  resp_h?: string
  resp_p?: number
  proto?: number
  service?: string
  conn_state?: string
  history?: string
  orig_bytes?: number
  resp_bytes?: number
  missed_bytes?: number
  orig_pkts?: number
  orig_ip_bytes?: number
  resp_pkts?: number
  resp_ip_bytes?: number
  orig_l2_addr?: string
  resp_l2_addr?: string
  label?: string
  detailed_label?: string
}

export const FLOW_FLOAT_COLUMNS = [
  'ts',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'missed_bytes',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
] as const
export const FLOW_STRING_COLUMNS = ['uid', 'orig_h', 'resp_h', 'service', 'conn_state', 'history'] as const
export const FLOW_OPTIONAL_STRING_COLUMNS = [
  'orig_l2_addr',
  'resp_l2_addr',
  'label',
  'detailed_label',
] as const

type FloatColumn = (typeof FLOW_FLOAT_COLUMNS)[number]
type StringColumn = (typeof FLOW_STRING_COLUMNS)[number] | (typeof FLOW_OPTIONAL_STRING_COLUMNS)[number]

/**
 * Collects flows into a {@link FlowBatch} of at most `capacity` rows.
 *
 * Two ways in: {@link add} takes a record (convenient); a fast adapter writes the public
 * columns at index `length` itself and then calls {@link next}.
 */
export class FlowBatchBuilder {
  readonly capacity: number
  length = 0
  readonly floats: Record<FloatColumn, Float64Array>
  readonly orig_p: Uint16Array
  readonly resp_p: Uint16Array
  readonly proto: Uint8Array
  readonly strings: Record<StringColumn, DictionaryBuilder>

  constructor(capacity = 8192) {
    this.capacity = capacity
    this.floats = Object.fromEntries(
      FLOW_FLOAT_COLUMNS.map((c) => [c, new Float64Array(capacity)]),
    ) as Record<FloatColumn, Float64Array>
    this.orig_p = new Uint16Array(capacity)
    this.resp_p = new Uint16Array(capacity)
    this.proto = new Uint8Array(capacity)
    this.strings = Object.fromEntries(
      [...FLOW_STRING_COLUMNS, ...FLOW_OPTIONAL_STRING_COLUMNS].map((c) => [
        c,
        new DictionaryBuilder(capacity),
      ]),
    ) as Record<StringColumn, DictionaryBuilder>
  }

  get full(): boolean {
    return this.length === this.capacity
  }

  /** Appends one flow; absent numbers become NaN (missed_bytes and ports 0, proto 255), absent strings ''. */
  add(flow: FlowRecord): void {
    const i = this.length
    for (const c of FLOW_FLOAT_COLUMNS) {
      this.floats[c][i] = flow[c] ?? (c === 'missed_bytes' ? 0 : Number.NaN)
    }
    this.orig_p[i] = flow.orig_p ?? 0
    this.resp_p[i] = flow.resp_p ?? 0
    this.proto[i] = flow.proto ?? 255
    for (const c of FLOW_STRING_COLUMNS) this.strings[c].push(flow[c] ?? '')
    for (const c of FLOW_OPTIONAL_STRING_COLUMNS) {
      const value = flow[c]
      // An optional column starts at its first value; earlier rows are backfilled as unset.
      if (value !== undefined || this.strings[c].length > 0) {
        while (this.strings[c].length < i) this.strings[c].push('')
        this.strings[c].push(value ?? '')
      }
    }
    this.length++
  }

  /** Counts a row whose columns the caller has filled itself. */
  next(): void {
    this.length++
  }

  /** The finished batch; optional columns that got no value are absent. The builder must not be used again. */
  finish(names?: ReadonlyMap<string, string>): FlowBatch {
    const n = this.length
    const floats = Object.fromEntries(
      FLOW_FLOAT_COLUMNS.map((c) => [c, this.floats[c].subarray(0, n)]),
    ) as Record<FloatColumn, Float64Array>
    const strings = Object.fromEntries(
      FLOW_STRING_COLUMNS.map((c) => [c, this.strings[c].finish()]),
    ) as Record<(typeof FLOW_STRING_COLUMNS)[number], Dictionary>
    const optional = Object.fromEntries(
      FLOW_OPTIONAL_STRING_COLUMNS.filter((c) => this.strings[c].length > 0).map((c) => [
        c,
        this.strings[c].finish(),
      ]),
    )
    return {
      kind: 'flows',
      length: n,
      ...floats,
      ...strings,
      ...optional,
      orig_p: this.orig_p.subarray(0, n),
      resp_p: this.resp_p.subarray(0, n),
      proto: this.proto.subarray(0, n),
      ...(names ? { names } : {}),
    }
  }
}
