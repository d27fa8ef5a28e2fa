/** How far our flows agree with the conn.log that Zeek wrote for the same capture. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verdict } from '../bench/harness.ts'
import { pcapAdapter } from '../src/adapters/pcap/adapter.ts'
import { ReadReport } from '../src/adapters/read-report.ts'
import { stringAt } from '../src/schema/dictionary.ts'
import { sharedData } from '../test/shared-data.ts'

/** What a flow has to agree in. */
const AGREEMENT = [
  'orig_h',
  'orig_p',
  'resp_h',
  'resp_p',
  'proto',
  'orig_pkts',
  'resp_pkts',
  'orig_bytes',
  'resp_bytes',
  'orig_ip_bytes',
  'resp_ip_bytes',
  'conn_state',
] as const
/** Told besides, and compared where a log has none but these. */
const FURTHER = ['history', 'missed_bytes'] as const

type Row = Readonly<Record<string, string>>

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' }

async function ourFlows(path: string): Promise<Row[]> {
  const rows: Row[] = []
  const source = {
    name: path,
    path,
    bytes: () => {
      throw new Error('read by path')
    },
  }
  for await (const batch of pcapAdapter.read(source, {}, new ReadReport(path))) {
    if (batch.kind !== 'flows') continue
    const number = (x: number) => (Number.isNaN(x) ? '-' : String(x))
    for (let i = 0; i < batch.length; i++) {
      rows.push({
        ts: String(batch.ts[i]),
        orig_h: stringAt(batch.orig_h, i),
        orig_p: String(batch.orig_p[i]),
        resp_h: stringAt(batch.resp_h, i),
        resp_p: String(batch.resp_p[i]),
        proto: PROTOCOLS[batch.proto[i]!] ?? 'unknown_transport',
        orig_pkts: number(batch.orig_pkts[i]!),
        resp_pkts: number(batch.resp_pkts[i]!),
        orig_bytes: number(batch.orig_bytes[i]!),
        resp_bytes: number(batch.resp_bytes[i]!),
        orig_ip_bytes: number(batch.orig_ip_bytes[i]!),
        resp_ip_bytes: number(batch.resp_ip_bytes[i]!),
        conn_state: stringAt(batch.conn_state, i),
        history: stringAt(batch.history, i) || '-',
        missed_bytes: number(batch.missed_bytes[i]!),
        service: stringAt(batch.service, i) || '-',
      })
    }
  }
  return rows
}

/** Rows of a conn.log, by our names; some logs have only a few columns or other names for them. */
function zeekFlows(path: string): { columns: readonly string[]; rows: Row[] } {
  let columns: string[] = []
  const rows: Row[] = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || (line.startsWith('#') && !line.startsWith('#fields'))) continue
    if (line.startsWith('#fields') || columns.length === 0) {
      columns = line
        .replace(/^#fields\t/, '')
        .split('\t')
        .map((name) => name.replace(/^id\W?_?(?=(orig|resp)_[hp])/, ''))
      const renamed: Readonly<Record<string, string>> = {
        src: 'orig_h',
        src_port: 'orig_p',
        dst: 'resp_h',
        dst_port: 'resp_p',
      }
      columns = columns.map((name) => renamed[name] ?? name)
      continue
    }
    const cells = line.split('\t')
    rows.push(Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? '-'])))
  }
  return { columns, rows }
}

interface Comparison {
  readonly total: number
  readonly agree: number
  /** Zeek's rows without an equal one of ours. */
  readonly missing: Row[]
  /** Our rows without an equal one of Zeek's. */
  readonly surplus: Row[]
  readonly columns: readonly string[]
}

function compare(
  zeek: { columns: readonly string[]; rows: Row[] },
  ours: Row[],
  wanted: readonly string[],
): Comparison {
  const columns = wanted.filter((name) => zeek.columns.includes(name))
  const key = (row: Row) => columns.map((name) => row[name]).join('\t')
  const left = new Map<string, Row[]>()
  for (const row of ours) {
    const same = left.get(key(row))
    if (same) same.push(row)
    else left.set(key(row), [row])
  }
  const missing = zeek.rows.filter((row) => left.get(key(row))?.pop() === undefined)
  return {
    total: zeek.rows.length,
    agree: zeek.rows.length - missing.length,
    missing,
    surplus: [...left.values()].flat(),
    columns,
  }
}

/** Why a flow differs, as far as it can be told from Zeek's command line and what both wrote. */
function reason(command: string, zeek: Row, ours: Row | undefined, flipped: Row | undefined): string {
  const history = zeek.history ?? ''
  if (/c/i.test(history) && !/c/i.test(ours?.history ?? '')) {
    return 'Zeek left out packets whose checksum is wrong from the first or that were merged by offloading'
  }
  if (command.includes(' -C ') && /c/i.test(ours?.history ?? flipped?.history ?? '')) {
    return 'Zeek was told to ignore checksums, we left out a damaged packet'
  }
  if (history.includes('X')) return "X, an analyzer's limit, is not written"
  if (flipped && command.includes(' -b ')) return 'Zeek ran without its list of server ports'
  if (flipped) return "an application analyzer of Zeek's turned the flow round"
  if (ours && ours.orig_pkts === zeek.orig_pkts && ours.resp_pkts === zeek.resp_pkts) {
    return 'Zeek counts 0 bytes for packets whose IP length offloading left 0'
  }
  return 'see docs/decisions/010-pcap.md'
}

