import { once as event } from 'node:events'
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sharedData } from '../test/shared-data.ts'
import { cache, once, python, verdict } from './harness.ts'

/**
 * Zeek log to flow columns, one million rows, against pandas `read_csv`: each in a process of its own, the best of
 * three reads after a first one, twice; outputs checked equal first.
 */

const ROWS = 1_000_000
const BAR = 2
const MAX_MB = 300
const RUNS = 2

const HEADER = `#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tconn
#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tlabel\tdetailed-label
#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset[string]\tstring\tstring
`
const COUNTS = [
  'orig_pkts',
  'resp_pkts',
  'orig_bytes',
  'resp_bytes',
  'orig_ip_bytes',
  'resp_ip_bytes',
] as const

/** The peer: `check` prints row count and sums, `time` the seconds of a read after a first one, best of three. */
const PANDAS = `
import sys, time, pandas as pd
mode, path, counts = sys.argv[1], sys.argv[2], sys.argv[3:]
names = next(l for l in open(path) if l.startswith('#fields')).rstrip('\\n').split('\\t')[1:]
def read():
    return pd.read_csv(path, sep='\\t', comment='#', header=None, names=names, na_values=['-'])
if mode == 'check':
    df = read()
    print(len(df), repr(float(df['ts'].sum())), repr(float(df['duration'].sum())), int(df['id.orig_p'].sum() + df['id.resp_p'].sum()),
          *[int(df[c].sum()) for c in counts], df['id.resp_h'].nunique(), df['uid'].nunique())
else:
    best = float('inf')
    for run in range(4):
        started = time.perf_counter()
        df = read()
        if run > 0:
            best = min(best, time.perf_counter() - started)
    print(len(df), best)
`

/** Reads the log and prints what the peer prints; run in a process of its own. */
async function check(path: string): Promise<void> {
  const { readBatches } = await import('../src/adapters/read.ts')
  const hosts = new Set<string>()
  const uids = new Set<string>()
  const sums = new Map<string, number>(COUNTS.map((c) => [c, 0]))
  let rows = 0
  let ts = 0
  let duration = 0
  let ports = 0
  for await (const { batch } of readBatches([path], {}, [])) {
    if (batch.kind !== 'flows') throw new Error('expected flows')
    rows += batch.length
    for (const host of batch.resp_h.values) hosts.add(host)
    for (const uid of batch.uid.values) uids.add(uid)
    for (let i = 0; i < batch.length; i++) {
      ts += batch.ts[i]!
      duration += batch.duration[i]! || 0
      ports += batch.orig_p[i]! + batch.resp_p[i]!
    }
    for (const column of COUNTS) {
      let sum = 0
      for (const value of batch[column]) sum += value || 0
      sums.set(column, sums.get(column)! + sum)
    }
  }
  console.log(rows, ts, duration, ports, ...sums.values(), hosts.size, uids.size)
}

/** Reads the log once to warm up and three times more; prints rows and seconds of the fastest. */
async function time(path: string): Promise<void> {
  const { readBatches } = await import('../src/adapters/read.ts')
  let rows = 0
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 4; run++) {
    const started = performance.now()
    rows = 0
    for await (const { batch } of readBatches([path], {}, [])) rows += batch.length
    if (run > 0) best = Math.min(best, (performance.now() - started) / 1000)
  }
  console.log(rows, best)
}

