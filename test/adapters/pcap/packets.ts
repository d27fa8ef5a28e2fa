/** A tiny packet writer, so that the tests bring their own captures. */

export const ACK = 0x10
export const SYN = 0x02
export const FIN = 0x01
export const RST = 0x04

export interface TcpOptions {
  flags: number
  seq: number
  ack?: number
  data?: Uint8Array | string
  window?: number
  badChecksum?: boolean
}

const bytesOf = (data: Uint8Array | string | undefined): Uint8Array =>
  typeof data === 'string' ? new TextEncoder().encode(data) : (data ?? new Uint8Array(0))

const concat = (...parts: readonly Uint8Array[]) => joined(parts)

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const be16 = (x: number) => new Uint8Array([x >>> 8, x])
const be32 = (x: number) => new Uint8Array([x >>> 24, x >>> 16, x >>> 8, x])

/** 4 or 16 bytes of an address. */
export function address(text: string): Uint8Array {
  if (!text.includes(':')) return new Uint8Array(text.split('.').map(Number))
  const [head = '', tail = ''] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  return concat(...[...left, ...zeros, ...right].map((g) => be16(Number.parseInt(g, 16))))
}

function checksum(...parts: readonly Uint8Array[]): number {
  const b = concat(...parts)
  let sum = 0
  for (let i = 0; i < b.length; i += 2) sum += (b[i]! << 8) | (b[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** An IP packet, v4 or v6 by the addresses. */
export function ip(
  from: string,
  to: string,
  protocol: number,
  payload: Uint8Array,
  fragment = 0,
): Uint8Array {
  const source = address(from)
  const destination = address(to)
  if (source.length === 16) {
    return concat(
      new Uint8Array([0x60, 0, 0, 0]), be16(payload.length), new Uint8Array([protocol, 64]), source, destination, payload,
    ) // biome-ignore format: one packet
  }
  const header = concat(
    new Uint8Array([0x45, 0]), be16(20 + payload.length), be16(77), be16(fragment), new Uint8Array([64, protocol, 0, 0]),
    source, destination,
  ) // biome-ignore format: one packet
  header.set(be16(checksum(header)), 10)
  return concat(header, payload)
}

function pseudo(from: string, to: string, protocol: number, length: number): Uint8Array {
  return concat(address(from), address(to), be32(length), be32(protocol))
}

export function tcp(from: string, fromPort: number, to: string, toPort: number, o: TcpOptions): Uint8Array {
  const segment = concat(
    be16(fromPort), be16(toPort), be32(o.seq), be32(o.ack ?? 0), new Uint8Array([0x50, o.flags]), be16(o.window ?? 8192),
    be32(0), bytesOf(o.data),
  ) // biome-ignore format: one packet
  segment.set(be16(checksum(pseudo(from, to, 6, segment.length), segment) ^ (o.badChecksum ? 1 : 0)), 16)
  return ip(from, to, 6, segment)
}

export function udpSegment(
  from: string,
  fromPort: number,
  to: string,
  toPort: number,
  data: Uint8Array | string,
): Uint8Array {
  const payload = bytesOf(data)
  const segment = concat(be16(fromPort), be16(toPort), be16(8 + payload.length), be16(0), payload)
  segment.set(be16(checksum(pseudo(from, to, 17, segment.length), segment)), 6)
  return segment
}

export function udp(
  from: string,
  fromPort: number,
  to: string,
  toPort: number,
  data: Uint8Array | string,
): Uint8Array {
  return ip(from, to, 17, udpSegment(from, fromPort, to, toPort, data))
}

export function icmp(from: string, to: string, type: number, code: number, data = 'abcdefgh'): Uint8Array {
  const message = concat(new Uint8Array([type, code, 0, 0, 0, 1, 0, 1]), bytesOf(data))
  message.set(be16(checksum(message)), 2)
  return ip(from, to, 1, message)
}

export const MAC_A = '02:00:00:00:00:0a'
export const MAC_B = '02:00:00:00:00:0b'
const mac = (text: string) => new Uint8Array(text.split(':').map((x) => Number.parseInt(x, 16)))

/** An Ethernet frame around an IP packet; `tags` are bytes between the addresses and the EtherType. */
export function ethernet(
  packet: Uint8Array,
  source = MAC_A,
  destination = MAC_B,
  tags = new Uint8Array(0),
): Uint8Array {
  return concat(mac(destination), mac(source), tags, be16(packet[0]! >> 4 === 6 ? 0x86dd : 0x0800), packet)
}

export interface Timed {
  readonly ts: number
  readonly data: Uint8Array
  /** Wire length when more than was captured. */
  readonly wire?: number
}

export interface PcapOptions {
  link?: number
  little?: boolean
  nano?: boolean
  /** Kuznetzov's variant. */
  modified?: boolean
}

/** A pcap file. */
export function pcap(packets: readonly Timed[], o: PcapOptions = {}): Uint8Array<ArrayBuffer> {
  const { link = 1, little = true, nano = false, modified = false } = o
  const u32 = (x: number) => (little ? be32(x).reverse() : be32(x))
  const u16 = (x: number) => (little ? be16(x).reverse() : be16(x))
  const unit = nano ? 1e9 : 1e6
  return joined([
    u32(modified ? 0xa1b2cd34 : nano ? 0xa1b23c4d : 0xa1b2c3d4), u16(2), u16(4), u32(0), u32(0), u32(262144), u32(link),
    ...packets.flatMap(({ ts, data, wire }) => [
      u32(Math.floor(ts)), u32(Math.round((ts - Math.floor(ts)) * unit)), u32(data.length), u32(wire ?? data.length),
      new Uint8Array(modified ? 8 : 0), data,
    ]),
  ]) // biome-ignore format: one file
}

export interface Interface {
  link?: number
  /** if_tsresol: 10 to the minus that. */
  resolution?: number
}

/** A pcapng file of one section; packet i is of interface i modulo their number. */
export function pcapng(
  packets: readonly Timed[],
  interfaces: readonly Interface[] = [{}],
  little = true,
): Uint8Array<ArrayBuffer> {
  const u32 = (x: number) => (little ? be32(x).reverse() : be32(x))
  const u16 = (x: number) => (little ? be16(x).reverse() : be16(x))
  const block = (type: number, body: Uint8Array) => {
    const padded = concat(body, new Uint8Array((4 - (body.length % 4)) % 4))
    return concat(u32(type), u32(padded.length + 12), padded, u32(padded.length + 12))
  }
  return concat(
    block(0x0a0d0d0a, concat(u32(0x1a2b3c4d), u16(1), u16(0), u32(0xffffffff), u32(0xffffffff))),
    ...interfaces.map(({ link = 1, resolution }) =>
      block(
        1,
        concat(
          u16(link), u16(0), u32(0),
          resolution === undefined ? new Uint8Array(0) : concat(u16(9), u16(1), new Uint8Array([resolution, 0, 0, 0])),
        ),
      ),
    ),
    ...packets.map(({ ts, data, wire }, i) => {
      const id = i % interfaces.length
      const ticks = BigInt(Math.round(ts * 1e6)) * 10n ** BigInt((interfaces[id]!.resolution ?? 6) - 6)
      return block(
        6,
        concat(u32(id), u32(Number(ticks >> 32n)), u32(Number(ticks & 0xffffffffn)), u32(data.length), u32(wire ?? data.length), data),
      )
    }),
  ) // biome-ignore format: one file
}

/** A whole TCP conversation: handshake, request, answer, both FINs; 9 packets. */
export function conversation(
  client: string,
  clientPort: number,
  server: string,
  serverPort: number,
  ts: number,
  request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
): Timed[] {
  const up = (o: TcpOptions) => ethernet(tcp(client, clientPort, server, serverPort, o), MAC_A, MAC_B)
  const down = (o: TcpOptions) => ethernet(tcp(server, serverPort, client, clientPort, o), MAC_B, MAC_A)
  const q = 1001 + request.length
  const a = 5001 + answer.length
  return [
    up({ flags: SYN, seq: 1000 }),
    down({ flags: SYN | ACK, seq: 5000, ack: 1001 }),
    up({ flags: ACK, seq: 1001, ack: 5001 }),
    up({ flags: ACK, seq: 1001, ack: 5001, data: request }),
    down({ flags: ACK, seq: 5001, ack: q }),
    down({ flags: ACK, seq: 5001, ack: q, data: answer }),
    up({ flags: FIN | ACK, seq: q, ack: a }),
    down({ flags: FIN | ACK, seq: a, ack: q + 1 }),
    up({ flags: ACK, seq: q + 1, ack: a + 1 }),
  ].map((data, i) => ({ ts: ts + i * 0.01, data }))
}
