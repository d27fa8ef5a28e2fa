import { flatten, type JsonObject } from '../../adapters/json/flatten.ts'
import { protocolNumber } from '../../adapters/table/protocols.ts'
import { parseAddress } from '../../schema/address.ts'
import { FLOW_FLOAT_COLUMNS, type FlowRecord } from '../../schema/flow-batch.ts'
import { isStorable, RecordError, shown } from './reading-record.ts'
import { eachRecord } from './records.ts'
import type { Tally } from './result.ts'
import { parseTime } from './time.ts'

const COUNTS = FLOW_FLOAT_COLUMNS.filter((name) => name !== 'ts')
const TEXTS = ['uid', 'service', 'conn_state', 'history', 'orig_l2_addr', 'resp_l2_addr'] as const
const LONGEST_TEXT = 256

/** A flow and the number of its record. */
export interface FlowRow {
  readonly flow: FlowRecord & Required<Pick<FlowRecord, 'ts' | 'orig_h' | 'resp_h'>>
  readonly record: number
}

/** Reads flows by Zeek's names (`orig_h` or `id.orig_h`) from JSON and NDJSON; the others are counted as rejected. */
export function parseFlows(bytes: Uint8Array, tally: Tally): FlowRow[] {
  const rows: FlowRow[] = []
  eachRecord(bytes, tally, (record) => {
    rows.push({ flow: flowOf(record), record: tally.read - 1 })
  })
  return rows
}

/** @throws RecordError */
export function flowOf(record: JsonObject): FlowRow['flow'] {
  const flat = flatten(record)
  if (!flat) throw new RecordError('', 'expects a record of at most 32 levels and 4096 values')
  const value = (name: string) => flat.get(name) ?? flat.get(`id.${name}`) ?? undefined
  const ts = parseTime(value('ts') ?? value('timestamp'))
  if (Number.isNaN(ts)) {
    throw new RecordError('ts', `expects seconds since 1970 or a time in RFC 3339, got ${shown(value('ts'))}`)
  }
  const flow: FlowRow['flow'] = {
    ts,
    orig_h: address('orig_h', value('orig_h')),
    resp_h: address('resp_h', value('resp_h')),
    orig_p: port('orig_p', value('orig_p')),
    resp_p: port('resp_p', value('resp_p')),
    proto: protocol(value('proto')),
  }
  for (const name of COUNTS) {
    const count = value(name)
    if (count === undefined || count === '-') continue
    if (typeof count !== 'number' || !(count >= 0 && count < 1e18)) {
      throw new RecordError(name, `expects a number from 0, got ${shown(count)}`)
    }
    flow[name] = count
  }
  for (const name of TEXTS) {
    const text = value(name)
    if (text === undefined || text === '-') continue
    if (typeof text !== 'string' || text.length > LONGEST_TEXT || !isStorable(text)) {
      throw new RecordError(name, `expects text of at most ${LONGEST_TEXT} characters, got ${shown(text)}`)
    }
    flow[name] = name.endsWith('l2_addr') ? text.toLowerCase() : text
  }
  return flow
}

function address(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= 64 && parseAddress(value)) return value.toLowerCase()
  throw new RecordError(name, `expects an IPv4 or IPv6 address, got ${shown(value)}`)
}

function port(name: string, value: unknown): number {
  if (value === undefined) return 0
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new RecordError(name, `expects a port from 0 to 65535, got ${shown(value)}`)
}

function protocol(value: unknown): number {
  if (value === undefined) return 255
  if (typeof value === 'string' || typeof value === 'number') {
    const number = protocolNumber(String(value))
    if (number !== 255 || value === 255 || value === '255') return number
  }
  throw new RecordError('proto', `expects a protocol such as "tcp" or its number, got ${shown(value)}`)
}
