import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort, startProcess } from '../parity/running-service.ts'
import { verdict } from './harness.ts'

const READINGS = 600_000
const BODY = 1000
const CLIENTS = 4
const T0 = 1_700_000_000

/**
 * Readings into the running service on SQLite: NDJSON bodies of 1,000 over HTTP, answered when on disk, while another
 * client reads. Many devices are the hard case: each body has a reading of each.
 */
export async function run(): Promise<void> {
  for (const devices of [100, 1000]) await ingest(devices)
}

async function ingest(devices: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-ingest-'))
  try {
    const service = await startProcess(
      folder,
      join(folder, 'motewatch.db'),
      await freePort(),
      join(folder, 'log'),
    )
    const agent = new Agent({ keepAlive: true })
    const bodies = Array.from({ length: READINGS / BODY }, (_, k) => body(k, devices))
    // Warms the code up, and gives the reader something to read.
    for (const warm of bodies.splice(0, 20)) await call(agent, service.url, 'POST', '/api/v1/data', warm)
    const readings = bodies.length * BODY
    let done = false
    const latencies: number[] = []
    const reading = (async () => {
      const from = new Date(T0 * 1000).toISOString()
      const to = new Date((T0 + 86_400) * 1000).toISOString()
      const paths = [
        `/api/v1/data?device_id=device7&from=${from}&to=${to}&points=300`,
        '/api/v1/data?device_id=device7&limit=100',
        '/api/v1/anomalies?limit=50',
        '/api/v1/devices?limit=50',
      ]
      for (let i = 0; !done; i++) {
        const started = performance.now()
        await call(agent, service.url, 'GET', paths[i % paths.length]!)
        latencies.push(performance.now() - started)
        await pause(10)
      }
    })()
    const started = performance.now()
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let next = bodies.pop(); next; next = bodies.pop()) {
          const { accepted } = (await call(agent, service.url, 'POST', '/api/v1/data', next)) as {
            accepted: number
          }
          if (accepted !== BODY) throw new Error(`expected ${BODY} accepted, got ${accepted}`)
        }
      }),
    )
    const seconds = (performance.now() - started) / 1000
    done = true
    await reading
    agent.destroy()
    await service.stop()
    const rate = readings / seconds
    latencies.sort((a, b) => a - b)
    const p99 = latencies[Math.floor(latencies.length * 0.99)]!
    verdict({
      name: `readings written, ${devices} devices`,
      ours: `${Math.round(rate)}/s, reads meanwhile p50 ${latencies[latencies.length >> 1]!.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      peer: 'bar',
      theirs: '60000/s, p99 50 ms',
      ratio: rate / 60_000,
      bar: '1',
      met: rate >= 60_000 && p99 < 50,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function body(k: number, devices: number): Buffer {
  const lines = Array.from({ length: BODY }, (_, j) => {
    const i = k * BODY + j
    const wave = Math.sin(i / 100)
    return JSON.stringify({
      id: `device${i % devices}`,
      timestamp: new Date((T0 + Math.floor(i / devices)) * 1000).toISOString(),
      temperature: Number((65 + wave).toFixed(1)),
      humidity: Number((42 + wave * 3).toFixed(1)),
      pressure: 1012.5,
      vibration: Number((5 + wave / 2).toFixed(2)),
      network: { packetLoss: 0.5, latency: 25, throughput: 950, connectionCount: 12 },
    })
  })
  return Buffer.from(lines.join('\n'))
}

function call(agent: Agent, url: string, method: string, path: string, body?: Buffer): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url + path,
      {
        agent,
        method,
        ...(body
          ? { headers: { 'content-type': 'application/x-ndjson', 'content-length': body.length } }
          : {}),
      },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString()
          if (answer.statusCode !== 200) reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))
          else resolve(JSON.parse(text) as unknown)
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
