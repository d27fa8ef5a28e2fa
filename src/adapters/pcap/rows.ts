import { type FlowBatch, FlowBatchBuilder } from '../../schema/flow-batch.ts'
import type { FlowSink } from './assemble.ts'
import * as R from './flow-record.ts'
import { formatIPv4, formatIPv6, formatMac } from './format.ts'
import { HostNames } from './names.ts'
import { PairCodes } from './pair-codes.ts'
import { SERVICES } from './service.ts'

const TCP = 6
const UDP = 17
const TWO32 = 4294967296

type Column = FlowBatchBuilder['strings']['orig_h']

/** Zeek's words for conn_state; below, their places. */
const STATES = ['SF', 'S0', 'S1', 'S2', 'S3', 'SH', 'SHR', 'OTH', 'REJ', 'RSTO', 'RSTR', 'RSTOS0', 'RSTRH'] // biome-ignore format: one list
const SF = 0
const S0 = 1
const S1 = 2
const S2 = 3
const S3 = 4
const SH = 5
const SHR = 6
const OTH = 7
const REJ = 8
const RSTO = 9
const RSTR = 10
const RSTOS0 = 11
const RSTRH = 12

/** Distinct addresses whose text is kept. */
const MAX_TEXTS = 65536

/**
 * Turns finished flow records into rows of {@link FlowBatch}es.
 *
 * Texts are made once per distinct value; a row of IPv4 costs map look-ups by number only.
 */
export class FlowRows implements FlowSink {
  readonly #batchSize: number
  readonly #names = new HostNames()
  #builder: FlowBatchBuilder
  #ready: FlowBatch[] = []
  // Per batch: what a record holds -> dictionary code.
  readonly #orig = new PairCodes()
  readonly #resp = new PairCodes()
  readonly #origMac = new PairCodes()
  readonly #respMac = new PairCodes()
  readonly #histories = new PairCodes()
  readonly #services = new Int32Array(SERVICES.length).fill(-1)
  readonly #states = new Int32Array(STATES.length).fill(-1)
  #unset: number
  /** Over all batches: IPv4 address -> text. */
  readonly #texts = new Map<number, string>()

  constructor(batchSize: number) {
    this.#batchSize = batchSize
    this.#builder = new FlowBatchBuilder(batchSize)
    this.#unset = this.#builder.strings.uid.intern('')
  }

  naming(service: number, buf: Uint8Array, at: number, length: number): void {
    this.#names.learn(service, buf, at, length)
  }