/** Repeats a log (a real one where it is at hand) with new times, ids and addresses until it has {@link ROWS} rows. */
async function makeLog(): Promise<string> {
  const path = join(cache, 'zeek-1m-labeled.conn.log')
  if (existsSync(path) && statSync(path).size > 0) return path
  mkdirSync(cache, { recursive: true })
  const real = sharedData('iot23/34-1/conn.log.labeled.tabs')
  const lines = real
    ? (await readFile(real, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    : syntheticLines(20_000)
  const out = createWriteStream(`${path}.part`)
  out.write(HEADER)
  let chunk = ''
  for (let i = 0; i < ROWS; i++) {
    const cells = lines[i % lines.length]!.split('\t')
    const round = Math.floor(i / lines.length)
    cells[0] = (Number(cells[0]) + round * 86_400).toFixed(6)
    cells[1] = `C${i.toString(36).padStart(6, '0')}${cells[1]!.slice(1, 12)}`
    cells[2] = `10.0.${round % 256}.195`
    chunk += `${cells.join('\t')}\n`
    if (chunk.length > 1 << 20) {
      if (!out.write(chunk)) await event(out, 'drain')
      chunk = ''
    }
  }
  out.end(chunk)
  await event(out, 'finish')
  renameSync(`${path}.part`, path)
  return path
}

function syntheticLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const closed = i % 3 !== 0
    return [
      (1_545_403_816 + i * 3.7).toFixed(6),
      `C${(i * 2_654_435_761).toString(36)}abcdef`,
      '192.168.1.195',
      1024 + ((i * 7919) % 60_000),
      `185.244.${i % 256}.${(i * 31) % 256}`,
      [80, 443, 123, 6667][i % 4],
      i % 4 === 2 ? 'udp' : 'tcp',
      closed ? 'http' : '-',
      closed ? ((i % 1000) / 173).toFixed(6) : '-',
      closed ? i % 5000 : '-',
      closed ? (i * 13) % 150_000 : '-',
      closed ? 'SF' : 'S0',
      '-\t-\t0',
      closed ? 'ShADadfF' : 'S',
      (i % 90) + 1,
      (i % 90) * 60 + 60,
      closed ? i % 80 : 0,
      closed ? (i % 80) * 1400 : 0,
      '-\tBenign\t-',
    ].join('\t')
  })
}

/** Sums of floats depend on the order of adding, everything else is exact. */
function agree(ours: string, theirs: string): boolean {
  const a = ours.trim().split(' ').map(Number)
  const b = theirs.trim().split(' ').map(Number)
  return (
    a.length === b.length &&
    a.every((v, i) => Math.abs(v - b[i]!) <= Math.abs(b[i]!) * (i === 1 || i === 2 ? 1e-9 : 0))
  )
}

export async function run(): Promise<void> {
  const path = await makeLog()
  const self = join(import.meta.dirname, 'zeek.ts')
  const interpreter = await python(['pandas'])
  if (!interpreter) {
    console.log('zeek: no peer, not measured')
    return
  }
  const ours = await once(process.execPath, [self, 'check', path])
  const theirs = await once(interpreter, ['-c', PANDAS, 'check', path, ...COUNTS])
  if (!agree(ours.stdout, theirs.stdout))
    throw new Error(`the outputs differ:\n  ours   ${ours.stdout.trim()}\n  pandas ${theirs.stdout.trim()}`)
  const best = { seconds: Number.POSITIVE_INFINITY, peakMB: 0 }
  let peer = Number.POSITIVE_INFINITY
  for (let i = 0; i < RUNS; i++) {
    const mine = await once(process.execPath, [self, 'time', path])
    best.seconds = Math.min(best.seconds, Number(mine.stdout.split(' ')[1]))
    best.peakMB = Math.max(best.peakMB, mine.peakMB)
    const other = await once(interpreter, ['-c', PANDAS, 'time', path])
    peer = Math.min(peer, Number(other.stdout.split(' ')[1]))
  }
  const ratio = peer / best.seconds
  verdict({
    name: 'zeek',
    ours: `${best.seconds.toFixed(2)} s ${best.peakMB.toFixed(0)} MB`,
    peer: 'pandas read_csv',
    theirs: `${peer.toFixed(2)} s`,
    ratio,
    bar: `${BAR}x and ${MAX_MB} MB`,
    met: ratio >= BAR && best.peakMB <= MAX_MB,
  })
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await (process.argv[2] === 'check' ? check : time)(process.argv[3]!)
