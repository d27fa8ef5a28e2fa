import { InputError, type ReadReport } from '../read-report.ts'

/** Takes the packets of a capture one by one; nothing is allocated for a packet. */
export interface PacketSink {
  /**
   * @param buf bytes that hold the packet; they stay as they are until {@link flush}
   * @param at offset of the packet's first byte in `buf`
   * @param captured bytes captured, so `buf[at .. at + captured)` is the packet
   * @param wire bytes the packet had on the wire, at least `captured`
   * @param ts seconds since the epoch
   * @param link link type, https://www.tcpdump.org/linktypes.html
   */
  packet(buf: Uint8Array, at: number, captured: number, wire: number, ts: number, link: number): void
  /** The bytes given so far are about to change. */
  flush(): void
}

/** libpcap's MAXIMUM_SNAPLEN: a longer packet is taken for damage. */
export const MAX_PACKET = 262144
/** A longer pcapng block is taken for damage (libpcap's limit is the same). */
export const MAX_BLOCK = 16 * 1024 * 1024

const SECTION = 0x0a0d0d0a
const INTERFACE = 1
const OLD_PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6

interface Interface {
  link: number
  snaplen: number
  /** Time units a second, 10^6 unless if_tsresol says otherwise. */
  unitsPerSecond: number
  /** Seconds to add to every time, from if_tsoffset. */
  offset: number
}

/** Whether `head` starts like a pcap or pcapng file. */
export function isCapture(head: Uint8Array): boolean {
  if (head.length < 4) return false
  const magic = u32(head, 0, true)
  if (magic === SECTION) return head.length < 12 || byteOrderOf(head, 8) !== undefined
  return pcapMagic(magic) !== undefined || pcapMagic(u32(head, 0, false)) !== undefined
}

function pcapMagic(magic: number): { nano: boolean; extra: number } | undefined {
  if (magic === 0xa1b2c3d4) return { nano: false, extra: 0 }
  if (magic === 0xa1b23c4d) return { nano: true, extra: 0 }
  // Alexey Kuznetzov's patched libpcap: 8 more bytes in every record header.
  if (magic === 0xa1b2cd34) return { nano: false, extra: 8 }
  return undefined
}

function u16(b: Uint8Array, p: number, little: boolean): number {
  return little ? b[p]! | (b[p + 1]! << 8) : (b[p]! << 8) | b[p + 1]!
}

