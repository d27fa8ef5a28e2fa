/** Capture to flows: our rate on one core and on all, memory, and the peers scapy, nfstream and tshark. */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { captureSlice, largeCapture } from './data.ts'
import { cache, debian, once, python, verdict } from './harness.ts'

/** Packets the peers get: enough for a rate, few enough to wait for. */
const SCAPY_PACKETS = 40_000
const PEER_PACKETS = 600_000

interface Result {
  readonly packets: number
  readonly flows: number
  /** Distinct conversations: flows of the same addresses, ports and protocol counted once. */
  readonly conversations: number
  /** Bytes at the IP layer. */
  readonly bytes: number
  readonly seconds: number
  readonly peakMB: number
}

/** Run in a process of its own: reads `path` and prints a {@link Result}. */
const OURS = `
const [build, path, workers, count] = process.argv.slice(1)
const { pcapAdapter } = await import(build + '/adapters/pcap/adapter.js')
const { ReadReport } = await import(build + '/adapters/read-report.js')
const report = new ReadReport(path)
const source = { name: path, path, bytes() { throw new Error('read by path') } }
let flows = 0, packets = 0, bytes = 0
const seen = new Set()
const started = performance.now()
for await (const b of pcapAdapter.read(source, { workers: Number(workers) }, report)) {
  flows += b.length
  for (let i = 0; i < b.length; i++) {
    packets += b.orig_pkts[i] + b.resp_pkts[i]
    bytes += b.orig_ip_bytes[i] + b.resp_ip_bytes[i]
    if (count) {
      const a = b.orig_h.values[b.orig_h.codes[i]] + ' ' + b.orig_p[i]
      const z = b.resp_h.values[b.resp_h.codes[i]] + ' ' + b.resp_p[i]
      if (b.proto[i] === 6 || b.proto[i] === 17) seen.add(b.proto[i] + (a < z ? a + z : z + a))
    }
  }
}
const seconds = (performance.now() - started) / 1000
console.log(JSON.stringify({ packets, flows, conversations: seen.size, bytes, seconds,
  peakMB: process.resourceUsage().maxRSS * 1024 / 1e6 }))
`

const SCAPY = `
import sys, time, json
from scapy.all import PcapReader, IP, TCP, UDP
started = time.perf_counter(); packets = size = 0; flows = {}
for p in PcapReader(sys.argv[1]):
    if IP not in p: continue
    ip = p[IP]; packets += 1; size += ip.len
    t = p[TCP] if TCP in p else p[UDP] if UDP in p else None
    a = (ip.src, t.sport if t else 0); b = (ip.dst, t.dport if t else 0)
    key = (min(a, b), max(a, b), ip.proto)
    f = flows.setdefault(key, [0, 0]); f[0] += 1; f[1] += ip.len
print(json.dumps(dict(packets=packets, flows=len(flows), bytes=size, seconds=time.perf_counter() - started)))
`

const NFSTREAM = `
import sys, time, json
from nfstream import NFStreamer
if __name__ == '__main__':
    started = time.perf_counter(); packets = flows = size = 0
    for f in NFStreamer(source=sys.argv[1], n_dissections=0, accounting_mode=1):
        flows += 1; packets += f.bidirectional_packets; size += f.bidirectional_bytes
    print(json.dumps(dict(packets=packets, flows=flows, bytes=size, seconds=time.perf_counter() - started)))
`

async function ours(build: string, path: string, workers: number, count = false): Promise<Result> {
  const args = ['--input-type=module', '-e', OURS, build, path, String(workers), ...(count ? ['count'] : [])]
  const run = await once(process.execPath, args, workers === 1 ? { cores: 1 } : {})
  return JSON.parse(run.stdout) as Result
}

/** The best of four runs: what disturbs a run only makes it slower. */
async function best(f: () => Promise<Result>): Promise<Result> {
  const runs = [await f(), await f(), await f(), await f()]
  return runs.reduce((x, y) => (x.seconds < y.seconds ? x : y))
}

function agree(what: string, ours: number, theirs: number): void {
  if (ours !== theirs) throw new Error(`pcap: ${what} differ, ours ${ours}, peer ${theirs}`)
  console.log(`  ${what} agree: ${ours}`)
}

const rate = (packets: number, seconds: number) => packets / seconds / 1e6
const mega = (r: number) => `${r.toFixed(r < 0.1 ? 4 : 2)} M packets/s`

