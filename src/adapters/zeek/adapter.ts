import type { Adapter } from '../adapter.ts'
import { fileWindows, windows } from '../table/windows.ts'
import { ZeekReader } from './reader.ts'

const NEWLINE = 10

/** A directive of a log's header; other comments may come before it. */
const HEADER = /^(?:#.*\r?\n)*?#(?:separator|fields|set_separator|path|unset_field|empty_field)\b/

/** A line of a conn.log without header: time, uid, address, port, address, port, protocol. */
const HEADERLESS = /^\d+\.\d+\t\S+\t[0-9a-f.:]+\t\d+\t[0-9a-f.:]+\t\d+\t(tcp|udp|icmp|unknown_transport)\t/i

export const zeekAdapter: Adapter = {
  name: 'zeek',
  description: 'Zeek conn.log (tab-separated), also with IoT-23 labels (conn.log.labeled)',
  accepts(head) {
    const text = new TextDecoder().decode(head.subarray(0, 4096)).replace(/^\uFEFF/, '')
    return HEADER.test(text) || HEADERLESS.test(text)
  },
  async *read(source, options, report) {
    report.unit = 'rows'
    const reader = new ZeekReader(source, options, report)
    const { path, progress } = source
    const pieces = path === undefined ? windows(source.bytes(), NEWLINE) : fileWindows(path, progress)
    for await (const window of pieces) for (const batch of reader.batches(window)) yield batch
    const last = reader.rest()
    if (last) yield last
    reader.check()
  },
}
