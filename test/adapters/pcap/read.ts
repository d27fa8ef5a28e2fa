import type { ReadOptions } from '../../../src/adapters/adapter.ts'
import { pcapAdapter } from '../../../src/adapters/pcap/adapter.ts'
import { readParallel } from '../../../src/adapters/pcap/parallel.ts'
import { FlowRows } from '../../../src/adapters/pcap/rows.ts'
import { ReadReport } from '../../../src/adapters/read-report.ts'
import { stringAt } from '../../../src/schema/dictionary.ts'
import type { FlowBatch } from '../../../src/schema/flow-batch.ts'

export interface Flow {
  ts: number
  duration: number
  id: string
  proto: number
  service: string
  state: string
  history: string
  bytes: readonly [number, number]
  pkts: readonly [number, number]
  ipBytes: readonly [number, number]
  missed: number
  macs: readonly [string, string]
}

/** Flows of a capture in memory (cut into chunks of `chunk` bytes) or on disk (with or without a worker). */
export async function flowsOf(
  input: Uint8Array | string,
  options: ReadOptions & { chunk?: number; worker?: boolean } = {},
): Promise<{ flows: Flow[]; report: ReadReport; batches: FlowBatch[]; names: ReadonlyMap<string, string> }> {
  const report = new ReadReport('capture.pcap')
  const { chunk = 1 << 20, worker = false, ...rest } = options
  const source = {
    name: 'capture.pcap',
    ...(typeof input === 'string' ? { path: input } : {}),
    async *bytes() {
      if (typeof input === 'string') throw new Error('a file is read by its path')
      for (let p = 0; p < input.length; p += chunk) yield input.slice(p, p + chunk)
    },
  }
  const flows: Flow[] = []
  const batches: FlowBatch[] = []
  let names: ReadonlyMap<string, string> = new Map()
  const read = worker
    ? readParallel(input as string, new FlowRows(rest.batchSize ?? 8192), report)
    : pcapAdapter.read(source, rest, report)
  for await (const b of read) {
    if (b.kind !== 'flows') throw new Error('a capture gives flows')
    batches.push(b)
    names = b.names ?? names
    for (let i = 0; i < b.length; i++) {
      flows.push({
        ts: b.ts[i]!,
        duration: b.duration[i]!,
        id: `${stringAt(b.orig_h, i)}:${b.orig_p[i]} ${stringAt(b.resp_h, i)}:${b.resp_p[i]}`,
        proto: b.proto[i]!,
        service: stringAt(b.service, i),
        state: stringAt(b.conn_state, i),
        history: stringAt(b.history, i),
        bytes: [b.orig_bytes[i]!, b.resp_bytes[i]!],
        pkts: [b.orig_pkts[i]!, b.resp_pkts[i]!],
        ipBytes: [b.orig_ip_bytes[i]!, b.resp_ip_bytes[i]!],
        missed: b.missed_bytes[i]!,
        macs: [
          b.orig_l2_addr ? stringAt(b.orig_l2_addr, i) : '',
          b.resp_l2_addr ? stringAt(b.resp_l2_addr, i) : '',
        ],
      })
    }
  }
  return { flows, report, batches, names }
}
