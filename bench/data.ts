/** Large inputs for the benches, made once into .cache/ from a real capture where there is one. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { sharedData } from '../test/shared-data.ts'
import { cache } from './harness.ts'

/** A capture as one buffer of little-endian microsecond pcap, with the place of every packet. */
interface Capture {
  readonly bytes: Buffer
  /** Offset of each packet's record header. */
  readonly records: readonly number[]
}

/** Copies of 34-1's capture (36,797 packets, 6,706 flows): 3.9 M packets, 0.70 M flows. */
const COPIES = 105

/**
 * Path of a capture of at least 3.5 M packets and 0.7 M flows, made on first use.
 *
 * A real capture is repeated with other local addresses and MACs, all copies at the same time, as though
 * there were that many devices; the checksums are kept right. Without shared data the base is synthetic.
 */
export function largeCapture(): string {
  const real = sharedData('iot23/34-1/irc.pcap')
  const path = join(cache, `large-${real ? 'iot23-34-1' : 'synthetic'}.pcap`)
  if (existsSync(path)) return path
  mkdirSync(cache, { recursive: true })
  process.stderr.write(`making ${path}\n`)
  const base = real ? parse(readFileSync(real)) : synthetic(7000)
  writeCopies(base, COPIES, path)
  return path
}

/** Path of the first `packets` packets of the large capture. */
export function captureSlice(packets: number): string {
  const whole = largeCapture()
  const path = whole.replace(/\.pcap$/, `-${packets}.pcap`)
  if (existsSync(path)) return path
  const head = readFileSync(whole).subarray(0, 24 + packets * 2000)
  const { bytes, records } = parse(head)
  const end = records[packets] ?? bytes.length
  const file = openSync(`${path}.part`, 'w')
  writeSync(file, bytes, 0, end)
  closeSync(file)
  renameSync(`${path}.part`, path)
  return path
}

function parse(bytes: Buffer): Capture {
  const records: number[] = []
  for (let p = 24; p + 16 <= bytes.length; ) {
    const captured = bytes.readUInt32LE(p + 8)
    if (p + 16 + captured > bytes.length) break
    records.push(p)
    p += 16 + captured
  }
  return { bytes, records }
}

function writeCopies(base: Capture, copies: number, path: string): void {
  const file = openSync(`${path}.part`, 'w')
  writeSync(file, base.bytes, 0, 24)
  const out = Buffer.alloc(4 * 1024 * 1024)
  let filled = 0
  for (const record of base.records) {
    const size = 16 + base.bytes.readUInt32LE(record + 8)
    for (let copy = 0; copy < copies; copy++) {
      if (filled + size > out.length) {
        writeSync(file, out, 0, filled)
        filled = 0
      }
      base.bytes.copy(out, filled, record, record + size)
      readdress(out, filled + 16, filled + size, copy)
      filled += size
    }
  }
  writeSync(file, out, 0, filled)
  closeSync(file)
  renameSync(`${path}.part`, path)
}

/** 192.168.x.y becomes 10.copy.x.y, and the MACs follow; IPv4 in Ethernet only. */
function readdress(b: Buffer, at: number, end: number, copy: number): void {
  if (end - at < 34 || b.readUInt16BE(at + 12) !== 0x0800) return
  b[at + 2] = copy
  b[at + 8] = copy
  const ip = at + 14
  const header = (b[ip]! & 15) * 4
  for (const address of [ip + 12, ip + 16]) {
    if (b[address] !== 192 || b[address + 1] !== 168) continue
    const before = b.readUInt16BE(address)
    const after = 0x0a00 | copy
    b.writeUInt16BE(after, address)
    adjust(b, ip + 10, before, after)
    const protocol = b[ip + 9]
    if (b.readUInt16BE(ip + 6) & 0x1fff) continue
    if (protocol === 6 && ip + header + 18 <= end) adjust(b, ip + header + 16, before, after)
    if (protocol === 17 && ip + header + 8 <= end && b.readUInt16BE(ip + header + 6) !== 0) {
      adjust(b, ip + header + 6, before, after)
    }
  }
}

/** Corrects a checksum for one changed 16-bit word (RFC 1624, equation 3). */
function adjust(b: Buffer, at: number, before: number, after: number): void {
  let sum = (~b.readUInt16BE(at) & 0xffff) + (~before & 0xffff) + after
  sum = (sum & 0xffff) + (sum >>> 16)
  sum = (sum & 0xffff) + (sum >>> 16)
  b.writeUInt16BE(~sum & 0xffff, at)
}

