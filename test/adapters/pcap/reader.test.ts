import { describe, expect, test } from 'vitest'
import { isCapture } from '../../../src/adapters/pcap/reader.ts'
import { InputError } from '../../../src/adapters/read-report.ts'
import { conversation, ethernet, pcap, pcapng, type Timed, udp } from './packets.ts'
import { flowsOf } from './read.ts'

const packets: Timed[] = [
  ...conversation('10.0.0.1', 40000, '10.0.0.2', 80, 1600000000.25),
  { ts: 1600000001.5, data: ethernet(udp('10.0.0.1', 5000, '10.0.0.3', 9999, 'x'.repeat(100))) },
]

describe('every form of capture gives the same flows', async () => {
  const expected = (await flowsOf(pcap(packets))).flows
  expect(expected).toHaveLength(2)
  test.each([
    ['big endian', pcap(packets, { little: false })],
    ['nanoseconds', pcap(packets, { nano: true })],
    ['nanoseconds, big endian', pcap(packets, { nano: true, little: false })],
    ['Kuznetzov', pcap(packets, { modified: true })],
    ['pcapng', pcapng(packets)],
    ['pcapng, big endian', pcapng(packets, [{}], false)],
    ['pcapng, nanoseconds', pcapng(packets, [{ resolution: 9 }])],
    ['pcapng, two interfaces', pcapng(packets, [{}, { resolution: 9 }])],
  ])('%s', async (_, bytes) => {
    expect(isCapture(bytes)).toBe(true)
    const { flows, report } = await flowsOf(bytes)
    expect(flows).toHaveLength(2)
    flows.forEach((flow, i) => {
      expect(flow.ts).toBeCloseTo(expected[i]!.ts, 5)
      expect({ ...flow, ts: 0, duration: 0 }).toEqual({ ...expected[i], ts: 0, duration: 0 })
    })
    expect([report.used, report.rejected]).toEqual([10, 0])
  })

  test('two sections of different byte order in one file', async () => {
    const both = Buffer.concat([
      pcapng(packets),
      pcapng(
        packets.map((p) => ({ ...p, ts: p.ts + 1000 })),
        [{}],
        false,
      ),
    ])
    const { flows, report } = await flowsOf(new Uint8Array(both))
    expect(flows).toHaveLength(4)
    expect(report.used).toBe(20)
  })

  test('any chunks', async () => {
    for (const chunk of [1, 7, 64, 1000]) {
      expect((await flowsOf(pcap(packets), { chunk })).flows).toEqual(expected)
      expect((await flowsOf(pcapng(packets), { chunk })).flows).toHaveLength(2)
    }
  })
})

describe('damage', () => {
  test('a capture that is cut off keeps what came before', async () => {
    const whole = pcap(packets)
    const { flows, report } = await flowsOf(whole.slice(0, whole.length - 20))
    expect(flows).toHaveLength(1)
    expect([report.used, report.rejected]).toEqual([9, 1])
    expect(report.notes).toEqual(['capture is cut off after packet 9'])
    expect(report.problems[0]?.place).toBe('capture.pcap packet 10')
  })

  test('a lying length ends the reading with its place', async () => {
    const bytes = pcap(packets)
    new DataView(bytes.buffer).setUint32(24 + 8, 0x7fffffff, true)
    const { flows, report } = await flowsOf(bytes)
    expect(flows).toHaveLength(0)
    expect([report.used, report.rejected]).toEqual([0, 1])
    expect(report.problems[0]?.message).toMatch(/at most 262144 bytes, the capture claims 2147483647/)
  })

  test('a lying pcapng block ends the reading', async () => {
    const bytes = pcapng(packets)
    new DataView(bytes.buffer).setUint32(28 + 20 + 4, 0xfffffff0, true)
    const { report } = await flowsOf(bytes)
    expect(report.reasons.get('capture is damaged')).toBe(1)
  })

  test('an unknown interface costs only its packet', async () => {
    const bytes = pcapng(packets)
    new DataView(bytes.buffer).setUint32(28 + 20 + 8, 5, true)
    const { report } = await flowsOf(bytes)
    expect([report.used, report.rejected]).toEqual([9, 1])
  })

  test.each([
    ['empty', new Uint8Array(0), /the source has 0 bytes/],
    ['short', new Uint8Array([0xd4, 0xc3, 0xb2, 0xa1, 2]), /the source has 5 bytes/],
    [
      'no capture',
      new TextEncoder().encode('a,b,c\n1,2,3\n4,5,6\n7,8,9\n'),
      /expected a pcap or pcapng capture/,
    ],
  ])('%s input is an InputError', async (_, bytes, message) => {
    await expect(flowsOf(bytes)).rejects.toThrow(InputError)
    await expect(flowsOf(bytes)).rejects.toThrow(message)
  })

  test('a link type nobody knows is counted, not thrown', async () => {
    const { report } = await flowsOf(pcap(packets, { link: 147 }))
    expect(report.reasons.get('link type 147 is not supported')).toBe(10)
  })
})
