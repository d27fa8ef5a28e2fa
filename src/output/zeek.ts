import type { Dictionary } from '../schema/dictionary.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { BatchWriter } from './layout.ts'
import { transport } from './protocol.ts'
import type { Sink } from './sink.ts'
import { TextBuffer } from './text-buffer.ts'

const TAB = 0x09
const UNSET = 0x2d
const BACKSLASH = 0x5c

/** Fields of Zeek 7's conn.log and their types. */
const FIELDS: readonly (readonly [name: string, type: string])[] = [
  ['ts', 'time'],
  ['uid', 'string'],
  ['id.orig_h', 'addr'],
  ['id.orig_p', 'port'],
  ['id.resp_h', 'addr'],
  ['id.resp_p', 'port'],
  ['proto', 'enum'],
  ['service', 'string'],
  ['duration', 'interval'],
  ['orig_bytes', 'count'],
  ['resp_bytes', 'count'],
  ['conn_state', 'string'],
  ['local_orig', 'bool'],
  ['local_resp', 'bool'],
  ['missed_bytes', 'count'],
  ['history', 'string'],
  ['orig_pkts', 'count'],
  ['orig_ip_bytes', 'count'],
  ['resp_pkts', 'count'],
  ['resp_ip_bytes', 'count'],
  ['tunnel_parents', 'set[string]'],
  ['ip_proto', 'count'],
]
/** Further columns, written where the flows have them: of Zeek's mac-logging policy, of IoT-23. */
const OPTIONAL = ['orig_l2_addr', 'resp_l2_addr', 'label', 'detailed_label'] as const

/**
 * Writes flows as a Zeek `conn.log` (tab-separated, `-` for unset, control characters as `\xHH`).
 *
 * Link-layer addresses and labels are added as further columns where the flows have them; should that
 * change in the middle, a new header starts, as in concatenated Zeek logs.
 */
export function zeekWriter(sink: Sink): BatchWriter<FlowBatch> {
  const out = new TextBuffer()
  let header: string | undefined
  return {
    async write(batch) {
      const optional = OPTIONAL.filter((name) => batch[name] !== undefined)
      if (header !== optional.join()) {
        header = optional.join()
        head(out, optional)
      }
      const columns = optional.map((name) => batch[name]!)
      for (let i = 0; i < batch.length; i++) {
        row(out, batch, i, columns)
        if (out.length > 1 << 16) await sink.write(out.take())
      }
    },
    async close() {
      if (header === undefined) head(out, [])
      await sink.write(out.take())
      sink.close()
    },
    abort: () => sink.abort(),
  }
}

function head(out: TextBuffer, optional: readonly string[]): void {
  const names = [...FIELDS.map(([name]) => name), ...optional.map((name) => name.replace('_label', '-label'))]
  const types = [...FIELDS.map(([, type]) => type), ...optional.map(() => 'string')]
  out.text('#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n')
  out.text(`#fields\t${names.join('\t')}\n#types\t${types.join('\t')}\n`)
}

function row(out: TextBuffer, b: FlowBatch, i: number, optional: readonly Dictionary[]): void {
  micros(out, b.ts[i]!)
  string(out, stringAt(b.uid, i))
  string(out, stringAt(b.orig_h, i))
  count(out, b.orig_p[i]!)
  string(out, stringAt(b.resp_h, i))
  count(out, b.resp_p[i]!)
  string(out, transport(b.proto[i]!))
  string(out, stringAt(b.service, i))
  micros(out, b.duration[i]!)
  count(out, b.orig_bytes[i]!)
  count(out, b.resp_bytes[i]!)
  string(out, stringAt(b.conn_state, i))
  string(out, '')
  string(out, '')
  count(out, b.missed_bytes[i]!)
  string(out, stringAt(b.history, i))
  count(out, b.orig_pkts[i]!)
  count(out, b.orig_ip_bytes[i]!)
  count(out, b.resp_pkts[i]!)
  count(out, b.resp_ip_bytes[i]!)
  string(out, '')
  count(out, b.proto[i] === 255 ? Number.NaN : b.proto[i]!)
  for (const column of optional) string(out, stringAt(column, i))
  out.length--
  out.newline()
}

function micros(out: TextBuffer, value: number): void {
  if (Number.isNaN(value)) out.char(UNSET)
  else out.micros(value)
  out.char(TAB)
}

function count(out: TextBuffer, value: number): void {
  if (Number.isNaN(value)) out.char(UNSET)
  else out.number(value)
  out.char(TAB)
}

function string(out: TextBuffer, value: string): void {
  if (value === '') out.char(UNSET)
  else if (value === '-' || value === '(empty)') out.text(`\\x${hex(value.charCodeAt(0))}${value.slice(1)}`)
  else if (plain(value)) out.text(value)
  else out.text(value.replace(SPECIAL, (c) => `\\x${hex(c.charCodeAt(0))}`))
  out.char(TAB)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what Zeek escapes
const SPECIAL = /[\u0000-\u001f\\\u007f]/g

function plain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < 0x20 || c === BACKSLASH || c === 0x7f) return false
  }
  return true
}

function hex(code: number): string {
  return code.toString(16).padStart(2, '0')
}
