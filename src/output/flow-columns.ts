import type { Dictionary } from '../schema/dictionary.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { Column } from './layout.ts'
import { transport } from './protocol.ts'

type FlowColumn = Column<FlowBatch>

function floats(name: string, column: (b: FlowBatch) => Float64Array, kind: FlowColumn['kind']): FlowColumn {
  return { name, kind, at: (batch, i) => column(batch)[i]! }
}

function strings(name: string, column: (b: FlowBatch) => Dictionary | undefined): FlowColumn {
  return {
    name,
    kind: 'text',
    at(batch, i) {
      const values = column(batch)
      return values ? stringAt(values, i) : ''
    },
  }
}

/** The flow in Zeek's column names and order (conn.log of Zeek 7), then link-layer addresses and labels. */
export const flowColumns: readonly FlowColumn[] = [
  floats('ts', (b) => b.ts, 'micros'),
  strings('uid', (b) => b.uid),
  strings('id.orig_h', (b) => b.orig_h),
  { name: 'id.orig_p', kind: 'integer', at: (b, i) => b.orig_p[i]! },
  strings('id.resp_h', (b) => b.resp_h),
  { name: 'id.resp_p', kind: 'integer', at: (b, i) => b.resp_p[i]! },
  { name: 'proto', kind: 'text', at: (b, i) => transport(b.proto[i]!) },
  strings('service', (b) => b.service),
  floats('duration', (b) => b.duration, 'micros'),
  floats('orig_bytes', (b) => b.orig_bytes, 'integer'),
  floats('resp_bytes', (b) => b.resp_bytes, 'integer'),
  strings('conn_state', (b) => b.conn_state),
  floats('missed_bytes', (b) => b.missed_bytes, 'integer'),
  strings('history', (b) => b.history),
  floats('orig_pkts', (b) => b.orig_pkts, 'integer'),
  floats('orig_ip_bytes', (b) => b.orig_ip_bytes, 'integer'),
  floats('resp_pkts', (b) => b.resp_pkts, 'integer'),
  floats('resp_ip_bytes', (b) => b.resp_ip_bytes, 'integer'),
  { name: 'ip_proto', kind: 'integer', at: (b, i) => (b.proto[i] === 255 ? Number.NaN : b.proto[i]!) },
  strings('orig_l2_addr', (b) => b.orig_l2_addr),
  strings('resp_l2_addr', (b) => b.resp_l2_addr),
  strings('label', (b) => b.label),
  strings('detailed-label', (b) => b.detailed_label),
]

/** A flow as Zeek writes it in JSON: unset fields are left out. */
export function flowJson(batch: FlowBatch, i: number): string {
  const record: Record<string, string | number> = {}
  for (const { name, kind, at } of flowColumns) {
    const value = at(batch, i)
    if (value === '' || Number.isNaN(value)) continue
    record[name] = kind === 'micros' ? Math.round((value as number) * 1e6) / 1e6 : value
  }
  return JSON.stringify(record)
}
