import { describe, expect, test } from 'vitest'
import {
  ACK,
  conversation,
  ethernet,
  FIN,
  icmp,
  MAC_A,
  MAC_B,
  pcap,
  RST,
  SYN,
  type TcpOptions,
  type Timed,
  tcp,
  udp,
} from './packets.ts'
import { flowsOf } from './read.ts'

const up = (o: TcpOptions, port = 40000) => ethernet(tcp('10.0.0.1', port, '10.0.0.2', 80, o))
const down = (o: TcpOptions, port = 40000) => ethernet(tcp('10.0.0.2', 80, '10.0.0.1', port, o), MAC_B, MAC_A)
const timed = (frames: readonly Uint8Array[], step = 0.01, start = 1000): Timed[] =>
  frames.map((data, i) => ({ ts: start + i * step, data }))
const one = async (frames: readonly Uint8Array[], step?: number) => {
  const { flows } = await flowsOf(pcap(timed(frames, step)))
  expect(flows).toHaveLength(1)
  return flows[0]!
}

const SHAKE = [
  up({ flags: SYN, seq: 100 }),
  down({ flags: SYN | ACK, seq: 500, ack: 101 }),
  up({ flags: ACK, seq: 101, ack: 501 }),
]

describe('TCP', () => {
  test('a whole conversation', async () => {
    const { flows } = await flowsOf(pcap(conversation('10.0.0.1', 40000, '10.0.0.2', 80, 1000)))
    expect(flows).toEqual([
      {
        ts: 1000,
        duration: expect.closeTo(0.07, 5),
        id: '10.0.0.1:40000 10.0.0.2:80',
        proto: 6,
        service: 'http',
        state: 'SF',
        history: 'ShADadFf',
        bytes: [27, 38],
        pkts: [5, 4],
        ipBytes: [5 * 40 + 27, 4 * 40 + 38],
        missed: 0,
        macs: [MAC_A, MAC_B],
      },
    ])
  })

  // Expectations follow the table of conn_state in Zeek's documentation.
  test.each<[string, string, Uint8Array[]]>([
    ['S0', 'S', [up({ flags: SYN, seq: 1 })]],
    ['REJ', 'Sr', [up({ flags: SYN, seq: 1 }), down({ flags: RST | ACK, seq: 0, ack: 2 })]],
    ['S1', 'ShA', SHAKE],
    [
      'S2',
      'ShAFa',
      [...SHAKE, up({ flags: FIN | ACK, seq: 101, ack: 501 }), down({ flags: ACK, seq: 501, ack: 102 })],
    ],
    ['S3', 'ShAf', [...SHAKE, down({ flags: FIN | ACK, seq: 501, ack: 101 })]],
    ['RSTO', 'ShAR', [...SHAKE, up({ flags: RST, seq: 101 })]],
    ['RSTR', 'ShAr', [...SHAKE, down({ flags: RST, seq: 501 })]],
    ['RSTOS0', 'SR', [up({ flags: SYN, seq: 1 }), up({ flags: RST, seq: 2 })]],
    ['SH', 'SF', [up({ flags: SYN, seq: 1 }), up({ flags: FIN, seq: 2 })]],
    [
      'OTH',
      'Dd',
      [up({ flags: ACK, seq: 1, ack: 1, data: 'abc' }), down({ flags: ACK, seq: 1, ack: 4, data: 'd' })],
    ],
  ])('conn_state %s, history %s', async (state, history, frames) => {
    const flow = await one(frames)
    expect([flow.state, flow.history]).toEqual([state, history])
  })

  test('a retransmission is told and does not count as payload', async () => {
    const data = up({ flags: ACK, seq: 101, ack: 501, data: 'hello' })
    const flow = await one([...SHAKE, data, data, down({ flags: ACK, seq: 501, ack: 106 })])
    expect(flow.history).toBe('ShADTa')
    expect(flow.bytes).toEqual([5, 0])
    expect(flow.pkts).toEqual([4, 2])
  })

  test('what was acknowledged but not captured is missed', async () => {
    const flow = await one([
      ...SHAKE,
      up({ flags: ACK, seq: 101, ack: 501, data: 'hello' }),
      up({ flags: ACK, seq: 116, ack: 501, data: 'again' }),
      down({ flags: ACK, seq: 501, ack: 121 }),
    ])
    expect(flow.missed).toBe(10)
    expect(flow.history).toBe('ShADaG')
    expect(flow.bytes).toEqual([20, 0])
  })

  test('data out of order is not missed', async () => {
    const flow = await one([
      ...SHAKE,
      up({ flags: ACK, seq: 106, ack: 501, data: 'world' }),
      up({ flags: ACK, seq: 101, ack: 501, data: 'hello' }),
      down({ flags: ACK, seq: 501, ack: 111 }),
    ])
    expect(flow.missed).toBe(0)
    expect(flow.bytes).toEqual([10, 0])
  })

  test('sequence numbers may wrap', async () => {
    const flow = await one([
      up({ flags: SYN, seq: 0xfffffff0 }),
      down({ flags: SYN | ACK, seq: 500, ack: 0xfffffff1 }),
      up({ flags: ACK, seq: 0xfffffff1, ack: 501, data: 'x'.repeat(100) }),
      down({ flags: ACK, seq: 501, ack: 0x55 }),
    ])
    expect(flow.bytes).toEqual([100, 0])
    expect(flow.missed).toBe(0)
  })

  test('a zero window and multiple flags are told', async () => {
    const flow = await one([...SHAKE, down({ flags: ACK, seq: 501, ack: 101, window: 0 })])
    expect(flow.history).toBe('ShAaw')
    expect((await one([up({ flags: SYN | FIN, seq: 1 })])).history).toBe('Q')
  })

  test('a flow whose SYN was missed is turned round by the port', async () => {
    const flow = await one([
      down({ flags: ACK, seq: 501, ack: 101, data: 'answer' }),
      up({ flags: ACK, seq: 101, ack: 507 }),
    ])
    expect(flow.id).toBe('10.0.0.1:40000 10.0.0.2:80')
    expect(flow.history).toBe('^dA')
    expect(flow.macs).toEqual([MAC_A, MAC_B])
    expect(flow.pkts).toEqual([1, 1])
  })

  test('a SYN-ACK between unknown ports is turned round by what follows', async () => {
    const ports = (flags: TcpOptions, back: boolean) =>
      ethernet(
        back
          ? tcp('10.0.0.2', 7001, '10.0.0.1', 7000, flags)
          : tcp('10.0.0.1', 7000, '10.0.0.2', 7001, flags),
      )
    const flow = await one([
      ports({ flags: SYN | ACK, seq: 500, ack: 101 }, true),
      ports({ flags: ACK, seq: 101, ack: 501 }, false),
    ])
    expect(flow.id).toBe('10.0.0.1:7000 10.0.0.2:7001')
    expect(flow.history).toBe('^hA')
  })

  test('a new SYN after the close begins a new flow', async () => {
    const packets = [
      ...conversation('10.0.0.1', 40000, '10.0.0.2', 80, 1000),
      ...conversation('10.0.0.1', 40000, '10.0.0.2', 80, 1001),
    ]
    const { flows } = await flowsOf(pcap(packets))
    expect(flows.map((f) => [f.ts, f.state, f.pkts])).toEqual([
      [1000, 'SF', [5, 4]],
      [1001, 'SF', [5, 4]],
    ])
  })

  test('timeouts in event time: SYNs 5 s, connections 300 s, telnet an hour', async () => {
    const syn = up({ flags: SYN, seq: 1 })
    expect((await flowsOf(pcap(timed([syn, syn], 4)))).flows).toHaveLength(1)
    expect((await flowsOf(pcap(timed([syn, syn], 6)))).flows).toHaveLength(2)
    const late = [...timed(SHAKE), { ts: 1290, data: up({ flags: ACK, seq: 101, ack: 501, data: 'x' }) }]
    expect((await flowsOf(pcap(late))).flows).toHaveLength(1)
    expect((await flowsOf(pcap(late.map((p, i) => (i === 3 ? { ...p, ts: 1310 } : p))))).flows).toHaveLength(
      2,
    )
    const telnet = (o: TcpOptions) => ethernet(tcp('10.0.0.1', 40000, '10.0.0.2', 23, o))
    const answer = ethernet(tcp('10.0.0.2', 23, '10.0.0.1', 40000, { flags: SYN | ACK, seq: 500, ack: 101 }))
    const session = [
      ...timed([telnet({ flags: SYN, seq: 100 }), answer, telnet({ flags: ACK, seq: 101, ack: 501 })]),
      { ts: 3000, data: telnet({ flags: ACK, seq: 101, ack: 501, data: 'x' }) },
    ]
    expect((await flowsOf(pcap(session))).flows).toHaveLength(1)
  })

  test('a wrong checksum counts as damage only after a right one', async () => {
    const damaged = await flowsOf(
      pcap(timed([...SHAKE, up({ flags: ACK, seq: 101, ack: 501, data: 'hello', badChecksum: true })])),
    )
    expect(damaged.flows[0]).toMatchObject({ history: 'ShAC', pkts: [2, 1], bytes: [0, 0] })
    expect(damaged.report.reasons.get('checksum is wrong')).toBe(1)
    expect(damaged.report.used).toBe(3)
    const offloaded = await flowsOf(
      pcap(
        timed([
          up({ flags: SYN, seq: 100, badChecksum: true }),
          SHAKE[1]!,
          up({ flags: ACK, seq: 101, ack: 501, data: 'hello', badChecksum: true }),
        ]),
      ),
    )
    expect(offloaded.flows[0]).toMatchObject({ history: 'ShD', pkts: [2, 1], bytes: [5, 0] })
    expect(offloaded.report.rejected).toBe(0)
  })
})

