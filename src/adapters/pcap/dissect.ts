import type { ReadReport } from '../read-report.ts'
import { Fragments } from './fragments.ts'
import { type Link, linkLayer, network } from './link.ts'
import type { PacketBatch } from './packet-batch.ts'
import type { PacketSink } from './reader.ts'
import { SegmentWriter } from './segment-writer.ts'
import { type Inner, innerOfGre, innerOfUdp } from './tunnels.ts'

const IPV4_IN_IP = 4
const IPV6_IN_IP = 41
const GRE = 47
const UDP = 17
/** Tunnels in tunnels that are followed. */
const MAX_DEPTH = 4

/**
 * From captured packets to transport segments: link layer, IPv4 and IPv6 with extension headers,
 * fragments, tunnels (IP in IP, GRE, VXLAN, Geneve, Teredo, AYIYA, GTP-U), inside as well as outside.
 *
 * Counts every packet: used when it took part in a flow, else rejected with the reason.
 */
export class Dissector implements PacketSink {
  readonly #segments: SegmentWriter
  readonly #report: ReadReport
  readonly #fragments = new Fragments()
  readonly #link: Link = { at: 0, type: 0, macs: -1 }
  readonly #inner: Inner = { at: 0, end: 0, type: 0 }
  #ts = 0
  /** A fragment that waits for others is neither used nor rejected yet. */
  #held = 0
  /** 0 while inside a packet that is counted already. */
  #weight = 1

  /**
   * @param batch the first batch to fill
   * @param emit takes a filled batch and gives the next to fill
   */
  constructor(report: ReadReport, batch: PacketBatch, emit: (batch: PacketBatch) => PacketBatch) {
    this.#report = report
    this.#segments = new SegmentWriter(batch, emit)
  }

  packet(buf: Uint8Array, at: number, captured: number, wire: number, ts: number, link: number): void {
    this.#segments.begin(buf, ts)
    this.#ts = ts
    const out = this.#link
    let reason = linkLayer(buf, at, at + captured, link, out)
    if (reason === '') reason = this.#ip(buf, out.at, at + captured, at + wire, out.type, out.macs, 0)
    if (reason === '') this.#report.used++
    else if (reason === HELD) this.#held++
    else this.#report.reject(reason)
    this.#segments.end()
  }

  flush(): void {
    this.#segments.flush()
  }

  /** Settles what still waits. */
  finish(): void {
    this.#segments.flush()
    const lost = this.#fragments.lost + this.#fragments.waiting
    if (lost > 0) this.#report.reject('fragment of a datagram that never became complete', undefined, lost)
    // What waited and became complete took part in a flow.
    this.#report.used += this.#held - lost
  }

