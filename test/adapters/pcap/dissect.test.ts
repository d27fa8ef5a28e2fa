import { describe, expect, test } from 'vitest'
import { ethernet, ip, MAC_A, MAC_B, pcap, tcp, udp, udpSegment } from './packets.ts'
import { flowsOf } from './read.ts'

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
const inner = udp('10.1.0.1', 5000, '10.1.0.2', 9999, 'payload of the packet')
const ID = '10.1.0.1:5000 10.1.0.2:9999'
const one = async (link: number, data: Uint8Array) => flowsOf(pcap([{ ts: 1, data }], { link }))
const MACS = join(bytes('0200000000 0b'), bytes('0200000000 0a'))

describe('link layers lead to the same packet', () => {
  const tagged = (tags: string) => join(MACS, bytes(tags), bytes('0800'), inner)
  test.each([
    ['Ethernet', 1, ethernet(inner)],
    ['VLAN', 1, tagged('8100 0005')],
    ['QinQ', 1, tagged('88a8 0005 8100 0006')],
    ['old QinQ', 1, tagged('9100 0005 8100 0006')],
    ['VN-Tag', 1, tagged('8926 00000000')],
    ['PPPoE in VLAN', 1, join(MACS, bytes('8100 0005 8864 11000001 0033 0021'), inner)],
    ['MPLS, two labels', 1, join(MACS, bytes('8847 00010000 00011100'), inner)],
    ['SNAP', 1, join(MACS, bytes('0039 aaaa03 000000 0800'), inner)],
    ['FabricPath', 1, join(MACS, bytes('8903 0000'), ethernet(inner))],
    ['cooked v1', 113, join(bytes('0000 0001 0006 020000000001 0000 0800'), inner)],
    ['cooked v2', 276, join(bytes('0800 0000 00000001 0001 00 06 0200000000010000'), inner)],
    ['raw', 101, inner],
    ['raw, BSD number', 12, inner],
    ['raw IPv4', 228, inner],
    ['NULL', 0, join(bytes('02000000'), inner)],
    ['LOOP', 108, join(bytes('00000002'), inner)],
    ['PPP', 9, join(bytes('ff03 0021'), inner)],
    [
      '802.11',
      105,
      join(bytes('0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800'), inner),
    ],
    [
      'radiotap',
      127,
      join(
        bytes('0000 0800 00000000 0801 0000 020000000001 020000000002 020000000003 0000 aaaa03 000000 0800'),
        inner,
      ),
    ],
  ])('%s', async (_, link, data) => {
    const { flows, report } = await one(link, data)
    expect(flows).toMatchObject([{ id: ID, ipBytes: [49, 0] }])
    expect([report.used, report.rejected]).toEqual([1, 0])
  })

  test('MAC addresses come from Ethernet only', async () => {
    expect((await one(1, ethernet(inner))).flows[0]!.macs).toEqual([MAC_A, MAC_B])
    expect((await one(101, inner)).flows[0]!.macs).toEqual(['', ''])
  })

  test('what is no IP is counted with its reason', async () => {
    const { report } = await one(1, join(MACS, bytes('0806 0001080006040001'), new Uint8Array(20)))
    expect([...report.reasons]).toEqual([['ARP', 1]])
  })
})

