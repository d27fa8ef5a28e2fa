import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../src/kernels/random.ts'
import { rocAuc } from '../src/models/metrics.ts'
import { train } from '../src/pipeline.ts'
import { saveBundles } from '../src/store/model-bundle.ts'
import { cache, debian, python, verdict } from './harness.ts'

/**
 * `POST /api/v1/detect` over HTTP, against FastAPI + scikit-learn: forest and LOF learned from the same readings, the
 * same questions, asked by wrk over 16 connections, each server alone on the machine.
 */

const folder = join(cache, 'api-detect')
const TRAINING = 4000
const CONNECTIONS = 16
const SECONDS = 8
/** Different questions, asked in turn. */
const QUESTIONS = 200

interface Reading {
  id: string
  timestamp: string
  temperature: number
  humidity: number
  pressure: number
  vibration: number
  network: { packetLoss: number; latency: number; throughput: number; connectionCount: number }
}

/** Ten devices with a daily rhythm, one reading a minute each; one in `planted` is off in one metric. */
export function readingsOf(count: number, seed: number, start: number, planted = 0) {
  const random = new Random(seed)
  const anomalous = new Uint8Array(count)
  const readings = Array.from({ length: count }, (_, i): Reading => {
    const t = start + Math.floor(i / 10) * 60
    const day = Math.sin((2 * Math.PI * t) / 86_400)
    const about = (middle: number, spread: number) => Number((middle + spread * random.normal()).toFixed(2))
    const off = planted > 0 && random.float() < planted
    anomalous[i] = off ? 1 : 0
    return {
      id: `device${i % 10}`,
      timestamp: new Date(t * 1000).toISOString(),
      temperature: about(60 + 5 * day + (off && i % 2 ? 12 : 0), 1),
      humidity: about(45 + 8 * day, 1),
      pressure: about(1012, 1),
      vibration: about(5 + (off && i % 2 === 0 ? 3 : 0), 0.3),
      network: {
        packetLoss: Math.abs(about(0, 0.3)),
        latency: about(25, 3),
        throughput: about(950, 15),
        connectionCount: Math.round(about(12, 2)),
      },
    }
  })
  return { readings, anomalous }
}

const START = Date.UTC(2025, 0, 1) / 1000

interface Server {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

async function ready(name: string, url: string, probe: string, child: ChildProcess): Promise<Server> {
  for (let i = 0; i < 240; i++) {
    const answer = await fetch(url + probe).catch(() => undefined)
    if (answer) return { name, url, process: child }
    if (child.exitCode !== null) break
    await sleep(250)
  }
  child.kill('SIGKILL')
  throw new Error(`${name} did not start`)
}

async function stop({ process: child }: Server): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await gone
  clearTimeout(late)
}

/** Ours, as a user starts it, with models found in their folder. */
async function motewatch(models: string): Promise<Server> {
  const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
  const args = ['serve', '--port', '8812', '--database', join(folder, 'motewatch.db')]
  const env = { ...process.env, MOTEWATCH_MODELS: models, MOTEWATCH_SAMPLE: 'false', MOTEWATCH_LOG: 'error' }
  const child = spawn(process.execPath, [main, ...args], {
    env,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const server = await ready('Motewatch', 'http://127.0.0.1:8812', '/api/v1/models', child)
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`${server.url}/api/v1/models`)
    const { items } = (await answer.json()) as { items: { active: boolean }[] }
    if (items.some(({ active }) => active)) return server
    await sleep(100)
  }
  throw new Error('no model became active')
}

async function fastApi(interpreter: string, training: string): Promise<Server> {
  const script = join(import.meta.dirname, 'api-peer.py')
  const child = spawn(interpreter, [script, training, '8811'], { stdio: ['ignore', 'ignore', 'inherit'] })
  return ready('FastAPI + scikit-learn', 'http://127.0.0.1:8811', '/openapi.json', child)
}

interface Answer {
  results: { confidence: number; anomaly: boolean }[]
}

