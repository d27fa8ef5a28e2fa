import { Random } from '../../src/kernels/random.ts'

const header = [
  '#separator \\x09',
  '#set_separator\t,',
  '#empty_field\t(empty)',
  '#unset_field\t-',
  '#path\tconn',
  '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\tlabel\tdetailed-label',
]

interface Row {
  ts: number
  orig: string
  resp: string
  port: number
  proto: string
  service: string
  duration: number
  out: number
  back: number
  state: string
  label: string
  detail: string
}

function line(row: Row, i: number): string {
  const pktsOut = Math.max(1, Math.ceil(row.out / 1000))
  const pktsIn = row.back === 0 ? 0 : Math.max(1, Math.ceil(row.back / 1000))
  const failed = row.state === 'S0'
  return [
    row.ts.toFixed(6),
    `C${i}`,
    row.orig,
    40_000 + (i % 20_000),
    row.resp,
    row.port,
    row.proto,
    row.service,
    failed ? '-' : row.duration.toFixed(6),
    failed ? '-' : row.out,
    failed ? '-' : row.back,
    row.state,
    0,
    failed ? 'S' : 'ShADadFf',
    pktsOut,
    row.out + 40 * pktsOut,
    pktsIn,
    row.back + 40 * pktsIn,
    row.label,
    row.detail,
  ].join('\t')
}

/**
 * A conn.log.labeled of two devices that ask names, the time and a cloud service, and of the first one
 * scanning ports of a neighbour in the last tenth of the time when `attack` is set.
 *
 * @param seed other seeds give other traffic of the same kind
 */
export function connLog({ flows, seed, attack }: { flows: number; seed: number; attack: boolean }): string {
  const random = new Random(seed)
  const rows: Row[] = []
  let ts = 1_700_000_000
  for (let i = 0; i < flows; i++) {
    ts += 5 * -Math.log(1 - random.float())
    const orig = `192.168.1.${2 + random.int(2)}`
    const kind = random.int(4)
    const wobble = Math.exp(0.3 * random.normal())
    const common = { ts, orig, label: 'Benign', detail: '-' }
    if (kind === 0) {
      rows.push({
        ...common,
        resp: '192.168.1.1',
        port: 53,
        proto: 'udp',
        service: 'dns',
        duration: 0.02 * wobble,
        out: 40 + random.int(20),
        back: 90 + random.int(60),
        state: 'SF',
      })
    } else if (kind === 1) {
      rows.push({
        ...common,
        resp: '81.2.248.189',
        port: 123,
        proto: 'udp',
        service: 'ntp',
        duration: 0.03 * wobble,
        out: 48,
        back: 48,
        state: 'SF',
      })
    } else {
      rows.push({
        ...common,
        resp: `52.1.2.${random.int(3)}`,
        port: 443,
        proto: 'tcp',
        service: 'ssl',
        duration: 2 * wobble,
        out: Math.round(800 * wobble),
        back: Math.round(5000 * wobble),
        state: 'SF',
      })
    }
  }
  if (attack) {
    const from = rows[Math.floor(flows * 0.9)]!.ts
    for (let port = 1; port <= 200; port++) {
      rows.push({
        ts: from + port * 0.05,
        orig: '192.168.1.2',
        resp: '192.168.1.77',
        port: port * 37,
        proto: 'tcp',
        service: '-',
        duration: 0,
        out: 0,
        back: 0,
        state: 'S0',
        label: 'Malicious',
        detail: 'PortScan',
      })
    }
  }
  rows.sort((a, b) => a.ts - b.ts)
  return `${[...header, ...rows.map(line)].join('\n')}\n`
}