function u32(b: Uint8Array, p: number, little: boolean): number {
  return little
    ? (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)) >>> 0
    : ((b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0
}

/** true: little endian, false: big endian, undefined: neither. */
function byteOrderOf(b: Uint8Array, p: number): boolean | undefined {
  const magic = u32(b, p, true)
  return magic === 0x1a2b3c4d ? true : magic === 0x4d3c2b1a ? false : undefined
}

/**
 * Cuts the bytes of a pcap or pcapng capture into packets, whatever the chunks they come in.
 *
 * Formats: draft-ietf-opsawg-pcap (micro- and nanoseconds, both byte orders, Kuznetzov's variant) and
 * draft-ietf-opsawg-pcapng (several sections and interfaces, EPB, SPB, PB). A length that cannot be true
 * ends the reading with a note, because nothing behind it can be trusted.
 */
export class CaptureReader {
  readonly #sink: PacketSink
  readonly #report: ReadReport
  #format: 'unknown' | 'pcap' | 'pcapng' | 'ended' = 'unknown'
  #little = true
  #nano = false
  #headerSize = 16
  #link = 1
  #interfaces: Interface[] = []
  #lastTs = 0
  /** Packets seen so far, used or not. */
  packets = 0

  constructor(sink: PacketSink, report: ReadReport) {
    this.#sink = sink
    this.#report = report
  }

  /** True when nothing more will be read, however much input follows. */
  get ended(): boolean {
    return this.#format === 'ended'
  }

  /** Parses `buf[pos .. end)` as far as it is complete; returns where the unread rest starts. */
  consume(buf: Uint8Array, pos: number, end: number): number {
    if (this.#format === 'unknown') pos = this.#start(buf, pos, end)
    if (this.#format === 'pcap') pos = this.#pcap(buf, pos, end)
    else if (this.#format === 'pcapng') pos = this.#pcapng(buf, pos, end)
    else if (this.#format === 'ended') pos = end
    this.#sink.flush()
    return pos
  }

  /** Tells that the input is over with `rest` bytes unread. */
  finish(rest: number): void {
    if (this.#format === 'unknown') {
      throw new InputError(
        `${this.#report.source}: a capture starts with a pcap header (24 bytes) or a pcapng section header, the source has ${rest} bytes; is the file complete?`,
      )
    }
    if (rest > 0 && this.#format !== 'ended') {
      this.#report.note(`capture is cut off after packet ${this.packets}`)
      this.packets++
      this.#report.reject('packet is cut off at the end of the capture', {
        place: `${this.#report.source} packet ${this.packets}`,
        message: `expected a whole packet, the capture ends after ${rest} bytes of it; the packets before it were used`,
      })
    }
    this.#format = 'ended'
  }

  #start(b: Uint8Array, pos: number, end: number): number {
    if (end - pos < 4) return pos
    if (u32(b, pos, true) === SECTION) {
      this.#format = 'pcapng'
      return pos
    }
    if (end - pos < 24) return pos
    for (const little of [true, false]) {
      const kind = pcapMagic(u32(b, pos, little))
      if (!kind) continue
      this.#format = 'pcap'
      this.#little = little
      this.#nano = kind.nano
      this.#headerSize = 16 + kind.extra
      // The upper bits hold the length of a frame check sequence.
      this.#link = u32(b, pos + 20, little) & 0x03ffffff
      this.#report.dialect = kind.nano ? 'pcap, nanoseconds' : 'pcap'
      return pos + 24
    }
    throw new InputError(
      `${this.#report.source}: expected a pcap or pcapng capture, the first bytes are ${[...b.subarray(pos, pos + 4)].map((x) => x.toString(16).padStart(2, '0')).join(' ')}; choose another --adapter`,
    )
  }

  #pcap(b: Uint8Array, start: number, end: number): number {
    const little = this.#little
    const unit = this.#nano ? 1e9 : 1e6
    const header = this.#headerSize
    const sink = this.#sink
    const link = this.#link
    const view = new DataView(b.buffer, b.byteOffset, b.byteLength)
    let pos = start
    while (end - pos >= header) {
      const captured = view.getUint32(pos + 8, little)
      if (captured > MAX_PACKET) {
        this.#damaged(`a packet of at most ${MAX_PACKET} bytes, the capture claims ${captured}`)
        return end
      }
      if (end - pos - header < captured) break
      let wire = view.getUint32(pos + 12, little)
      if (wire < captured) wire = captured
      this.packets++
      const ts = view.getUint32(pos, little) + view.getUint32(pos + 4, little) / unit
      pos += header
      sink.packet(b, pos, captured, wire, ts, link)
      pos += captured
    }
    return pos
  }

  #damaged(expectation: string): void {
    this.packets++
    this.#report.note(`capture is damaged after packet ${this.packets - 1}, the rest is not read`)
    this.#report.reject('capture is damaged', {
      place: `${this.#report.source} packet ${this.packets}`,
      message: `expected ${expectation}; the packets before it were used`,
    })
    this.#format = 'ended'
  }

  #pcapng(b: Uint8Array, start: number, end: number): number {
    let pos = start
    while (end - pos >= 12) {
      const isSection = u32(b, pos, true) === SECTION
      if (isSection) {
        const order = byteOrderOf(b, pos + 8)
        if (order === undefined) {
          this.#damaged('the byte-order magic 1a2b3c4d in the section header')
          return end
        }
        this.#little = order
        this.#report.dialect = 'pcapng'
      }
      const little = this.#little
      const length = u32(b, pos + 4, little)
      if (length < 12 || length > MAX_BLOCK || (length & 3) !== 0 || (isSection && length < 28)) {
        this.#damaged(`a block of 12 to ${MAX_BLOCK} bytes, a multiple of 4, the capture claims ${length}`)
        return end
      }
      if (end - pos < length) break
      const body = pos + 8
      const bodyEnd = pos + length - 4
      if (isSection) this.#interfaces = []
      else this.#block(b, u32(b, pos, little), body, bodyEnd)
      pos += length
    }
    return pos
  }

  #block(b: Uint8Array, type: number, body: number, bodyEnd: number): undefined {
    const little = this.#little
    if (type === ENHANCED_PACKET) {
      if (bodyEnd - body < 20) return this.#badBlock('an enhanced packet block of at least 32 bytes')
      const id = u32(b, body, little)
      this.#timed(b, id, body + 4, body + 20, bodyEnd)
    } else if (type === OLD_PACKET) {
      if (bodyEnd - body < 20) return this.#badBlock('a packet block of at least 32 bytes')
      this.#timed(b, u16(b, body, little), body + 4, body + 20, bodyEnd)
    } else if (type === SIMPLE_PACKET) {
      const first = this.#interfaces[0]
      if (bodyEnd - body < 4 || !first) return this.#badBlock('a simple packet block behind its interface')
      const wire = u32(b, body, little)
      const captured = Math.min(wire, bodyEnd - body - 4, first.snaplen || MAX_PACKET)
      this.packets++
      this.#report.note('simple packet blocks carry no time; the time of the packet before is used')
      this.#sink.packet(b, body + 4, captured, wire, this.#lastTs, first.link)
    } else if (type === INTERFACE) {
      if (bodyEnd - body < 8) return this.#badBlock('an interface description of at least 20 bytes')
      if (this.#interfaces.length < 65536) this.#interfaces.push(this.#interface(b, body, bodyEnd))
    }
    // Name resolution, statistics and other blocks carry no packets.
  }

  #timed(b: Uint8Array, id: number, at: number, data: number, bodyEnd: number): undefined {
    const little = this.#little
    const iface = this.#interfaces[id]
    if (!iface)
      return this.#badBlock(`a packet of one of the ${this.#interfaces.length} interfaces, it names ${id}`)
    const captured = u32(b, at + 8, little)
    if (captured > bodyEnd - data) {
      return this.#badBlock(`at most ${bodyEnd - data} captured bytes in the block, it claims ${captured}`)
    }
    const wire = Math.max(u32(b, at + 12, little), captured)
    const ticks = u32(b, at, little) * 4294967296 + u32(b, at + 4, little)
    this.#lastTs = ticks / iface.unitsPerSecond + iface.offset
    this.packets++
    this.#sink.packet(b, data, captured, wire, this.#lastTs, iface.link)
  }

  /** The block is wrong but its length is known: count it and go on with the next. */
  #badBlock(expectation: string): undefined {
    this.packets++
    this.#report.reject('packet block is wrong', {
      place: `${this.#report.source} packet ${this.packets}`,
      message: `expected ${expectation}; the packet was left out`,
    })
  }

  #interface(b: Uint8Array, body: number, bodyEnd: number): Interface {
    const little = this.#little
    const iface: Interface = {
      link: u16(b, body, little),
      snaplen: u32(b, body + 4, little),
      unitsPerSecond: 1e6,
      offset: 0,
    }
    let p = body + 8
    while (bodyEnd - p >= 4) {
      const code = u16(b, p, little)
      const size = u16(b, p + 2, little)
      p += 4
      if (code === 0 || size > bodyEnd - p) break
      if (code === 9 && size >= 1) {
        const resolution = b[p]!
        iface.unitsPerSecond = resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution
      } else if (code === 14 && size >= 8) {
        const low = u32(b, little ? p : p + 4, little)
        const high = u32(b, little ? p + 4 : p, little) | 0
        iface.offset = high * 4294967296 + low
      }
      p += (size + 3) & ~3
    }
    return iface
  }
}
