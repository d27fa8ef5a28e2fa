import { Random } from '../../src/kernels/random.ts'
import type { AnomalyType } from '../../src/schema/anomaly.ts'
import type { FlowRecord } from '../../src/schema/flow-batch.ts'

/** What an infected device does, as the botnets of IoT-23 (Garcia, Parmisano & Erquiaga 2020) do it. */
export interface Scenario {
  readonly name: string
  readonly type: AnomalyType
  readonly flows: readonly FlowRecord[]
}

const TCP = 6
const UDP = 17
const ICMP = 1
const START = 1_545_403_816

/** A flow without an answer, of some bare packets. */
const unanswered = (packets = 1, payload = 0): FlowRecord => ({
  conn_state: 'S0',
  orig_pkts: packets,
  orig_ip_bytes: packets * (payload > 0 ? payload + 28 : 40),
  orig_bytes: payload * packets,
  resp_pkts: 0,
  resp_ip_bytes: 0,
  resp_bytes: 0,
})
const refused: FlowRecord = { ...unanswered(), conn_state: 'REJ', resp_pkts: 1, resp_ip_bytes: 40 }
/** A conversation with so much payload each way. */
const talk = (out: number, back: number): FlowRecord => ({
  conn_state: 'SF',
  duration: 1.2,
  orig_pkts: 6 + Math.ceil(out / 1400),
  orig_ip_bytes: out + 300,
  orig_bytes: out,
  resp_pkts: 5 + Math.ceil(back / 1400),
  resp_ip_bytes: back + 260,
  resp_bytes: back,
})

type Make = (i: number, random: Random) => FlowRecord

/** `n` flows, `gap` seconds apart on average (steady = exactly, but for a tenth). */
function flows(n: number, gap: number, steady: boolean, make: Make, seed = 1): FlowRecord[] {
  const random = new Random(seed)
  let ts = START
  return Array.from({ length: n }, (_, i) => {
    ts += gap * (steady ? 0.95 + 0.1 * random.float() : -Math.log(1 - random.float()))
    return {
      ts,
      orig_h: '192.168.1.195',
      orig_p: 1024 + random.int(60_000),
      resp_h: '198.51.100.7',
      resp_p: 80,
      proto: TCP,
      ...make(i, random),
    }
  })
}

const anyone = (random: Random) =>
  `${11 + random.int(180)}.${random.int(256)}.${random.int(256)}.${1 + random.int(254)}`
const one = <T>(random: Random, values: readonly T[]) => values[random.int(values.length)]!