describe('UDP, ICMP and others', () => {
  test('UDP question and answer', async () => {
    const { flows } = await flowsOf(
      pcap([
        { ts: 1, data: ethernet(udp('10.0.0.1', 5000, '10.0.0.2', 9999, 'question')) },
        { ts: 2, data: ethernet(udp('10.0.0.2', 9999, '10.0.0.1', 5000, 'an answer')) },
        { ts: 70, data: ethernet(udp('10.0.0.1', 5000, '10.0.0.2', 9999, 'later')) },
      ]),
    )
    expect(flows).toMatchObject([
      { ts: 1, duration: 1, state: 'SF', history: 'Dd', bytes: [8, 9], pkts: [1, 1], ipBytes: [36, 37] },
      {
        ts: 70,
        duration: Number.NaN,
        state: 'S0',
        history: 'D',
        bytes: [Number.NaN, Number.NaN],
        pkts: [1, 0],
      },
    ])
  })

  test('a UDP answer that comes first is turned round by the port', async () => {
    const { flows } = await flowsOf(
      pcap([{ ts: 1, data: ethernet(udp('10.0.0.2', 53, '10.0.0.1', 5000, 'x')) }]),
    )
    expect(flows[0]).toMatchObject({
      id: '10.0.0.1:5000 10.0.0.2:53',
      state: 'SHR',
      history: '^d',
      pkts: [0, 1],
    })
  })

  test('echo and its reply are one flow, an error in each direction another', async () => {
    const { flows } = await flowsOf(
      pcap(
        timed([
          ethernet(icmp('10.0.0.1', '10.0.0.2', 8, 0)),
          ethernet(icmp('10.0.0.2', '10.0.0.1', 0, 0)),
          ethernet(icmp('10.0.0.2', '10.0.0.1', 3, 3)),
          ethernet(icmp('10.0.0.1', '10.0.0.2', 3, 3)),
        ]),
      ),
    )
    expect(flows.map((f) => [f.id, f.pkts, f.state])).toEqual([
      ['10.0.0.1:8 10.0.0.2:0', [1, 1], 'OTH'],
      ['10.0.0.2:3 10.0.0.1:3', [1, 0], 'OTH'],
      ['10.0.0.1:3 10.0.0.2:3', [1, 0], 'OTH'],
    ])
    expect(flows[0]!.bytes).toEqual([8, 8])
  })
})

