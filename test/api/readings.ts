import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../src/kernels/random.ts'

/** Readings in the form of the original system: three devices, one reading a minute each. */
export function sampleReadings(count: number, seed = 1, start = Date.UTC(2025, 2, 6)) {
  const random = new Random(seed)
  const around = (middle: number, spread: number) => Number((middle + spread * random.normal()).toFixed(3))
  return Array.from({ length: count }, (_, i) => ({
    id: `device${(i % 3) + 1}`,
    timestamp: new Date(start + Math.floor(i / 3) * 60_000).toISOString(),
    temperature: around(65, 1),
    humidity: around(42, 2),
    pressure: around(1012, 1),
    vibration: around(5, 0.2),
    network: {
      packetLoss: Math.abs(around(0.5, 0.1)),
      latency: around(25, 2),
      throughput: around(950, 10),
      connectionCount: Math.round(around(12, 2)),
    },
  }))
}

/** The same in a file, one a line. */
export function readingsFile(folder: string, count: number): string {
  const path = join(folder, 'readings.ndjson')
  writeFileSync(
    path,
    sampleReadings(count)
      .map((r) => `${JSON.stringify(r)}\n`)
      .join(''),
  )
  return path
}