/** A search of `ports` of random hosts. */
const search =
  (ports: readonly number[], packets: number, answers = 0.03): Make =>
  (_, random) => {
    const luck = random.float()
    const found = luck < answers / 3 ? talk(80, 200) : luck < answers ? refused : unanswered(packets)
    return { resp_h: anyone(random), resp_p: one(random, ports), ...found }
  }

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'Mirai: telnet of random hosts, 100 a second',
    type: 'port scan',
    flows: flows(3000, 0.01, false, search([23, 23, 23, 23, 23, 23, 23, 23, 23, 2323], 1)),
  },
  {
    name: 'Hajime: 5358 and 23, 1000 a second',
    type: 'port scan',
    flows: flows(4000, 0.001, false, search([5358, 23], 1, 0.005)),
  },
  {
    name: '8081, one in five seconds, six SYNs each',
    type: 'port scan',
    flows: flows(1500, 5, false, search([8081], 6)),
  },
  {
    name: '37215, one a minute',
    type: 'port scan',
    flows: flows(600, 60, false, search([37215], 3)),
  },
  {
    name: 'Okiru: 37215 and 52869, 20 a second',
    type: 'port scan',
    flows: flows(3000, 0.05, false, search([37215, 52869], 2, 0)),
  },
  {
    name: 'Hide and Seek: five ports, 3 a second, some answer',
    type: 'port scan',
    flows: flows(3000, 0.33, false, search([23, 80, 8080, 2480, 5984], 2, 0.15)),
  },
  {
    name: 'UDP to 53413 of random hosts, with a payload',
    type: 'port scan',
    flows: flows(2000, 0.1, false, (_, random) => ({
      ...unanswered(1, 40),
      proto: UDP,
      resp_h: anyone(random),
      resp_p: 53413,
    })),
  },
  {
    name: 'file sharing of the own network, half of it refusing',
    type: 'port scan',
    flows: flows(254, 0.5, true, (i) => ({
      ...(i % 2 ? refused : unanswered(3)),
      resp_h: `192.168.1.${1 + i}`,
      resp_p: 445,
    })),
  },
  {
    name: 'the ports of one host, one after the other',
    type: 'port scan',
    flows: flows(900, 0.2, true, (i) => ({
      ...(i % 9 ? refused : unanswered(2)),
      resp_h: '192.168.1.1',
      resp_p: 1 + i,
    })),
  },
  {
    name: 'C&C: IRC that does not answer, each minute',
    type: 'beaconing',
    flows: flows(400, 63, true, () => ({ ...unanswered(3), resp_h: '185.244.25.235', resp_p: 6667 })),
  },
  {
    name: 'C&C: IRC, each five minutes',
    type: 'beaconing',
    flows: flows(200, 300, false, (_, random) => ({
      ...talk(90 + random.int(60), 200 + random.int(300)),
      resp_h: '185.244.25.235',
      resp_p: 6667,
    })),
  },
  {
    name: 'C&C heartbeat, each ten seconds',
    type: 'beaconing',
    flows: flows(2000, 10, true, () => ({ ...talk(2, 2), resp_h: '104.248.160.24', resp_p: 48101 })),
  },
  {
    name: 'Torii: 16 contacts, now and then',
    type: 'beaconing',
    flows: flows(16, 400, false, () => ({ ...talk(520, 900), resp_h: '66.85.157.90', resp_p: 443 })),
  },
  {
    name: 'C&C: two servers in turn',
    type: 'beaconing',
    flows: flows(300, 40, true, (i) => ({
      ...(i % 2 ? talk(30, 60) : unanswered(2)),
      resp_h: i % 2 ? '46.101.251.172' : '46.101.251.173',
      resp_p: 9034,
    })),
  },
  {
    name: 'C&C: each three hours, eight times',
    type: 'beaconing',
    flows: flows(8, 10_800, true, () => ({ ...talk(120, 80), resp_h: '185.130.215.13', resp_p: 7685 })),
  },
  {
    name: 'DDoS: SYNs from all ports to one service, 150 a second',
    type: 'flood',
    flows: flows(6000, 0.007, false, () => ({ ...unanswered(1), resp_h: '123.59.209.185' })),
  },
  {
    name: 'DDoS: thousands of SYNs a flow, five flows a second',
    type: 'flood',
    flows: flows(120, 0.2, false, (i) => ({
      ...unanswered(i % 5 === 0 ? 3069 : 1),
      resp_h: '66.67.61.168',
      resp_p: 63798,
    })),
  },
  {
    name: 'DDoS: UDP with payload to random ports of one host',
    type: 'flood',
    flows: flows(5000, 0.01, false, (_, random) => ({
      ...unanswered(1 + random.int(4), 512),
      proto: UDP,
      resp_h: '203.0.113.9',
      resp_p: random.int(65_536),
    })),
  },
  {
    name: 'DDoS: SYNs to random ports of one host',
    type: 'flood',
    flows: flows(5000, 0.005, false, (_, random) => ({
      ...unanswered(1),
      resp_h: '203.0.113.9',
      resp_p: random.int(65_536),
    })),
  },
  {
    name: 'DDoS: requests that are answered, 50 a second',
    type: 'flood',
    flows: flows(4000, 0.02, false, (_, random) => ({
      ...talk(200 + random.int(50), 1200),
      resp_h: '203.0.113.80',
    })),
  },
  {
    name: 'DDoS: 20 flows of 100,000 packets',
    type: 'flood',
    flows: flows(20, 15, false, () => ({ ...unanswered(100_000, 1), proto: UDP, resp_h: '203.0.113.5' })),
  },
  {
    name: 'DDoS: three hosts in turn, 30 a second',
    type: 'flood',
    flows: flows(6000, 0.033, false, (i) => ({
      ...unanswered(2),
      resp_h: `203.0.113.${10 + Math.floor(i / 2000)}`,
    })),
  },
  {
    name: 'DDoS: echo requests, a flow of 2000 each second',
    type: 'flood',
    flows: flows(300, 1, true, () => ({
      ...unanswered(2000, 56),
      conn_state: 'OTH',
      proto: ICMP,
      orig_p: 8,
      resp_p: 0,
      resp_h: '203.0.113.77',
    })),
  },
]