function show(row: Row, columns: readonly string[]): string {
  return [...columns, ...FURTHER.filter((name) => !columns.includes(name))]
    .map((name) => row[name] ?? '?')
    .join(' ')
}

function list(title: string, c: Comparison, command: string, most = 12): void {
  if (c.missing.length === 0) return
  console.log(`${title}: ${c.missing.length} of ${c.total} differ`)
  for (const row of c.missing.slice(0, most)) {
    const same = (o: Row, ...names: string[]) => names.every((n) => row[n] === o[n])
    const near = row.orig_h
      ? c.surplus.find((o) => same(o, 'orig_h', 'orig_p', 'resp_h', 'resp_p'))
      : c.surplus.find((o) => o.history?.[0] === row.history?.[0])
    const flipped = c.surplus.find(
      (o) => row.orig_h === o.resp_h && row.orig_p === o.resp_p && row.resp_h === o.orig_h,
    )
    console.log(`  zeek ${show(row, c.columns)}  (${reason(command, row, near, flipped)})`)
    console.log(
      `  ours ${near ? show(near, c.columns) : flipped ? `${show(flipped, c.columns)} flipped` : 'none'}`,
    )
  }
  if (c.missing.length > most) console.log(`  … and ${c.missing.length - most} more`)
}

const endpoints = (row: Row) => `${row.orig_h} ${row.orig_p} ${row.resp_h} ${row.resp_p}`

async function iot23(
  name: string,
  capture: string,
  file: string,
  whole: boolean,
  bar?: number,
): Promise<void> {
  const capturePath = sharedData(`iot23/${name}/${capture}`)
  const logPath = sharedData(`iot23/${name}/${file}`)
  if (!capturePath || !logPath) {
    console.log(`zeek-iot23-${name}: not run, iot23/${name} is not in the shared data`)
    return
  }
  const ours = await ourFlows(capturePath)
  const log = zeekFlows(logPath)
  // A capture may hold only some of the log's traffic: compare what lies in its time.
  const from = Math.min(...ours.map((row) => Number(row.ts)))
  const to = Math.max(...ours.map((row) => Number(row.ts)))
  const known = new Set(ours.map(endpoints))
  const zeek = {
    columns: log.columns,
    rows: whole
      ? log.rows
      : log.rows.filter(
          (row) => Number(row.ts) >= from - 1 && Number(row.ts) <= to + 1 && known.has(endpoints(row)),
        ),
  }
  const c = compare(zeek, ours, AGREEMENT)
  const all = compare(zeek, ours, [...AGREEMENT, ...FURTHER])
  list(`iot23/${name}`, c, '')
  const share = c.agree / c.total
  console.log(
    `iot23/${name}: ${c.agree} of ${c.total} flows agree (${ours.length} ours), ${all.agree} in history and missed bytes too`,
  )
  if (bar === undefined) return
  verdict({
    name: `zeek-iot23-${name}`,
    ours: `${(100 * share).toFixed(1)} %`,
    peer: 'Zeek conn.log',
    theirs: `${c.total} flows`,
    ratio: share,
    bar: `${100 * bar} %`,
    met: share >= bar,
  })
}

export async function run(): Promise<void> {
  await iot23('4-1', 'capture.pcap', 'conn.log.labeled', true, 0.98)
  await iot23('42-1', 'capture.pcap', 'conn.log.labeled', true)
  await iot23('34-1', 'irc.pcap', 'conn.log.labeled.tabs', false)
  const root = sharedData('pcap/zeek')
  if (!root) {
    console.log('zeek: not run, pcap/zeek is not in the shared data')
    return
  }
  let total = 0
  let agree = 0
  let further = 0
  let captures = 0
  for (const name of readdirSync(root).sort()) {
    const folder = join(root, name)
    const capture = ['capture.pcap', 'capture.pcapng'].map((f) => join(folder, f)).find(existsSync)
    if (!capture || !existsSync(join(folder, 'conn.log'))) continue
    const command = readFileSync(join(folder, 'command.txt'), 'utf8')
    const zeek = zeekFlows(join(folder, 'conn.log'))
    const ours = await ourFlows(capture)
    const some = AGREEMENT.filter((column) => zeek.columns.includes(column))
    const wanted =
      some.includes('conn_state') || !zeek.columns.includes('history')
        ? AGREEMENT
        : [...AGREEMENT, ...FURTHER]
    const c = compare(zeek, ours, wanted)
    captures++
    total += c.total
    agree += c.agree
    further += compare(zeek, ours, [...AGREEMENT, ...FURTHER]).agree
    list(name, c, command)
  }
  console.log(
    `zeek: ${captures} captures, ${further} of ${total} flows agree in history and missed bytes too`,
  )
  const share = agree / total
  verdict({
    name: 'zeek',
    ours: `${agree} of ${total} flows, ${(100 * share).toFixed(1)} %`,
    peer: 'Zeek conn.log',
    theirs: `${total} flows`,
    ratio: share,
    bar: '85 %',
    met: share >= 0.85,
  })
}

if (import.meta.main) await run()
