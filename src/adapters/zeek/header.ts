import type { FlowBinding, FlowField } from '../table/flow-writer.ts'
import { ZEEK_FIELDS } from './fields.ts'

/** The fields of a conn.log without a header, in Zeek's default order; IoT-23's labels follow. */
export const DEFAULT_FIELDS: readonly string[] = (
  'ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state ' +
  'local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ' +
  'label detailed-label'
).split(' ')

/** IoT-23 joins its last three fields with this inside one tab-separated field. */
export const TAIL_SEPARATOR = '   '

/** What the `#` lines of a Zeek log have said so far. */
export class ZeekHeader {
  separator = 9
  unsetField = '-'
  emptyField = '(empty)'
  path = ''
  fields: readonly string[] = []
  /** How many fields the last separated one holds, joined by {@link TAIL_SEPARATOR}; 1 = an ordinary field. */
  tail = 1

  /** Takes in one `#` line; true when it was `#fields`, which begins a new layout. */
  directive(line: string): boolean {
    if (line.startsWith('#separator')) {
      const text = line.slice('#separator'.length).trim()
      const hex = /^\\x([0-9a-f]{2})$/i.exec(text)
      this.separator = hex ? Number.parseInt(hex[1]!, 16) : text.charCodeAt(0) || 9
      return false
    }
    const [name, ...values] = line.split(String.fromCharCode(this.separator))
    if (name === '#unset_field') this.unsetField = values[0] ?? this.unsetField
    else if (name === '#empty_field') this.emptyField = values[0] ?? this.emptyField
    else if (name === '#path') this.path = values[0] ?? ''
    else if (name === '#fields') {
      this.setFields(values)
      return true
    }
    return false
  }

  setFields(fields: readonly string[]): void {
    const tail = fields.at(-1)?.split(/ {2,}/) ?? []
    this.tail = Math.max(1, tail.length)
    this.fields = [...fields.slice(0, -1), ...tail]
  }

  /** The bindings of the known fields with their column numbers. */
  bindings(): { column: number; binding: FlowBinding }[] {
    const names = this.fields.map((name) => name.toLowerCase())
    // The protocol's number (Zeek 7) says more than its word, 'unknown_transport' for most.
    const proto = names.includes('ip_proto') ? 'ip_proto' : 'proto'
    const taken = new Set<FlowField>()
    return names.flatMap((name, column) => {
      const field = name === proto ? 'proto' : name === 'proto' ? undefined : ZEEK_FIELDS[name]
      if (!field || taken.has(field)) return []
      taken.add(field)
      const source = this.fields[column]!
      return [{ column, binding: { source, field, ...(TEXTS.has(field) ? { word: unescaped } : {}) } }]
    })
  }
}

const TEXTS: ReadonlySet<FlowField> = new Set(['service', 'conn_state', 'history'])

/** Zeek writes bytes that would break a row as `\xHH`. */
function unescaped(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