async function ask({ url }: Server, readings: readonly Reading[]): Promise<Answer> {
  const body = JSON.stringify({
    readings,
    threshold: 0.7,
    model: 'both',
    ...(url.endsWith('2') && { store: false }),
  })
  const answer = await fetch(`${url}/api/v1/detect`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Answer
}

/**
 * ROC AUC on readings of which some are planted, in one question: asked in parts, each part would begin with a gap in
 * time, as questions leave no trace.
 */
async function auc(server: Server): Promise<number> {
  const { readings, anomalous } = readingsOf(1000, 9, START + (TRAINING / 10) * 60, 0.03)
  const { results } = await ask(server, readings)
  return rocAuc(
    Float64Array.from(results, (r) => r.confidence),
    anomalous,
  )
}

interface Load {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p99: number
  /** Processor time of the server, microseconds a question. */
  readonly cpu: number
}

/** Microseconds of processor time that a process has had; Linux counts hundredths of a second. */
function cpuOf({ process: { pid } }: Server): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 1e4
}

/** wrk against `server`, questions of `n` readings. */
function load(server: Server, n: number, store: boolean): Load {
  const mine = server.name === 'Motewatch'
  const bodies = Array.from({ length: QUESTIONS }, (_, i) => {
    // All begin where training ended: devices that were silent for long would be explained, one by one.
    const { readings } = readingsOf(n + 9, 100 + i, START + (TRAINING / 10) * 60)
    const from = n === 1 ? i % 10 : 0
    return JSON.stringify({
      readings: readings.slice(from, from + n),
      threshold: 0.7,
      model: 'both',
      ...(mine && { store }),
    })
  })
  const script = join(folder, `load-${n}.lua`)
  const list = bodies.map((body) => `[==[${body}]==]`).join(',\n')
  writeFileSync(
    script,
    `local bodies = {${list}}
local i = 0
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
request = function()
  i = i % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[i])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("%d %f %f %d\\n", summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(99) / 1e3, e.status + e.timeout + e.connect + e.read + e.write))
end
`,
  )
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}`, '--timeout', '10', '-s', script]
  const before = cpuOf(server)
  const text = execFileSync('wrk', [...args, `${server.url}/api/v1/detect`], { encoding: 'utf8' })
  const used = cpuOf(server) - before
  const [requests, perSecond, p99, errors] = text.trim().split('\n').at(-1)!.split(' ').map(Number)
  if (errors !== 0) throw new Error(`${server.name}: ${errors} of the questions of ${n} failed`)
  return { perSecond: perSecond!, p99: p99!, cpu: used / requests! }
}

export async function run(): Promise<void> {
  const interpreter = await python(['scikit-learn==1.9.1', 'fastapi', 'uvicorn', 'uvloop', 'httptools'])
  if (!interpreter || !debian('wrk', 'wrk')) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const training = join(folder, 'training.ndjson')
  const { readings } = readingsOf(TRAINING, 1, START)
  writeFileSync(training, readings.map((r) => JSON.stringify(r)).join('\n'))
  const { bundles } = await train([training], { model: 'both' })
  const models = join(folder, 'models')
  await saveBundles(models, bundles)

  const measure = async (begin: () => Promise<Server>, store: boolean) => {
    const server = await begin()
    try {
      const found = await auc(server)
      // What is compiled as it runs is compiled by then.
      load(server, 1, store)
      const one = load(server, 1, store)
      load(server, 100, store)
      return { auc: found, one, hundred: load(server, 100, store) }
    } finally {
      await stop(server)
    }
  }
  const theirs = await measure(() => fastApi(interpreter, training), false)
  const ours = await measure(() => motewatch(models), false)
  console.log(
    `ROC AUC on planted readings: ${ours.auc.toFixed(3)}, FastAPI + scikit-learn ${theirs.auc.toFixed(3)}`,
  )
  if (ours.auc < theirs.auc - 0.02) throw new Error('the answers do not agree')
  const told = ({ perSecond, p99, cpu }: Load) =>
    `${perSecond.toFixed(0)} req/s (p99 ${p99.toFixed(1)} ms, CPU ${(cpu / 1000).toFixed(2)} ms each)`
  for (const [name, what, bar] of [
    ['api-detect-1', 'one', 20],
    ['api-detect-100', 'hundred', 15],
  ] as const) {
    const ratio = ours[what].perSecond / theirs[what].perSecond
    const quick = what === 'hundred' || ours[what].p99 < 20
    verdict({
      name,
      ours: told(ours[what]),
      peer: 'FastAPI + scikit-learn',
      theirs: told(theirs[what]),
      ratio,
      bar: `${bar}x${what === 'one' ? ', p99 < 20 ms' : ''}`,
      met: ratio >= bar && quick,
    })
  }
  const stored = await measure(() => motewatch(models), true)
  console.log(`and stored: ${told(stored.one)} of 1 reading, ${told(stored.hundred)} of 100`)
}