  /**
   * @param end offset behind the captured bytes
   * @param wireEnd offset behind the bytes the packet had on the wire
   * @returns '' when used, HELD, or why not
   */
  #ip(
    buf: Uint8Array,
    at: number,
    end: number,
    wireEnd: number,
    type: number,
    macs: number,
    depth: number,
  ): string {
    if (end - at < 20) return 'IP header is cut off'
    const version = buf[at]! >> 4
    if (version === 4 && type !== 0x86dd) return this.#ip4(buf, at, end, wireEnd, macs, depth)
    if (version === 6 && type !== 0x0800) return this.#ip6(buf, at, end, wireEnd, macs, depth)
    return 'IP version is neither 4 nor 6'
  }

  #ip4(buf: Uint8Array, at: number, end: number, wireEnd: number, macs: number, depth: number): string {
    const header = (buf[at]! & 15) * 4
    // 0 is left by segmentation offloading: the packet itself tells.
    const total = (buf[at + 2]! << 8) | buf[at + 3]! || Math.min(wireEnd - at, 65535)
    if (header < 20 || header > total) return 'IP header length is wrong'
    if (total > wireEnd - at) return 'IP length is more than the packet has'
    if (header > end - at) return 'IP header is cut off'
    const s = this.#segments
    if (s.v6) {
      s.v6 = false
      s.key.fill(0)
    }
    const view = s.viewOf(buf)
    s.key[3] = view.getUint32(at + 12)
    s.key[7] = view.getUint32(at + 16)
    const protocol = buf[at + 9]!
    const fragment = (buf[at + 6]! << 8) | buf[at + 7]!
    const ipEnd = Math.min(end, at + total)
    if ((fragment & 0x3fff) !== 0) {
      const offset = (fragment & 0x1fff) * 8
      if (ipEnd - at === total) {
        const id = `${s.key[3]} ${s.key[7]} ${protocol} ${(buf[at + 4]! << 8) | buf[at + 5]!}`
        const data = buf.subarray(at + header, ipEnd)
        const whole = this.#fragments.add(id, offset, data, (fragment & 0x2000) !== 0, this.#ts, this.#weight)
        if (!whole) return HELD
        return this.#transport(
          whole,
          0,
          whole.length,
          whole.length,
          protocol,
          header + whole.length,
          macs,
          buf,
          depth,
        )
      }
      // The first fragment still tells ports; the others tell nothing.
      if (offset !== 0) return 'fragment is cut off'
    }
    return this.#transport(
      buf, at + header, total - header, ipEnd - at - header, protocol, total, macs, buf, depth,
    ) // biome-ignore format: one call
  }

  #ip6(buf: Uint8Array, at: number, end: number, wireEnd: number, macs: number, depth: number): string {
    if (end - at < 40) return 'IP header is cut off'
    const payload = (buf[at + 4]! << 8) | buf[at + 5]!
    const total = payload === 0 && buf[at + 6] === 0 ? Math.min(wireEnd - at, 65575) : 40 + payload
    if (total > wireEnd - at) return 'IP length is more than the packet has'
    const s = this.#segments
    s.v6 = true
    for (let i = 0; i < 8; i++) s.key[i] = word(buf, at + 8 + 4 * i)
    const ipEnd = Math.min(end, at + total)
    let protocol = buf[at + 6]!
    let p = at + 40
    for (;;) {
      if (protocol === 0 || protocol === 43 || protocol === 60 || protocol === 51) {
        if (ipEnd - p < 8) return 'IPv6 extension header is cut off'
        const length = protocol === 51 ? (buf[p + 1]! + 2) * 4 : (buf[p + 1]! + 1) * 8
        // A routing header's last address is where the packet finally goes.
        if (
          protocol === 43 &&
          (buf[p + 2] === 0 || buf[p + 2] === 2) &&
          buf[p + 3]! > 0 &&
          length >= 24 &&
          p + length <= ipEnd
        ) {
          for (let i = 0; i < 4; i++) s.key[4 + i] = word(buf, p + length - 16 + 4 * i)
        }
        protocol = buf[p]!
        p += length
        if (p > ipEnd) return 'IPv6 extension header is cut off'
      } else if (protocol === 44) {
        if (ipEnd - p < 8) return 'IPv6 extension header is cut off'
        const field = (buf[p + 2]! << 8) | buf[p + 3]!
        const offset = field & 0xfff8
        const more = (field & 1) !== 0
        protocol = buf[p]!
        const id = `${s.key.join(' ')} ${word(buf, p + 4)}`
        p += 8
        if (offset === 0 && !more) continue
        if (ipEnd - at !== total) return 'fragment is cut off'
        const whole = this.#fragments.add(id, offset, buf.subarray(p, ipEnd), more, this.#ts, this.#weight)
        if (!whole) return HELD
        // Behind the fragment header the length is that of the whole datagram.
        const length = p - 8 - at + whole.length
        return this.#transport(whole, 0, whole.length, whole.length, protocol, length, macs, buf, depth)
      } else break
    }
    if (protocol === 59) return 'IPv6 packet has no payload'
    return this.#transport(buf, p, at + total - p, ipEnd - p, protocol, total, macs, buf, depth)
  }

  #transport(
    buf: Uint8Array,
    at: number,
    length: number,
    captured: number,
    protocol: number,
    ipLength: number,
    macs: number,
    macBuf: Uint8Array,
    depth: number,
  ): string {
    if (protocol === IPV4_IN_IP || protocol === IPV6_IN_IP || protocol === GRE) {
      if (depth >= MAX_DEPTH) return 'too many tunnels in one another'
      const inner = this.#inner
      if (protocol === GRE) {
        const reason = innerOfGre(buf, at, at + captured, inner)
        if (reason !== '') return reason
        return this.#enter(buf, inner.at, at + captured, at + length, inner.type, depth)
      }
      return this.#ip(
        buf,
        at,
        at + captured,
        at + length,
        protocol === IPV4_IN_IP ? 0x0800 : 0x86dd,
        -1,
        depth + 1,
      )
    }
    const reason = this.#segments.add(buf, at, length, captured, protocol, ipLength, macs, macBuf)
    if (reason === '' && protocol === UDP && captured > 16 && depth < MAX_DEPTH) {
      const inner = this.#inner
      if (innerOfUdp(buf, at, at + captured, inner)) {
        // What the tunnel carries may be nothing we know; the packet was used all the same.
        const weight = this.#weight
        this.#weight = 0
        this.#enter(buf, inner.at, inner.end, at + length, inner.type, depth)
        this.#weight = weight
      }
    }
    return reason
  }

  /** Goes on with what a tunnel carries: an EtherType, or 1 for an Ethernet frame. */
  #enter(buf: Uint8Array, at: number, end: number, wireEnd: number, type: number, depth: number): string {
    const out = this.#link
    out.macs = -1
    const reason = type === 1 ? linkLayer(buf, at, end, 1, out) : network(buf, at, end, type, out)
    if (reason !== '') return reason
    return this.#ip(buf, out.at, end, Math.max(wireEnd, end), out.type, out.macs, depth + 1)
  }
}

const HELD = 'held'

/** Takes what only the assembly knows into the report. */
export function settle(report: ReadReport, flows: { badChecksums: number; evicted: number }): void {
  if (flows.badChecksums > 0) {
    report.used -= flows.badChecksums
    report.reject('checksum is wrong', undefined, flows.badChecksums)
  }
  if (flows.evicted > 0)
    report.note(`too many flows at once: ${flows.evicted} were finished before their time`)
}

function word(b: Uint8Array, p: number): number {
  return ((b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0
}
