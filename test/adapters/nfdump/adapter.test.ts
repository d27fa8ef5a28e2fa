import { describe, expect, it } from 'vitest'
import { readBytes } from '../contract.ts'

const read = (...lines: string[]) =>
  readBytes(Buffer.from(`${lines.join('\n')}\n`), {}, undefined, 'flows.txt')

describe("nfdump's text for people", () => {
  it('extended, as nfdump 1.7 prints it', async () => {
    const { rows, report } = await read(
      'Date first seen             Duration     Proto      Src IP Addr:Port          Dst IP Addr:Port     Flags Tos  Packets    Bytes      pps      bps    Bpp Flows',
      '2027-01-01 12:56:57.788     00:01:01.016 TCP     185.244.25.235:6667  ->    192.168.1.195:49216 ...APRSF   0        4    2.1 M        3     2629     83     1',
      'Summary: total flows: 1, total bytes: 2.1 M, total packets: 4, avg bps: 200, avg pps: 0, avg bpp: 71',
      'Time window: 2027-01-01 12:40:02 - 2027-01-02 12:15:31',
      'Total flows processed: 1, passed: 1, Blocks skipped: 0, Bytes read: 478464',
      'Sys: 0.0000s User: 0.0175s Wall: 0.1016s flows/second: 45281.9 Runtime: 0.1016s',
    )
    expect(report).toMatchObject({ adapter: 'nfdump', dialect: 'nfdump', rejected: 0 })
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({
      ts: Date.parse('2027-01-01T12:56:57.788Z') / 1000,
      duration: 61.016,
      proto: 6,
      orig_h: '185.244.25.235',
      orig_p: 6667,
      resp_h: '192.168.1.195',
      resp_p: 49_216,
      orig_pkts: 4,
      orig_ip_bytes: 2_100_000,
    })
  })

  it('line, as nfdump 1.6 prints it: seconds, IPv6 with a dot before the port, types of ICMP', async () => {
    const { rows, report } = await read(
      'Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port   Packets    Bytes Flows',
      '2016-10-24 16:06:44.375     8.051 UDP   fe80::1.5353     ->          ff02::fb.5353          2      152     1',
      '2016-10-24 16:06:44.375     0.419 ICMP6 fe80::c..79:de19.0     ->         ff02::16.143.0          2      152     1',
      '2016-10-24 16:06:44.375 broken',
    )
    expect(rows[0]).toMatchObject({ orig_h: 'fe80::1', orig_p: 5353, resp_h: 'ff02::fb', duration: 8.051 })
    expect(rows[1]).toMatchObject({ orig_h: 'fe80::c..79:de19', resp_h: 'ff02::16', resp_p: 143, proto: 58 })
    expect(report.problems[0]!.place).toBe('flows.txt:4')
  })

  it('biline: both directions in one record', async () => {
    const { rows } = await read(
      'Date first seen             Duration     Proto      Src IP Addr:Port           Dst IP Addr:Port   Out Pkt   In Pkt Out Byte  In Byte Flows',
      '2027-01-02 04:41:26.418     00:00:36.057 TCP      192.168.1.195:54114 <->   185.244.25.235:6667         6       10      589      606     2',
    )
    expect(rows[0]).toMatchObject({ orig_pkts: 10, orig_ip_bytes: 606, resp_pkts: 6, resp_ip_bytes: 589 })
  })
})