/** A base of `flows` flows, five packets each, TCP and UDP, over some hours. */
function synthetic(flows: number): Capture {
  const packets: { ts: number; frame: Buffer }[] = []
  for (let i = 0; i < flows; i++) {
    const start = 1_600_000_000 + i * 1.5
    const device = (192 << 24) | (168 << 16) | (1 << 8) | (2 + (i % 40))
    const server = (93 << 24) | (184 << 16) | ((i % 200) << 8) | 7
    const port = 20000 + (i % 40000)
    const udp = i % 3 === 0
    for (let k = 0; k < 5; k++) {
      const fromDevice = k % 2 === 0
      const payload = Buffer.alloc(udp ? 60 : k < 2 ? 0 : 100, k)
      packets.push({
        ts: start + k * 0.02,
        frame: frame(
          fromDevice ? device : server,
          fromDevice ? server : device,
          fromDevice,
          port,
          udp,
          k,
          payload,
        ),
      })
    }
  }
  packets.sort((x, y) => x.ts - y.ts)
  const bytes = Buffer.alloc(24 + packets.reduce((n, p) => n + 16 + p.frame.length, 0))
  bytes.writeUInt32LE(0xa1b2c3d4, 0)
  bytes.writeUInt16LE(2, 4)
  bytes.writeUInt16LE(4, 6)
  bytes.writeUInt32LE(65535, 16)
  bytes.writeUInt32LE(1, 20)
  const records: number[] = []
  let p = 24
  for (const { ts, frame: data } of packets) {
    records.push(p)
    bytes.writeUInt32LE(Math.floor(ts), p)
    bytes.writeUInt32LE(Math.round((ts % 1) * 1e6) % 1e6, p + 4)
    bytes.writeUInt32LE(data.length, p + 8)
    bytes.writeUInt32LE(data.length, p + 12)
    data.copy(bytes, p + 16)
    p += 16 + data.length
  }
  return { bytes, records }
}

function frame(
  source: number,
  destination: number,
  fromDevice: boolean,
  port: number,
  udp: boolean,
  k: number,
  payload: Buffer,
): Buffer {
  const transport = udp ? 8 : 20
  const b = Buffer.alloc(14 + 20 + transport + payload.length)
  b.write(fromDevice ? '020000000001020000000002' : '020000000002020000000001', 0, 'hex')
  b.writeUInt16BE(0x0800, 12)
  b[14] = 0x45
  b.writeUInt16BE(20 + transport + payload.length, 16)
  b[22] = 64
  b[23] = udp ? 17 : 6
  b.writeInt32BE(source | 0, 26)
  b.writeInt32BE(destination | 0, 30)
  b.writeUInt16BE(fromDevice ? port : 443, 34)
  b.writeUInt16BE(fromDevice ? 443 : port, 36)
  if (udp) b.writeUInt16BE(8 + payload.length, 38)
  else {
    // SYN, SYN-ACK, then data both ways.
    b.writeUInt32BE(k < 2 ? 1000 : fromDevice ? 1001 + 100 * ((k - 2) >> 1) : 1001, 38)
    b.writeUInt32BE(k === 0 ? 0 : fromDevice ? 1001 + (k > 3 ? 100 : 0) : k === 1 ? 1001 : 1101, 42)
    b[46] = 0x50
    b[47] = k === 0 ? 2 : k === 1 ? 0x12 : 0x18
    b.writeUInt16BE(65535, 48)
  }
  payload.copy(b, 34 + transport)
  checksums(b, udp)
  return b
}

function checksums(b: Buffer, udp: boolean): void {
  b.writeUInt16BE(~sum(b, 14, 34, 0) & 0xffff, 24)
  const length = b.length - 34
  const pseudo = sum(b, 26, 34, b[23]! + length)
  const at = 34 + (udp ? 6 : 16)
  b.writeUInt16BE(~sum(b, 34, b.length, pseudo) & 0xffff, at)
}

function sum(b: Buffer, from: number, to: number, start: number): number {
  let total = start
  for (let p = from; p + 1 < to; p += 2) total += b.readUInt16BE(p)
  if ((to - from) & 1) total += b[to - 1]! << 8
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}