describe('IP', () => {
  test('IPv6 with extension headers, addresses as RFC 5952 has them', async () => {
    const segment = udpSegment('fe80::1:0:0:2', 5000, '2001:db8::1', 9999, 'hello')
    // Hop-by-hop options, then destination options, 8 bytes each.
    const packet = ip(
      'fe80::1:0:0:2',
      '2001:db8::1',
      0,
      join(bytes('3c00 010400000000'), bytes('1100 010400000000'), segment),
    )
    const { flows } = await one(1, ethernet(packet))
    expect(flows).toMatchObject([{ id: 'fe80::1:0:0:2:5000 2001:db8::1:9999', ipBytes: [40 + 16 + 13, 0] }])
  })

  test('fragments, in any order, make one packet', async () => {
    const segment = udpSegment('10.0.0.1', 5000, '10.0.0.2', 9999, 'a'.repeat(3000))
    const part = (from: number, to: number, more: boolean) =>
      ethernet(ip('10.0.0.1', '10.0.0.2', 17, segment.slice(from, to), (from >> 3) | (more ? 0x2000 : 0)))
    const parts = [part(1480, 2960, true), part(2960, 3008, false), part(0, 1480, true)]
    const { flows, report } = await flowsOf(pcap(parts.map((data, i) => ({ ts: i, data }))))
    expect(flows).toMatchObject([{ pkts: [1, 0], ipBytes: [3028, 0], id: '10.0.0.1:5000 10.0.0.2:9999' }])
    expect([report.used, report.rejected]).toEqual([3, 0])
    const lost = await flowsOf(pcap(parts.slice(1).map((data, i) => ({ ts: i, data }))))
    expect(lost.flows).toHaveLength(0)
    expect([lost.report.used, lost.report.rejected]).toEqual([0, 2])
  })

  test('IPv6 fragments', async () => {
    const segment = udpSegment('fd00::1', 5000, 'fd00::2', 9999, 'a'.repeat(2000))
    const part = (from: number, to: number, more: number) =>
      ethernet(
        ip(
          'fd00::1',
          'fd00::2',
          44,
          join(
            bytes('1100'),
            new Uint8Array([from >> 8, (from & 0xf8) | more]),
            bytes('00000007'),
            segment.slice(from, to),
          ),
        ),
      )
    const { flows } = await flowsOf(
      pcap([part(0, 1448, 1), part(1448, 2008, 0)].map((data) => ({ ts: 1, data }))),
    )
    expect(flows).toMatchObject([{ pkts: [1, 0], ipBytes: [40 + 8 + 2008 - 8, 0] }])
  })

  test('a packet of which only the headers were captured', async () => {
    const packet = ethernet(
      tcp('10.0.0.1', 40000, '10.0.0.2', 80, { flags: 16, seq: 1, data: 'x'.repeat(500) }),
    )
    const { flows } = await flowsOf(pcap([{ ts: 1, data: packet.slice(0, 60), wire: packet.length }]))
    expect(flows).toMatchObject([{ pkts: [1, 0], ipBytes: [540, 0] }])
  })

  test('segmentation offloading leaves the length 0', async () => {
    const packet = ethernet(inner)
    packet.set([0, 0], 16)
    expect((await one(1, packet)).flows).toMatchObject([{ id: ID, ipBytes: [49, 0] }])
  })

  test('Ethernet padding is no payload', async () => {
    const padded = join(ethernet(udp('10.0.0.1', 5000, '10.0.0.2', 9999, 'x')), new Uint8Array(17))
    expect((await one(1, padded)).flows).toMatchObject([{ ipBytes: [29, 0] }])
  })

  test.each([
    ['IP length is more than the packet has', (b: Uint8Array) => b.set([0x7f, 0xff], 16)],
    ['IP header length is wrong', (b: Uint8Array) => b.set([0x42], 14)],
    ['IP version is neither 4 nor 6', (b: Uint8Array) => b.set([0x95], 14)],
  ])('%s', async (reason, spoil) => {
    const packet = ethernet(inner)
    spoil(packet)
    expect([...(await one(1, packet)).report.reasons]).toEqual([[reason, 1]])
  })
})

describe('tunnels: what they carry is a flow of its own', () => {
  const over = (port: number, header: string, carried: Uint8Array) =>
    udp('192.0.2.1', 50000, '192.0.2.2', port, join(bytes(header), carried))
  const v6 = udp('2001::1', 5000, '2001:db8::2', 9999, 'payload')
  test.each([
    ['IP in IP', ip('192.0.2.1', '192.0.2.2', 4, inner), [ID]],
    ['IPv6 in IPv4', ip('192.0.2.1', '192.0.2.2', 41, v6), ['2001::1:5000 2001:db8::2:9999']],
    ['GRE', ip('192.0.2.1', '192.0.2.2', 47, join(bytes('0000 0800'), inner)), [ID]],
    [
      'GRE with key and sequence',
      ip('192.0.2.1', '192.0.2.2', 47, join(bytes('3000 0800 00000001 00000002'), inner)),
      [ID],
    ],
    ['GRE, Ethernet', ip('192.0.2.1', '192.0.2.2', 47, join(bytes('0000 6558'), ethernet(inner))), [ID]],
    [
      'PPTP',
      ip('192.0.2.1', '192.0.2.2', 47, join(bytes('3001 880b 0035 0001 00000001 ff03 0021'), inner)),
      [ID],
    ],
    [
      'ERSPAN II',
      ip('192.0.2.1', '192.0.2.2', 47, join(bytes('1000 88be 00000001 1000000000000000'), ethernet(inner))),
      [ID],
    ],
    ['VXLAN', over(4789, '0800000000000100', ethernet(inner)), ['192.0.2.1:50000 192.0.2.2:4789', ID]],
    ['Geneve', over(6081, '0000655800000100', ethernet(inner)), ['192.0.2.1:50000 192.0.2.2:6081', ID]],
    ['GTP-U', over(2152, '30ff003100000001', inner), ['192.0.2.1:50000 192.0.2.2:2152', ID]],
    ['Teredo', over(3544, '', v6), ['192.0.2.1:50000 192.0.2.2:3544', '2001::1:5000 2001:db8::2:9999']],
  ])('%s', async (_, packet, expected) => {
    const { flows, report } = await one(1, ethernet(packet))
    expect(flows.map((f) => f.id).sort()).toEqual([...expected].sort())
    expect(report.used).toBe(1)
  })

  test('tunnels in one another are followed only so deep', async () => {
    let packet = inner
    for (let i = 0; i < 40; i++) packet = ip('192.0.2.1', '192.0.2.2', 4, packet)
    const { flows, report } = await one(1, ethernet(packet))
    expect(flows).toHaveLength(0)
    expect([...report.reasons.keys()]).toEqual(['too many tunnels in one another'])
  })
})
