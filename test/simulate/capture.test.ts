import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pcapAdapter } from '../../src/adapters/pcap/adapter.ts'
import { ReadReport } from '../../src/adapters/read-report.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import type { FlowBatch } from '../../src/schema/flow-batch.ts'
import { conversation, says } from '../../src/simulate/conversation.ts'
import type { SimulatedFlow } from '../../src/simulate/flow-record.ts'
import { frameLength, writeFrame } from '../../src/simulate/frame.ts'
import { packetsOf } from '../../src/simulate/packets.ts'
import { simulate } from '../../src/simulate/simulation.ts'
import { writeSimulation } from '../../src/simulate/write-simulation.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'motewatch-simulate-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

/** One flow in words: who, how much, how it went. Gaps are left out, since the capture lacks filler. */
const words = (f: SimulatedFlow) =>
  [
    ...[f.orig_h, f.orig_p, f.resp_h, f.resp_p, f.proto, f.service, f.conn_state, f.history],
    ...[f.orig_pkts, f.resp_pkts, f.orig_bytes, f.resp_bytes, f.orig_ip_bytes, f.resp_ip_bytes],
    ...[f.orig_l2_addr, f.resp_l2_addr, f.ts.toFixed(6), f.duration?.toFixed(6)],
  ].join(' ')

function record(b: FlowBatch, i: number): SimulatedFlow {
  const known = (value: number) => (Number.isNaN(value) ? undefined : value)
  const values = {
    duration: known(b.duration[i]!),
    orig_bytes: known(b.orig_bytes[i]!),
    resp_bytes: known(b.resp_bytes[i]!),
  }
  return {
    ts: b.ts[i]!,
    orig_h: stringAt(b.orig_h, i),
    orig_p: b.orig_p[i]!,
    resp_h: stringAt(b.resp_h, i),
    resp_p: b.resp_p[i]!,
    proto: b.proto[i]!,
    service: stringAt(b.service, i),
    conn_state: stringAt(b.conn_state, i),
    history: stringAt(b.history, i).replace(/g/gi, ''),
    orig_pkts: b.orig_pkts[i]!,
    resp_pkts: b.resp_pkts[i]!,
    orig_ip_bytes: b.orig_ip_bytes[i]!,
    resp_ip_bytes: b.resp_ip_bytes[i]!,
    orig_l2_addr: stringAt(b.orig_l2_addr!, i),
    resp_l2_addr: stringAt(b.resp_l2_addr!, i),
    label: 'Benign',
    detailed_label: '',
    ...(Object.fromEntries(
      Object.entries(values).filter(([, v]) => v !== undefined),
    ) as Partial<SimulatedFlow>),
  }
}

describe('the simulated capture', () => {
  it('read back gives the very flows of the log, and the devices their names', async () => {
    const options = {
      devices: 20,
      hours: 4,
      quiet: 0.1,
      seed: 5,
      attacks: [
        'scan',
        'flood',
        'beacon',
        'exfiltration',
        'bruteforce',
        'scan',
        'flood',
        'beacon',
        'bruteforce',
      ],
    }
    const written = await writeSimulation(dir, { ...options, files: ['capture.pcap'] })
    const path = join(dir, 'capture.pcap')
    const report = new ReadReport(path)
    const source = { name: path, path, bytes: () => createReadStream(path) }
    const found: SimulatedFlow[] = []
    const names = new Map<string, string>()
    for await (const batch of pcapAdapter.read(source, {}, report)) {
      if (batch.kind !== 'flows') throw new Error('a capture holds flows')
      for (let i = 0; i < batch.length; i++) found.push(record(batch, i))
      for (const [address, name] of batch.names ?? []) names.set(address, name)
    }
    expect(report.rejected).toBe(0)
    expect(report.used).toBe(written.packets)
    const simulation = simulate(options)
    const expected = [...simulation.flows()]
    expect(found.length).toBe(expected.length)
    expect(found.map(words).sort()).toEqual(expected.map(words).sort())
    const announced = simulation.hosts.filter((h) => names.get(h.ip) === h.name)
    expect(announced.length).toBeGreaterThan(8)
  })

  it('has right checksums over real bytes and filler of odd and even lengths', () => {
    const buffer = new Uint8Array(2000)
    let frames = 0
    for (const proto of [6, 17]) {
      for (const ends of [
        ['192.168.1.20', '198.18.0.1'],
        ['2001:db8:1:1::5', '2001:db8:2::7'],
      ]) {
        for (let real = 0; real < 7; real++) {
          for (let length = 1; length < 20; length++) {
            const content = Uint8Array.from({ length: real }, (_, i) => 251 - 7 * i)
            const c = conversation({
              ts: 1e9,
              orig: { ip: ends[0]!, mac: '02:00:00:00:00:01' },
              resp: { ip: ends[1]!, mac: '02:00:00:00:00:02' },
              orig_p: 40000 + length,
              resp_p: 9999,
              proto,
              seed: 17 * real + length,
              turns: [says(content, 0, real + length), says(length)],
            })
            for (const p of packetsOf(c)) {
              const written = writeFrame(p, buffer, 3)
              expect(written).toBe(frameLength(p))
              expect(checksumsHold(buffer.subarray(3, 3 + written))).toBe(true)
              frames++
            }
          }
        }
      }
    }
    expect(frames).toBeGreaterThan(2000)
  })
})

/** Whether the IP and transport checksums of a frame come out right, computed plainly as RFC 1071 says. */
function checksumsHold(frame: Uint8Array): boolean {
  const total = (bytes: number[]) => {
    let s = 0
    bytes.forEach((b, i) => {
      s += i % 2 === 0 ? b << 8 : b
    })
    while (s > 0xffff) s = (s & 0xffff) + (s >>> 16)
    return s
  }
  const ip6 = frame[12] === 0x86
  const l4 = [...frame.subarray(ip6 ? 54 : 34)]
  const addresses = [...frame.subarray(ip6 ? 22 : 26, ip6 ? 54 : 34)]
  const proto = frame[ip6 ? 20 : 23]!
  const header = ip6 || total([...frame.subarray(14, 34)]) === 0xffff
  return header && total([...addresses, 0, proto, l4.length >> 8, l4.length & 255, ...l4]) === 0xffff
}