export async function run(): Promise<void> {
  // Compiled as it is shipped; reading TypeScript would cost every worker its start.
  const build = join(cache, 'build')
  rmSync(build, { recursive: true, force: true })
  const tsc = join(import.meta.dirname, '..', 'node_modules', '.bin', 'tsc')
  try {
    execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', build], { stdio: 'pipe' })
  } catch (error) {
    if (!existsSync(join(build, 'adapters', 'pcap', 'adapter.js'))) throw error
  }
  const path = largeCapture()
  const slice = captureSlice(PEER_PACKETS)
  const small = captureSlice(SCAPY_PACKETS)

  const one = await best(() => ours(build, path, 1))
  const all = await best(() => ours(build, path, 2))
  console.log(`  ${one.packets} packets, ${one.flows} flows, ${one.bytes} bytes`)
  agree('flows of one and of two workers', one.flows, all.flows)
  agree('bytes of one and of two workers', one.bytes, all.bytes)
  const oneRate = rate(one.packets, one.seconds)
  const allRate = rate(all.packets, all.seconds)
  let met = true
  const bar = (v: Parameters<typeof verdict>[0]) => {
    met &&= v.met
    verdict(v)
  }

  const ourSlice = await ours(build, slice, 1, true)
  const scapy = await python(['scapy'])
  if (scapy) {
    const mine = await ours(build, small, 1)
    const run = await once(scapy, ['-c', SCAPY, small])
    const theirs = JSON.parse(run.stdout) as Result
    agree('packets with scapy', mine.packets, theirs.packets)
    agree('bytes with scapy', mine.bytes, theirs.bytes)
    const theirRate = rate(theirs.packets, theirs.seconds)
    bar({
      name: 'pcap-scapy', ours: mega(oneRate), peer: 'scapy', theirs: mega(theirRate),
      ratio: oneRate / theirRate, bar: '200x', met: oneRate >= 200 * theirRate,
    }) // biome-ignore format: one line each
  }
  const nfstream = await python(['nfstream'])
  if (nfstream) {
    const run = await once(nfstream, ['-c', NFSTREAM, slice])
    const theirs = JSON.parse(run.stdout) as Result
    agree('packets with nfstream', ourSlice.packets, theirs.packets)
    agree('bytes with nfstream', ourSlice.bytes, theirs.bytes)
    const theirRate = rate(theirs.packets, theirs.seconds)
    bar({
      name: 'pcap-nfstream', ours: mega(oneRate), peer: 'nfstream, all cores', theirs: mega(theirRate),
      ratio: oneRate / theirRate, bar: '3x', met: oneRate >= 3 * theirRate,
    }) // biome-ignore format: one line each
  }
  if (debian('tshark', 'tshark')) {
    const run = await once('tshark', ['-n', '-q', '-r', slice, '-z', 'conv,tcp', '-z', 'conv,udp'])
    const conversations = run.stdout.split('\n').filter((line) => line.includes('<->')).length
    agree('conversations with tshark', ourSlice.conversations, conversations)
    const theirRate = rate(PEER_PACKETS, run.seconds)
    bar({
      name: 'pcap-tshark', ours: mega(oneRate), peer: 'tshark -z conv', theirs: mega(theirRate),
      ratio: oneRate / theirRate, bar: '10x', met: oneRate >= 10 * theirRate,
    }) // biome-ignore format: one line each
  }
  const peak = Math.max(one.peakMB, all.peakMB)
  bar({
    name: 'pcap-memory', ours: `${peak.toFixed(0)} MB`, peer: 'bar', theirs: '400 MB',
    ratio: 400 / peak, bar: '400 MB', met: peak <= 400,
  }) // biome-ignore format: one line each
  bar({
    name: 'pcap-all-cores', ours: mega(allRate), peer: 'bar', theirs: '3 M packets/s',
    ratio: allRate / 3, bar: '3 M packets/s', met: allRate >= 3,
  }) // biome-ignore format: one line each
  bar({
    name: 'pcap-one-core', ours: mega(oneRate), peer: 'bar', theirs: '2 M packets/s',
    ratio: oneRate / 2, bar: '2 M packets/s', met: oneRate >= 2,
  }) // biome-ignore format: one line each
  verdict({
    name: 'pcap', ours: `${mega(oneRate)} one core, ${mega(allRate)} all cores, ${peak.toFixed(0)} MB`,
    peer: 'bars', theirs: '2 and 3 M packets/s, 400 MB, 200x scapy, 3x nfstream, 10x tshark',
    ratio: Math.min(oneRate / 2, allRate / 3), bar: '1', met,
  }) // biome-ignore format: one line each
}

if (import.meta.main) await run()
