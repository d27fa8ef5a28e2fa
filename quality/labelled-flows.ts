import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readFlows } from '../src/adapters/read.ts'
import { isBenign } from '../src/pipeline/rows.ts'
import { stringAt } from '../src/schema/dictionary.ts'
import type { FlowBatch } from '../src/schema/flow-batch.ts'

/** A capture's labelled flows. */
export interface Capture {
  readonly name: string
  readonly log: string
  readonly flows: FlowBatch
  /** (flows) 1 = attack. */
  readonly attack: Uint8Array
  /** Row numbers of its benign flows in order of time. */
  readonly benign: readonly number[]
}

/** The labelled log of every folder of `dir`: `conn.log.labeled`, else any CSV; folders without one are left out. */
export async function readCaptures(dir: string): Promise<Capture[]> {
  const captures: Capture[] = []
  for (const name of readdirSync(dir).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const files = readdirSync(join(dir, name))
    const log = files.find((f) => f === 'conn.log.labeled') ?? files.find((f) => f.endsWith('.csv'))
    if (!log) continue
    const flows = await readFlows(join(dir, name, log))
    const attack = Uint8Array.from(flows.ts, (_, i) => (isBenign(stringAt(flows.label!, i)) ? 0 : 1))
    const benign = [...attack.keys()].filter((i) => !attack[i])
    benign.sort((a, b) => flows.ts[a]! - flows.ts[b]!)
    captures.push({ name, log: join(dir, name, log), flows, attack, benign })
  }
  return captures
}

const services: readonly (readonly [string, readonly number[]])[] = [
  ['web', [80, 443, 8000, 8080, 8443]],
  ['mail', [25, 110, 143, 465, 587, 993, 995]],
  ['dns', [53, 5353]],
  ['file transfer', [20, 21, 22, 69, 445]],
  ['database', [1433, 1521, 3306, 5432, 6379]],
]

/**
 * The features that such tools commonly use, one flow by itself: sizes as logarithms, their ratio, the packet
 * rate, protocol, port class and service class one-hot, hour and weekday as cycles. Row-major.
 */
export function plainFeatures(flows: FlowBatch): { width: number; numbers: number; data: Float32Array } {
  const rows = Array.from({ length: flows.length }, (_, i) => {
    const number = (x: number) => (Number.isFinite(x) ? x : 0)
    const duration = number(flows.duration[i]!)
    const out = number(flows.orig_bytes[i]!)
    const back = number(flows.resp_bytes[i]!)
    const packets = number(flows.orig_pkts[i]!) + number(flows.resp_pkts[i]!)
    const port = flows.resp_p[i]!
    const day = (2 * Math.PI * (flows.ts[i]! % 86_400)) / 86_400
    const week = (2 * Math.PI * ((flows.ts[i]! / 86_400 + 3) % 7)) / 7
    const numbers = [
      Math.log1p(duration),
      Math.log1p(out),
      Math.log1p(back),
      Math.log1p(packets),
      out / (out + back + 1),
      packets / Math.max(duration, 1e-3),
    ]
    const codes = [
      Number(flows.proto[i] === 6),
      Number(flows.proto[i] === 17),
      Number(flows.proto[i] === 1),
      Number(port < 1024),
      Number(port >= 1024 && port < 49_152),
      Number(port >= 49_152),
      ...services.map(([, ports]) => Number(ports.includes(port))),
      Math.sin(day),
      Math.cos(day),
      Math.sin(week),
      Math.cos(week),
    ]
    return { numbers, codes }
  })
  const data = Float32Array.from(rows.flatMap((row) => [...row.numbers, ...row.codes]))
  return { width: data.length / flows.length, numbers: rows[0]!.numbers.length, data }
}
