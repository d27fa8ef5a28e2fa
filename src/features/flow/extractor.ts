import type { FlowBatch } from '../../schema/flow-batch.ts'
import type { Undo } from '../../schema/undo.ts'
import { cyclicSpecs, fillCycles } from '../cycles.ts'
import {
  type Acquaintance,
  type FeatureColumns,
  type FeatureExtractor,
  type FeatureSpec,
  portCode,
} from '../feature-columns.ts'
import { BEHAVIOUR_SPECS, FlowBehaviour } from './behaviour.ts'
import { classOfPort, classOfService, SERVICE_CLASSES } from './services.ts'

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'other'] as const
const PORT_CLASSES = ['well-known', 'registered', 'dynamic', 'none'] as const
const STATES = ['complete', 'no answer', 'refused', 'reset', 'open', 'midstream', 'unknown'] as const
const SCOPES = ['unknown', 'local', 'outside', 'group'] as const
const STATE_OF: Readonly<Record<string, number>> = {
  SF: 0,
  S0: 1,
  REJ: 2,
  RSTO: 3,
  RSTR: 3,
  RSTOS0: 3,
  RSTRH: 3,
  SH: 4,
  SHR: 4,
  S1: 4,
  S2: 4,
  S3: 4,
  OTH: 5,
}

function number(
  name: string,
  unit: string,
  words: string,
  scale: FeatureSpec['scale'] = 'log1p',
  direction: FeatureSpec['direction'] = 'both',
): FeatureSpec {
  return { name, unit, scale, direction, words }
}
function oneHot(group: string, categories: readonly string[], words: string): FeatureSpec[] {
  return categories.map((category) => ({
    name: `${group}=${category}`,
    unit: '',
    scale: 'linear',
    direction: 'both',
    group,
    category,
    words,
  }))
}
/** Features of a flow by itself, in column order. "out" is from the device to its peer, "in" the way back. */
const NUMBERS: readonly FeatureSpec[] = [
  number('bytes_out', 'bytes', 'bytes sent'),
  number('bytes_in', 'bytes', 'bytes received'),
  number('pkts_out', 'packets', 'packets sent'),
  number('pkts_in', 'packets', 'packets received'),
  number('duration', 'ms', 'duration'),
  number('bytes_ratio', 'share', 'share of bytes that the device sent', 'linear'),
  number('packet_rate', 'packets/s', 'packet rate'),
  number('bytes_per_pkt_out', 'bytes', 'bytes per packet sent'),
  number('bytes_per_pkt_in', 'bytes', 'bytes per packet received'),
  number('opened_by_peer', '', 'opened by the other side', 'linear'),
  number('service_port', '', 'service port', 'code', 'high'),
]
const SPECS: readonly FeatureSpec[] = [
  ...NUMBERS,
  ...oneHot('proto', PROTOCOLS, 'protocol'),
  ...oneHot('port', PORT_CLASSES, 'port class of the service'),
  ...oneHot('service', SERVICE_CLASSES, 'kind of service'),
  ...oneHot('state', STATES, 'outcome of the connection'),
  ...oneHot('peer', SCOPES, 'where the other side is'),
  ...cyclicSpecs(),
  ...BEHAVIOUR_SPECS,
]
const PROTO_AT = NUMBERS.length
const PORT_AT = PROTO_AT + PROTOCOLS.length
const SERVICE_AT = PORT_AT + PORT_CLASSES.length
const STATE_AT = SERVICE_AT + SERVICE_CLASSES.length
const SCOPE_AT = STATE_AT + STATES.length
const TIME_AT = SCOPE_AT + SCOPES.length
const BEHAVIOUR_AT = TIME_AT + 4
const SERVICE_PORT_AT = NUMBERS.findIndex((s) => s.name === 'service_port')

/**
 * Features of each flow from the device's point of view; see docs/features.md.
 *
 * Sizes are those of the IP layer (headers included) because every source of flows has them even for
 * a single unanswered packet; payload bytes stand in where it has not.
 */
export class FlowExtractor implements FeatureExtractor<FlowBatch> {
  readonly #behaviour = new FlowBehaviour()

  extract(batch: FlowBatch, undo?: Undo): FeatureColumns {
    const n = batch.length
    // Most categories do not occur in a batch: their columns share one array of zeros until one is set.
    const zeros = new Float64Array(n)
    const columns = SPECS.map((spec) => (spec.group === undefined ? new Float64Array(n) : zeros))
    fillSizes(batch, columns)
    fillCategories(batch, columns, zeros)
    fillCycles(batch.ts, columns.slice(TIME_AT, BEHAVIOUR_AT))
    this.#behaviour.fill(
      batch,
      {
        servicePort: columns[SERVICE_PORT_AT]!,
        failed: failures(batch),
        bytesOut: columns[0]!,
        bytesIn: columns[1]!,
      },
      columns.slice(BEHAVIOUR_AT),
      undo,
    )
    const extra = [...(batch.extra ?? [])].filter(([name]) => !SPECS.some((s) => s.name === name))
    return {
      length: n,
      specs:
        extra.length > 0 ? [...SPECS, ...extra.map(([name]) => number(name, '', name, 'linear'))] : SPECS,
      columns: [...columns, ...extra.map(([, values]) => values)],
    }
  }

  /** Bytes that the memory of behaviour takes now, and the most it ever takes, whatever it is fed. */
  get bytes(): { readonly now: number; readonly most: number } {
    return this.#behaviour.bytes
  }

  acquaintance(device: string): Acquaintance | undefined {
    return this.#behaviour.acquaintance(device)
  }

  acquaintances(): Iterable<Acquaintance> {
    return this.#behaviour.acquaintances()
  }

  ages(): Iterable<{ readonly last: number; readonly bytes: number }> {
    return this.#behaviour.ages()
  }

  /**
   * All that is remembered of the flows so far: another extractor that is {@link restore}d goes on as this one would.
   *
   * @param since what was not met since then is left out, seconds since the epoch
   */
  toBuffer(since?: number): ArrayBuffer {
    return this.#behaviour.toBuffer(since)
  }

  /** @throws RangeError when `buffer` is damaged or of another version */
  restore(buffer: ArrayBufferLike): void {
    this.#behaviour.restore(buffer)
  }
}

