/**
 * How much memory the service takes as `npm start` runs it: the first start, a day of readings compressed in time, with
 * the learning before it, and an upload of 1 GB with its detection. HOURS=24 is the whole day.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { verdict } from '../bench/harness.ts'
import { Random } from '../src/kernels/random.ts'
import { writeSimulation } from '../src/simulate/write-simulation.ts'

const root = join(import.meta.dirname, '..')
/** Largest resident set allowed, bytes. */
const BAR = 400e6
/** Devices, each with one reading a second. */
const DEVICES = 500
/** Hours of the day that are simulated; memory that grows with them shows in the last hour's growth. */
const HOURS = Number(process.env.HOURS ?? 2)
/** Readings a request. */
const BATCH = 5000
/** Records that may wait for a saved state of detection before more are sent: 200 s of a real day. */
const LAG = 100_000
/** When the day begins, seconds since the epoch. */
const FROM = Date.UTC(2026, 0, 5) / 1000
/** Bytes of the upload. */
const UPLOAD = 1e9

export async function run(): Promise<void> {
  const main = join(root, 'dist', 'cli', 'main.js')
  if (!existsSync(main) || !existsSync('/proc/self/status')) {
    console.log('memory: skipped; it needs Linux and `npm run build`')
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-memory-'))
  try {
    for (const [name, load] of [
      [
        'first start, with training',
        ({ since }: Measured) => Promise.resolve((performance.now() - since) / 1000),
      ],
      [`${HOURS} h of a day of ${DEVICES} readings/s`, day],
      ['upload of 1 GB, looked at for anomalies', upload],
    ] as const) {
      const service = await start(main, folder)
      await service.ready()
      const atRest = service.resident()
      const seconds = await load(service)
      const most = await service.stop()
      console.log(`${name}: ${seconds.toFixed(0)} s, ${mb(atRest)} MB when it began`)
      verdict({
        name: `memory, ${name}`,
        ours: `${mb(most)} MB`,
        peer: 'bar',
        theirs: `${mb(BAR)} MB`,
        ratio: BAR / most,
        bar: 'at most 400 MB resident',
        met: most <= BAR,
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Job {
  readonly kind: string
  readonly state: string
  readonly result: { readonly scored: number; readonly anomalies: number } | null
  readonly error: unknown
}

interface Measured {
  readonly url: string
  /** When it was started, as `performance.now()`. */
  readonly since: number
  /** Bytes now, of the process and all that it started. */
  resident(): number
  /** Most bytes at any time so far. */
  most(): number
  ready(): Promise<void>
  /** @returns most bytes resident at any time */
  stop(): Promise<number>
}

async function start(main: string, folder: string): Promise<Measured> {
  const port = await freePort()
  const child = spawn(process.execPath, [main, 'serve', '--port', String(port)], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, MOTEWATCH_LOG: 'warn' },
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const url = `http://127.0.0.1:${port}`
  const pid = child.pid!
  let most = 0
  const resident = () => {
    const now = family(pid).reduce((sum, member) => sum + memoryOf(member, 'VmRSS'), 0)
    most = Math.max(most, now, memoryOf(pid, 'VmHWM'))
    return now
  }
  const looking = setInterval(resident, 200)
  return {
    url,
    since: performance.now(),
    resident,
    most: () => most,
    async ready() {
      while (
        !(await fetch(`${url}/readyz`).then(
          (r) => r.ok,
          () => false,
        ))
      )
        await sleep(200)
      await settled(url)
    },
    async stop() {
      resident()
      clearInterval(looking)
      child.kill('SIGTERM')
      await ended
      return most
    },
  }
}

/** The process and all that descend from it. */
function family(pid: number): number[] {
  const tasks = existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : []
  const children = tasks.flatMap((task) => {
    const file = `/proc/${pid}/task/${task}/children`
    return existsSync(file) ? readFileSync(file, 'latin1').split(' ').filter(Boolean) : []
  })
  return [pid, ...children.flatMap((child) => family(Number(child)))]
}

/** Bytes; 0 for a process that is no more. */
function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)![1]) * 1024
  } catch {
    return 0
  }
}

/** Waits until everything accepted has been looked at, or at most `left` records are left. */
async function settled(url: string, left = 0): Promise<void> {
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    const backlog = Number(/^motewatch_detection_backlog_records (\S+)/m.exec(text)![1])
    if (backlog <= left) return
    await sleep(100)
  }
}

/**
 * Sends a day of the same devices at one reading in ten minutes, from which the service learns by itself; the day that
 * follows is judged by what it learned.
 */
async function learn(service: Measured): Promise<void> {
  await send(service.url, 600, FROM - 86_400, 24)
  for (;;) {
    const { items } = (await (await fetch(`${service.url}/api/v1/jobs`)).json()) as { items: Job[] }
    const job = items.find(({ kind }) => kind === 'learn')
    if (job?.state === 'done') break
    if (job?.state === 'failed') throw new Error(JSON.stringify(job.error))
    await sleep(500)
  }
  await settled(service.url)
  console.log(`  learned from the day before: ${mb(service.resident())} MB`)
}

/** A day as fast as it is scored; seconds. */
async function day(service: Measured): Promise<number> {
  const began = performance.now()
  await learn(service)
  await send(service.url, 1, FROM, HOURS, (hour) => {
    console.log(`  after ${hour} h: ${mb(service.resident())} MB, ${mb(service.most())} MB at most`)
  })
  await settled(service.url)
  const day = '?from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z'
  const statistics = await (await fetch(`${service.url}/api/v1/statistics${day}`)).json()
  const { total } = (statistics as { anomalies: { total: number } }).anomalies
  console.log(`  ${total} anomalies`)
  if (total === 0) throw new Error('a sensor at 60 °C is an anomaly for whoever judges; nobody did')
  return (performance.now() - began) / 1000
}

/** Sends readings of all devices, each with one in `every` seconds, as fast as they are scored. */
async function send(
  url: string,
  every: number,
  from: number,
  hours: number,
  onHour: (hour: number) => void = () => {},
): Promise<void> {
  const random = new Random(every)
  const step = (BATCH / DEVICES) * every
  for (let t = 0; t < hours * 3600; t += step) {
    const lines: string[] = []
    for (let i = 0; i < BATCH; i++) {
      const device = i % DEVICES
      const at = t + Math.floor(i / DEVICES) * every
      const usual = 18 + 0.016 * device + 3 * Math.sin((from + at) / 13_751 + device) + random.float()
      // One stands in a fire in the last minutes of the day.
      const temperature = every === 1 && device === 7 && at > hours * 3600 - 600 ? 60 : usual
      const humidity = 40 + 5 * random.float()
      lines.push(JSON.stringify({ id: `sensor-${device}`, timestamp: from + at, temperature, humidity }))
    }
    const answer = await fetch(`${url}/api/v1/data`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    await answer.json()
    if (t > 0 && t % 3600 === 0) onHour(t / 3600)
    await settled(url, LAG)
  }
}

/** Sends a Zeek log as it is made and waits for its job; seconds. */
async function upload({ url }: Measured): Promise<number> {
  const began = performance.now()
  const boundary = 'motewatch-memory'
  const answer = await fetch(`${url}/api/v1/detect/file`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Readable.from(form(boundary)) as unknown as ReadableStream,
    duplex: 'half',
  } as RequestInit)
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  const { id } = (await answer.json()) as { id: number }
  console.log(`  uploaded after ${((performance.now() - began) / 1000).toFixed(0)} s`)
  for (;;) {
    const job = (await (await fetch(`${url}/api/v1/jobs/${id}`)).json()) as Job
    if (job.state === 'failed') throw new Error(JSON.stringify(job.error))
    if (job.state === 'done') {
      console.log(`  ${job.result!.scored} flows, ${job.result!.anomalies} anomalies`)
      return (performance.now() - began) / 1000
    }
    await sleep(500)
  }
}

/** A log of the sample's home in which nothing happens, eight days over and over. */
async function* form(boundary: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  yield encoder.encode(
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="conn.log"\r\n\r\n`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-quiet-'))
  const options = { devices: 14, hours: 192, seed: 7, files: ['conn.log.labeled' as const] }
  await writeSimulation(folder, options)
  const lines = readFileSync(join(folder, 'conn.log.labeled'), 'latin1').trimEnd().split('\n')
  rmSync(folder, { recursive: true })
  yield encoder.encode(`${lines.filter((line) => line.startsWith('#')).join('\n')}\n`)
  const records = lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => [Number.parseInt(line, 10), line.slice(line.indexOf('.'))] as const)
  for (let round = 0, bytes = 0; bytes < UPLOAD; round++) {
    for (let i = 0; i < records.length && bytes < UPLOAD; i += 5000) {
      const some = records.slice(i, i + 5000).map(([s, rest]) => s + round * 192 * 3600 + rest)
      const chunk = encoder.encode(`${some.join('\n')}\n`)
      bytes += chunk.length
      yield chunk
    }
  }
  yield encoder.encode(`\r\n--${boundary}--\r\n`)
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
