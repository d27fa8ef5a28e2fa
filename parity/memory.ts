/**
 * How much memory the service takes: a day of readings, compressed in time, and an upload of 1 GB, each in a running
 * service as `npm start` runs it, after its first start.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { verdict } from '../bench/harness.ts'
import { Random } from '../src/kernels/random.ts'

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
    const first = await start(main, folder)
    await first.ready()
    console.log(`first start, with training: at most ${mb(await first.stop())} MB`)
    for (const [name, load] of [
      [`${HOURS} h of a day of ${DEVICES} readings/s`, day],
      ['upload of 1 GB, looked at for anomalies', upload],
    ] as const) {
      const service = await start(main, folder)
      await service.ready()
      const atRest = service.resident()
      const seconds = await load(service)
      const most = await service.stop()
      console.log(`${name}: ${seconds.toFixed(0)} s, ${mb(atRest)} MB at rest`)
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

interface Measured {
  readonly url: string
  /** Bytes now. */
  resident(): number
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
  const of = (field: string) => {
    const text = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)![1]) * 1024
  }
  return {
    url,
    resident: () => of('VmRSS'),
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
      const most = of('VmHWM')
      child.kill('SIGTERM')
      await ended
      return most
    },
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

/** Teaches the service such devices as the day's, or it would not judge those before it has learned them by itself. */
async function learn(url: string): Promise<void> {
  const random = new Random(3)
  const lines = ['id,timestamp,temperature,humidity']
  for (let at = 0; at < 86_400; at += 300) {
    for (let device = 0; device < 20; device++) {
      const celsius = 18 + 0.4 * device + 3 * Math.sin(at / 13_751 + device) + random.float()
      lines.push(`known-${device},${FROM - 86_400 + at},${celsius},${40 + 5 * random.float()}`)
    }
  }
  const form = new FormData()
  form.append('file', new File([lines.join('\n')], 'known.csv'))
  const answer = await fetch(`${url}/api/v1/train/file`, { method: 'POST', body: form })
  const { id } = (await answer.json()) as { id: number }
  for (;;) {
    const job = (await (await fetch(`${url}/api/v1/jobs/${id}`)).json()) as { state: string; error: unknown }
    if (job.state === 'done') return
    if (job.state === 'failed') throw new Error(JSON.stringify(job.error))
    await sleep(500)
  }
}

/** Sends readings as fast as they are scored; seconds. */
async function day({ url, resident }: Measured): Promise<number> {
  await learn(url)
  const began = performance.now()
  const random = new Random(1)
  const level = Array.from({ length: DEVICES }, () => 18 + 8 * random.float())
  for (let t = 0; t < HOURS * 3600; t += BATCH / DEVICES) {
    const lines: string[] = []
    for (let i = 0; i < BATCH; i++) {
      const device = i % DEVICES
      const at = t + Math.floor(i / DEVICES)
      const temperature = level[device]! + 3 * Math.sin(at / 13_751 + device) + random.float()
      const body = {
        id: `sensor-${device}`,
        timestamp: FROM + at,
        temperature,
        humidity: 40 + 5 * random.float(),
      }
      lines.push(JSON.stringify(body))
    }
    const answer = await fetch(`${url}/api/v1/data`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    await answer.json()
    if (t > 0 && t % 3600 === 0) console.log(`  after ${t / 3600} h: ${mb(resident())} MB`)
    await settled(url, LAG)
  }
  return (performance.now() - began) / 1000
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
    const job = (await (await fetch(`${url}/api/v1/jobs/${id}`)).json()) as {
      state: string
      result: { scored: number; anomalies: number } | null
      error: unknown
    }
    if (job.state === 'failed') throw new Error(JSON.stringify(job.error))
    if (job.state === 'done') {
      console.log(`  ${job.result!.scored} flows, ${job.result!.anomalies} anomalies`)
      return (performance.now() - began) / 1000
    }
    await sleep(500)
  }
}

const FIELDS =
  'ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes'

async function* form(boundary: string): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  yield encoder.encode(
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="conn.log"\r\n\r\n#separator \\x09\n#path\tconn\n#fields\t${FIELDS.replaceAll(' ', '\t')}\n`,
  )
  const random = new Random(2)
  for (let i = 0, bytes = 0; bytes < UPLOAD; ) {
    let text = ''
    for (const end = i + 5000; i < end; i++) {
      const ts = (1_767_571_200 + i * 0.01).toFixed(6)
      const out = Math.floor(200 + 400 * random.float())
      const back = Math.floor(900 + 4000 * random.float())
      const seconds = (0.05 + random.float()).toFixed(6)
      text += `${ts}\tC${i}\t192.168.1.${2 + (i % 40)}\t${40000 + (i % 20000)}\t93.184.216.${i % 17}\t443\ttcp\tssl\t${seconds}\t${out}\t${back}\tSF\t8\t${out + 416}\t7\t${back + 364}\n`
    }
    const chunk = encoder.encode(text)
    bytes += chunk.length
    yield chunk
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
