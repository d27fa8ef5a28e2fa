import type { Sink } from '../../src/output/sink.ts'
import { flowWriter } from '../../src/output/writers.ts'
import { type FlowBatch, FlowBatchBuilder } from '../../src/schema/flow-batch.ts'

/** Bytes written by an output, kept in memory. */
export function memory(): Sink & { bytes(): Uint8Array } {
  const chunks: Uint8Array[] = []
  return {
    write: (chunk) => {
      chunks.push(Uint8Array.from(chunk))
    },
    close: () => {},
    abort: () => {},
    bytes: () => Buffer.concat(chunks),
  }
}

/** Flows of every shape: both IP versions, unset fields, large and fractional numbers, labels. */
export function someFlows(count: number): FlowBatch {
  const builder = new FlowBatchBuilder(count)
  for (let i = 0; i < count; i++) {
    builder.add({
      ts: 1_540_469_302.538_64 + i * 1.25,
      uid: `C${i}abc`,
      orig_h: i % 5 === 4 ? 'fe80::1' : `192.168.1.${(i % 3) + 2}`,
      orig_p: 40_000 + i,
      resp_h: i % 5 === 4 ? 'ff02::fb' : `203.0.113.${i % 250}`,
      resp_p: i % 5 === 4 ? 5353 : 443,
      proto: i % 5 === 4 ? 17 : 6,
      ...(i % 2 === 0
        ? { service: 'ssl', duration: 0.114_184 + i, orig_bytes: 48 * i, resp_bytes: 4_096_000_000 + i }
        : {}),
      conn_state: i % 2 === 0 ? 'SF' : 'S0',
      history: i % 2 === 0 ? 'ShADadFf' : 'S',
      missed_bytes: 0,
      orig_pkts: i + 1,
      orig_ip_bytes: 60 * (i + 1),
      resp_pkts: i % 2 === 0 ? i : 0,
      resp_ip_bytes: i % 2 === 0 ? 52 * i : 0,
      label: i % 7 === 3 ? 'malicious' : 'benign',
      detailed_label: i % 7 === 3 ? 'C&C' : '',
    })
  }
  return builder.finish()
}

/** `batch` as a file of that format. */
export async function written(
  format: 'zeek' | 'csv' | 'json' | 'ndjson' | 'parquet',
  batch: FlowBatch,
): Promise<Uint8Array> {
  const sink = memory()
  const writer = await flowWriter(format, sink)
  await writer.write(batch)
  await writer.close()
  return sink.bytes()
}

/** A labelled log as IoT-23 has it: the last three fields joined by three spaces in one. */
export function iot23Log(rows: number): string {
  const lines = [
    '#separator \\x09',
    '#set_separator\t,',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents   label   detailed-label',
  ]
  for (let i = 0; i < rows; i++)
    lines.push(
      `15454038${(10 + i) % 100}.96209${i % 10}\tCx${i}\t192.168.1.195\t${4000 + i}\t185.244.25.235\t80\ttcp\t-\t${i % 2 ? '3.139211\t0\t12' : '-\t-\t-'}\tS0\t-\t-\t0\tS\t3\t180\t0\t0\t-   ${i % 3 ? 'Benign   -' : 'Malicious   C&C'}`,
    )
  lines.push('#close\t2019-03-15-14-50-54')
  return `${lines.join('\n')}\n`
}

/** One TCP connection in a capture (pcap, microseconds, Ethernet). */
export function tinyCapture(): Uint8Array {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(1, 20)
  const packets = [packet(0, true, 0x02), packet(1, false, 0x12), packet(2, true, 0x10)]
  return Buffer.concat([header, ...packets])
}

function packet(i: number, forward: boolean, flags: number): Buffer {
  const frame = Buffer.alloc(54)
  frame.set(forward ? [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] : [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], 0)
  frame.writeUInt16BE(0x0800, 12)
  frame[14] = 0x45
  frame.writeUInt16BE(40, 16)
  frame[22] = 64
  frame[23] = 6
  frame.set(forward ? [192, 168, 1, 2, 203, 0, 113, 5] : [203, 0, 113, 5, 192, 168, 1, 2], 26)
  frame.writeUInt16BE(forward ? 40_000 : 443, 34)
  frame.writeUInt16BE(forward ? 443 : 40_000, 36)
  frame[46] = 0x50
  frame[47] = flags
  const record = Buffer.alloc(16)
  record.writeUInt32LE(1_540_469_302 + i, 0)
  record.writeUInt32LE(54, 8)
  record.writeUInt32LE(54, 12)
  return Buffer.concat([record, frame])
}