test('flows come in the order they end, whatever the batch size', async () => {
  const packets: Timed[] = []
  for (let i = 0; i < 300; i++) {
    packets.push(...conversation(`10.0.${i % 7}.1`, 40000 + i, '10.9.0.2', 80, 1000 + i * 0.9))
    packets.push({
      ts: 1000 + i * 0.9 + 0.1,
      data: ethernet(udp(`10.0.${i % 7}.1`, 20000 + i, '10.9.0.3', 9999, 'x')),
    })
  }
  packets.sort((x, y) => x.ts - y.ts)
  const whole = await flowsOf(pcap(packets))
  expect(whole.flows).toHaveLength(600)
  for (const batchSize of [1, 64, 599]) {
    const cut = await flowsOf(pcap(packets), { batchSize, chunk: 333 })
    expect(cut.flows).toEqual(whole.flows)
    expect(Math.max(...cut.batches.map((b) => b.length))).toBeLessThanOrEqual(batchSize)
  }
  // TCP ends 5 s after its close, UDP a minute after its packet: long before the capture does.
  const udpRank = whole.flows.findIndex((f) => f.proto === 17)
  expect(whole.flows.slice(0, udpRank).every((f) => f.proto === 6)).toBe(true)
  expect(udpRank).toBeGreaterThan(10)
})
