import { describe, expect, test } from 'vitest'
import { guessService, SERVICES } from '../../../src/adapters/pcap/service.ts'
import { ethernet, pcap, udp } from './packets.ts'
import { flowsOf } from './read.ts'

const guess = (protocol: number, resp: number, data: Uint8Array | string, isOrig = true, orig = 40000) => {
  const b = typeof data === 'string' ? new Uint8Array(Buffer.from(data, 'latin1')) : data
  return SERVICES[guessService(protocol, orig, resp, isOrig, b, 0, b.length)]
}
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const query = '1234 0100 0001 0000 0000 0000 0161 00 0001 0001'
const mdnsAnswer = hex(
  `0000 8400 0000 0001 0000 0000 0763616d65726131 056c6f63616c 00 0001 8001 00000078 0004 0a000007`,
)

describe('the first payload bytes tell the service', () => {
  test.each<[string, number, number, Uint8Array | string, boolean]>([
    ['http', 6, 8123, 'GET /x HTTP/1.1\r\n', true],
    ['http', 6, 8123, 'HTTP/1.1 200 OK\r\n', false],
    ['ssl', 6, 8883, hex('16030100c8010000c40303'), true],
    ['ssh', 6, 2222, 'SSH-2.0-OpenSSH_9\r\n', false],
    ['mqtt', 6, 1884, hex('101000044d51545404020000'), true],
    ['mqtt', 6, 1883, hex('30050003612f62'), true],
    ['telnet', 6, 23, hex('fffd18fffd20'), false],
    ['irc', 6, 6667, 'NICK bot\r\n', true],
    ['smtp', 6, 25, '220 mail.example ESMTP\r\n', false],
    ['ftp', 6, 21, '220 ready\r\n', false],
    ['modbus', 6, 502, hex('000100000006010300000001'), true],
    ['rtsp', 6, 554, 'DESCRIBE rtsp://cam/ RTSP/1.0\r\n', true],
    ['rtsp', 6, 554, 'OPTIONS rtsp://cam/ RTSP/1.0\r\n', true],
    ['pop3', 6, 110, '+OK ready\r\n', false],
    ['imap', 6, 143, '* OK ready\r\n', false],
    ['dns', 17, 53, hex(query), true],
    ['mdns', 17, 5353, mdnsAnswer, true],
    ['ntp', 17, 123, hex(`23${'00'.repeat(47)}`), true],
    ['coap', 17, 5683, hex('40011234b474656d70'), true],
    ['dhcp', 17, 67, hex(`010106${'00'.repeat(233)}63825363350101ff`), true],
    ['quic', 17, 4433, hex(`c300000001${'00'.repeat(1200)}`), true],
    ['', 6, 80, 'nonsense', true],
    ['', 17, 53, 'no', true],
    ['', 6, 443, hex('0000000000000000'), true],
  ])('%s', (service, protocol, port, data, isOrig) => {
    expect(guess(protocol, port, data, isOrig)).toBe(service)
  })
})

test('names from DHCP and multicast DNS', async () => {
  const dhcp = hex(
    `010106 00 12345678 0000 0000 0a000009 00000000 00000000 00000000 0200000000aa ${'00'.repeat(202)} 63825363 350103 0c06 706c75672d31 ff`,
  )
  const { names, flows } = await flowsOf(
    pcap([
      { ts: 1, data: ethernet(udp('0.0.0.0', 68, '255.255.255.255', 67, dhcp)) },
      { ts: 2, data: ethernet(udp('10.0.0.7', 5353, '224.0.0.251', 5353, mdnsAnswer)) },
    ]),
  )
  expect(flows.map((f) => f.service)).toEqual(['dhcp', 'mdns'])
  expect(Object.fromEntries(names)).toEqual({
    '02:00:00:00:00:aa': 'plug-1',
    '10.0.0.9': 'plug-1',
    '10.0.0.7': 'camera1',
  })
})
