import type { Row } from '../table/row-writer.ts'

/** What nfdump's headings are in the words of its CSV output; what is not here is left out. */
const COLUMNS: Readonly<Record<string, string>> = {
  Packets: 'packets',
  Bytes: 'bytes',
  'In Pkt': 'packets',
  'In Byte': 'bytes',
  'Out Pkt': 'out_packet',
  'Out Byte': 'out_byte',
}

/** The date of a flow, its duration, protocol, two ends, and the rest of the line. */
const FLOW =
  /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\s+([\d:.]+)\s+(\S+)\s+(\S+)\s+<?->\s+(\S+)\s+(\S.*)$/
const UNITS: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 }

/** The columns after the two ends that a heading of nfdump names; undefined when this is no such heading. */
export function nfdumpColumns(heading: string): readonly string[] | undefined {
  const found = /^\uFEFF?Date first seen\s+.*\bProto\s+Src IP Addr:Port\s+Dst IP Addr:Port\s+(.*?)\s*$/.exec(
    heading,
  )
  return found ? (found[1]!.match(/(?:In|Out) (?:Pkt|Byte)|\S+/g) ?? []) : undefined
}

/**
 * A line as a row with the names of nfdump's CSV output; undefined when it is no flow.
 *
 * Durations are seconds (nfdump 1.6) or `hh:mm:ss.fff` (1.7); large counts are rounded (`2.1 M`).
 * Addresses that nfdump shortened (`2001:..7:1`; -6 prints them whole) name a device as they are.
 */
export function nfdumpRow(line: string, columns: readonly string[]): Row | undefined {
  const flow = FLOW.exec(line)
  if (!flow) return undefined
  const [, seen, length, proto, source, destination, rest] = flow as unknown as [string, ...string[]]
  const values = (rest ?? '').replaceAll(/([\d.]) ([KMGT])(?=\s|$)/g, '$1$2').split(/\s+/)
  if (values.length !== columns.length) return undefined
  const [srcAddr, srcPort] = ends(source!)
  const [dstAddr, dstPort] = ends(destination!)
  const row = new Map<string, unknown>([
    ['first_seen', seen],
    ['duration', seconds(length!)],
    ['proto', proto],
    ['src_addr', srcAddr],
    ['src_port', srcPort],
    ['dst_addr', dstAddr],
    ['dst_port', dstPort],
  ])
  columns.forEach((column, j) => {
    const name = COLUMNS[column]
    if (name) row.set(name, amount(values[j]!))
  })
  return row
}

/** `10.0.0.1:443`, `fe80::1.443` (IPv6), `10.0.0.1:3.1` and `fe80::1.128.0` (type and code of ICMP). */
function ends(text: string): [address: string, port: string] {
  const v4 = /^(\d+\.\d+\.\d+\.\d+):(\d+)(?:\.\d+)?$/.exec(text)
  const found = v4 ?? /^([\da-f:.]*:[\da-f:.]*?)\.(\d+)(?:\.\d+)?$/i.exec(text)
  return found ? [found[1]!, found[2]!] : [text, '']
}

/** Seconds as text. */
function seconds(text: string): string {
  if (!text.includes(':')) return text
  return String(text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0))
}

function amount(text: string): string {
  const unit = UNITS[text.at(-1)!]
  return unit ? String(Math.round(Number(text.slice(0, -1)) * unit)) : text
}