  /** The batches that are full; with `last` the one that is not, too. */
  take(last: boolean): FlowBatch[] {
    if (last && this.#builder.length > 0) this.#flush()
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #flush(): void {
    this.#ready.push(this.#builder.finish(this.#names.names))
    this.#builder = new FlowBatchBuilder(this.#batchSize)
    this.#unset = this.#builder.strings.uid.intern('')
    this.#services.fill(-1)
    this.#states.fill(-1)
    for (const codes of [this.#orig, this.#resp, this.#origMac, this.#respMac, this.#histories]) codes.clear()
  }

  flow(u: Uint32Array, f: Float64Array, b: number): void {
    const builder = this.#builder
    const i = builder.length
    const { floats, strings } = builder
    const key = u[b + R.KEY]!
    const protocol = key & 0xff
    const start = f[(b + R.START) >> 1]!
    const duration = f[(b + R.LAST) >> 1]! - start
    floats.ts[i] = start
    builder.proto[i] = protocol
    builder.orig_p[i] = u[b + R.PORTS]! >>> 16
    builder.resp_p[i] = u[b + R.PORTS]! & 0xffff
    // Like Zeek: one packet has no duration, and sizes are not told without one.
    if (duration > 0) {
      floats.duration[i] = duration
      floats.orig_bytes[i] = payloadOf(u, f, protocol, b + R.ORIG, b + R.RESP)
      floats.resp_bytes[i] = payloadOf(u, f, protocol, b + R.RESP, b + R.ORIG)
    } else {
      floats.duration[i] = Number.NaN
      floats.orig_bytes[i] = Number.NaN
      floats.resp_bytes[i] = Number.NaN
    }
    floats.missed_bytes[i] = f[(b + R.MISSED) >> 1]!
    floats.orig_pkts[i] = u[b + R.ORIG + R.SIDE_PACKETS]!
    floats.resp_pkts[i] = u[b + R.RESP + R.SIDE_PACKETS]!
    floats.orig_ip_bytes[i] = f[(b + R.ORIG + R.SIDE_IP_BYTES) >> 1]!
    floats.resp_ip_bytes[i] = f[(b + R.RESP + R.SIDE_IP_BYTES) >> 1]!

    strings.uid.pushCode(this.#unset)
    strings.orig_h.pushCode(this.#address(u, b + R.ORIG_ADDR, key, this.#orig, strings.orig_h))
    strings.resp_h.pushCode(this.#address(u, b + R.RESP_ADDR, key, this.#resp, strings.resp_h))
    strings.service.pushCode(this.#known(this.#services, SERVICES, u[b + R.SERVICE]! & 0xff, 'service'))
    this.#history(u, b, builder)
    strings.conn_state.pushCode(this.#known(this.#states, STATES, connState(u, f, b, protocol), 'conn_state'))
    this.#mac(u[b + R.MACS]!, u[b + R.MACS + 1]! & 0xffff, this.#origMac, strings.orig_l2_addr, i)
    const low = ((u[b + R.MACS + 1]! >>> 16) | (u[b + R.MACS + 2]! << 16)) >>> 0
    this.#mac(low, u[b + R.MACS + 2]! >>> 16, this.#respMac, strings.resp_l2_addr, i)
    builder.next()
    if (builder.full) this.#flush()
  }

  /** The batch's code of word `i` of a fixed list. */
  #known(codes: Int32Array, words: readonly string[], i: number, column: 'service' | 'conn_state'): number {
    let code = codes[i]!
    if (code < 0) {
      code = this.#builder.strings[column].intern(words[i]!)
      codes[i] = code
    }
    return code
  }

  #address(u: Uint32Array, at: number, key: number, codes: PairCodes, target: Column): number {
    const low = u[at + 3]!
    if ((key & R.KEY_V6) !== 0) {
      return target.intern(formatIPv6(u[at]!, u[at + 1]!, u[at + 2]!, low))
    }
    let code = codes.get(low, 0)
    if (code < 0) {
      code = target.intern(this.#text(low))
      codes.add(low, 0, code)
    }
    return code
  }

  #text(address: number): string {
    let text = this.#texts.get(address)
    if (text === undefined) {
      if (this.#texts.size >= MAX_TEXTS) this.#texts.clear()
      text = formatIPv4(address)
      this.#texts.set(address, text)
    }
    return text
  }

  #mac(first: number, last: number, codes: PairCodes, target: Column, row: number): void {
    const unset = first === 0 && last === 0
    if (unset && target.length === 0) return
    // The column begins with its first value; the rows before it are unset.
    while (target.length < row) target.push('')
    if (unset) {
      target.push('')
      return
    }
    let code = codes.get(first, last)
    if (code < 0) {
      const bytes = new Uint8Array([first, first >>> 8, first >>> 16, first >>> 24, last, last >>> 8])
      code = target.intern(formatMac(bytes, 0))
      codes.add(first, last, code)
    }
    target.pushCode(code)
  }

  #history(u: Uint32Array, b: number, builder: FlowBatchBuilder): void {
    const length = u[b + R.FLAGS]! & R.HISTORY_LENGTH
    const target = builder.strings.history
    // Most flows have eight letters or fewer, two words.
    const first = u[b + R.HISTORY]!
    const second = u[b + R.HISTORY + 1]!
    let code = length <= 8 ? this.#histories.get(first, second) : -1
    if (code < 0) {
      let text = ''
      for (let i = 0; i < length; i++) text += letter(u, b, i)
      code = target.intern(text)
      if (length <= 8) this.#histories.add(first, second, code)
    }
    target.pushCode(code)
  }
}

/** Payload bytes a side sent: by sequence numbers for TCP, counted for the others. */
function payloadOf(u: Uint32Array, f: Float64Array, protocol: number, e: number, p: number): number {
  if (protocol !== TCP) return f[(e + R.SIDE_NEXT) >> 1]!
  const start = u[e + R.SIDE_START]!
  const wraps = u[e + R.SIDE_WRAPS]!
  const acked = (wraps & 0xffff) * TWO32 + u[e + R.SIDE_ACK]!
  if (
    u[e + R.SIDE_PREVIOUS] === R.SYN_SENT &&
    u[e + R.SIDE_STATE] === R.RESET &&
    u[p + R.SIDE_STATE] === R.INACTIVE &&
    acked !== start &&
    acked !== start + 1
  ) {
    // A half-open connection that was found out: its numbers mean nothing.
    return 0
  }
  const sent = (wraps >>> 16) * TWO32 + u[e + R.SIDE_LAST]!
  let size = Math.max(sent, acked) - start
  // A first number that was guessed may lie on the other side of the wrap.
  if (size < 0) size += TWO32
  if (size > 0) size-- // the SYN, or the place it would have had
  if ((u[e + R.SIDE_FLAGS]! & R.FIN_SEEN) !== 0 && size > 0) size--
  return size
}

/** Zeek's conn_state, see the table in its documentation of conn.log, as an index into {@link STATES}. */
function connState(u: Uint32Array, f: Float64Array, b: number, protocol: number): number {
  const orig = u[b + R.ORIG + R.SIDE_STATE]!
  const resp = u[b + R.RESP + R.SIDE_STATE]!
  if (protocol === UDP) {
    if (orig !== R.INACTIVE) return resp !== R.INACTIVE ? SF : S0
    return resp !== R.INACTIVE ? SHR : OTH
  }
  if (protocol !== TCP) return OTH
  const origSilent = orig === R.INACTIVE || orig === R.PARTIAL_STATE
  const respSilent = resp === R.INACTIVE || resp === R.PARTIAL_STATE
  if (resp === R.RESET) {
    if (orig === R.SYN_SENT || orig === R.SYN_ACK_SENT) return REJ
    if (
      orig === R.RESET &&
      payloadOf(u, f, protocol, b + R.ORIG, b + R.RESP) === 0 &&
      payloadOf(u, f, protocol, b + R.RESP, b + R.ORIG) === 0
    ) {
      return REJ
    }
    return origSilent ? RSTRH : RSTR
  }
  if (orig === R.RESET) {
    if (!respSilent) return RSTO
    return isSynThenReset(u, b) ? RSTOS0 : OTH
  }
  if (orig === R.CLOSED && resp === R.CLOSED) return SF
  if (orig === R.CLOSED) return respSilent ? SH : S2
  if (resp === R.CLOSED) return origSilent ? SHR : S3
  if (orig === R.SYN_SENT && resp === R.INACTIVE) return S0
  if (orig === R.ESTABLISHED && resp === R.ESTABLISHED) return S1
  return OTH
}

/** History: S, then none of HAFGIQ, then R. */
function isSynThenReset(u: Uint32Array, b: number): boolean {
  const length = u[b + R.FLAGS]! & R.HISTORY_LENGTH
  let i = letter(u, b, 0) === '^' ? 1 : 0
  if (letter(u, b, i) !== 'S') return false
  for (i++; i < length; i++) {
    const c = letter(u, b, i)
    if (c === 'R') return true
    if ('HAFGIQ'.includes(c)) return false
  }
  return false
}

function letter(u: Uint32Array, b: number, i: number): string {
  return String.fromCharCode((u[b + R.HISTORY + (i >> 2)]! >>> ((i & 3) * 8)) & 0xff)
}