/** A fresh extractor for flows. */
export function createFlowExtractor(): FlowExtractor {
  return new FlowExtractor()
}

function fillSizes(batch: FlowBatch, columns: readonly Float64Array[]): void {
  const { orig_bytes, resp_bytes, orig_ip_bytes, resp_ip_bytes, orig_pkts, resp_pkts, duration } = batch
  const [bytesOut, bytesIn, pktsOut, pktsIn, ms, ratio, rate, perPktOut, perPktIn, byPeer, servicePort] =
    columns
  const origs = batch.device_is_orig
  for (let i = 0; i < batch.length; i++) {
    const ob = known(orig_ip_bytes[i]!, orig_bytes[i]!)
    const rb = known(resp_ip_bytes[i]!, resp_bytes[i]!)
    const isOrig = !origs || origs[i] === 1
    const out = isOrig ? ob : rb
    const back = isOrig ? rb : ob
    const po = isOrig ? orig_pkts[i]! : resp_pkts[i]!
    const pi = isOrig ? resp_pkts[i]! : orig_pkts[i]!
    bytesOut![i] = Math.log1p(out)
    bytesIn![i] = Math.log1p(back)
    pktsOut![i] = Math.log1p(po)
    pktsIn![i] = Math.log1p(pi)
    // One packet has no duration; Zeek leaves it unset.
    const single = po + pi <= 1
    const seconds = single ? 0 : duration[i]!
    ms![i] = Math.log1p(seconds * 1000)
    ratio![i] = out + back > 0 ? out / (out + back) : out + back === 0 ? 0.5 : Number.NaN
    // Gaps between packets per second; a millisecond is the finest time that all sources keep.
    rate![i] = single ? 0 : Math.log1p((po + pi - 1) / Math.max(seconds, 1e-3))
    perPktOut![i] = Math.log1p(po > 0 ? out / po : po === 0 ? 0 : Number.NaN)
    perPktIn![i] = Math.log1p(pi > 0 ? back / pi : pi === 0 ? 0 : Number.NaN)
    byPeer![i] = isOrig ? 0 : 1
    const p = batch.proto[i]!
    servicePort![i] = portCode(p, hasPorts(p) ? batch.resp_p[i]! : undefined, !isOrig)
  }
}

/** A negative size or duration is impossible and therefore as good as missing. */
function known(value: number, otherwise: number): number {
  return value >= 0 ? value : otherwise >= 0 ? otherwise : Number.NaN
}

/** TCP, UDP, SCTP, and a protocol that the source does not tell. */
function hasPorts(proto: number): boolean {
  return proto === 6 || proto === 17 || proto === 132 || proto === 255
}

function fillCategories(batch: FlowBatch, columns: Float64Array[], zeros: Float64Array): void {
  const set = (k: number, i: number) => {
    if (columns[k] === zeros) columns[k] = new Float64Array(zeros.length)
    columns[k]![i] = 1
  }
  const { proto, resp_p, service, conn_state, peer_scope } = batch
  const serviceClass = new Int8Array(service.values.length).fill(-2)
  const stateClass = Uint8Array.from(conn_state.values, (s) => STATE_OF[s] ?? STATES.length - 1)
  for (let i = 0; i < batch.length; i++) {
    const p = proto[i]!
    const port = resp_p[i]!
    const protoClass = p === 6 ? 0 : p === 17 ? 1 : p === 1 || p === 58 ? 2 : 3
    set(PROTO_AT + protoClass, i)
    const portClass = !hasPorts(p) ? 3 : port < 1024 ? 0 : port < 49152 ? 1 : 2
    set(PORT_AT + portClass, i)
    const code = service.codes[i]!
    if (serviceClass[code] === -2) serviceClass[code] = classOfService(service.values[code]!)
    let cls = serviceClass[code]!
    if (cls < 0) cls = hasPorts(p) ? classOfPort(port) : SERVICE_CLASSES.length - 1
    set(SERVICE_AT + cls, i)
    set(STATE_AT + stateClass[conn_state.codes[i]!]!, i)
    set(SCOPE_AT + (peer_scope ? peer_scope[i]! : 0), i)
  }
}

/** 1 where the connection came to nothing: no answer, refused, or broken off while being set up. */
function failures(batch: FlowBatch): Uint8Array {
  const failedState = batch.conn_state.values.map((s) => /^(S0|REJ|RSTOS0|RSTRH|SH|SHR)$/.test(s))
  const out = new Uint8Array(batch.length)
  for (let i = 0; i < batch.length; i++) {
    const code = batch.conn_state.codes[i]!
    const unknown = batch.conn_state.values[code] === ''
    out[i] = (unknown ? batch.resp_pkts[i] === 0 : failedState[code]) ? 1 : 0
  }
  return out
}
