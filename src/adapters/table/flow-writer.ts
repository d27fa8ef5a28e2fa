import type { Dictionary } from '../../schema/dictionary.ts'
import {
  FLOW_FLOAT_COLUMNS,
  FLOW_OPTIONAL_STRING_COLUMNS,
  FLOW_STRING_COLUMNS,
  type FlowBatch,
} from '../../schema/flow-batch.ts'
import { canonicalAddress, canonicalMac } from './address.ts'
import { ByteMap, DictionaryColumn, UniqueColumn } from './byte-map.ts'
import { coarseLabel, fineLabel, type LabelWords } from './labels.ts'
import { parseCount, parseNumber } from './parse-number.ts'
import { protocolNumber } from './protocols.ts'
import { portOfService } from './service-ports.ts'
import { UnsetWords } from './unset.ts'

type FloatColumn = (typeof FLOW_FLOAT_COLUMNS)[number]
type StringColumn = (typeof FLOW_STRING_COLUMNS)[number] | (typeof FLOW_OPTIONAL_STRING_COLUMNS)[number]

/**
 * What a source column can be of a flow: a column of {@link FlowBatch}, or a quantity from which one
 * follows: `end` (time of the last packet), `time_of_day` (added to a date in `ts`), totals of both
 * directions.
 */
export type FlowField = FloatColumn | StringColumn | 'orig_p' | 'resp_p' | 'proto' | DerivedField
const DERIVED_FIELDS = ['end', 'time_of_day', 'total_bytes', 'total_ip_bytes', 'total_pkts'] as const
type DerivedField = (typeof DERIVED_FIELDS)[number]

export const FLOW_FIELDS: readonly FlowField[] = [
  ...FLOW_FLOAT_COLUMNS,
  ...FLOW_STRING_COLUMNS,
  ...FLOW_OPTIONAL_STRING_COLUMNS,
  'orig_p',
  'resp_p',
  'proto',
  ...DERIVED_FIELDS,
]

/** One column of the source and what it is. */
export interface FlowBinding {
  /** The source's name of the column, for messages. */
  readonly source: string
  /** Standard field, or undefined for a further numeric column kept in `extra` under its own name. */
  readonly field?: FlowField
  /** Multiplies a number: 1e-6 where the source has microseconds. Default 1. */
  readonly factor?: number
  /** Reads a time; default: seconds since the epoch. NaN = not a time. */
  readonly time?: (bytes: Uint8Array, start: number, end: number) => number
  /** The schema's word for the source's word (service, conn_state, history, addresses); default: the same. */
  readonly word?: (text: string) => string
  /** Takes any text as an address: sources that name hosts instead. */
  readonly anyAddress?: boolean
}

/** What is the same for every column of a source. */
export interface CellRules {
  /** Texts that mean "no value" besides nothing at all: '-', '(empty)', 'NaN'. */
  readonly unset: readonly string[]
  readonly labels?: LabelWords
  /** Words in place of a protocol that mark records which are no flows. */
  readonly noFlow?: readonly string[]
}

const TIME = 0
export const NUMBER = 1
export const PORT = 2
export const PROTO = 3
export const WORD = 4
export const UNIQUE = 5
const LABEL = 6
const EXTRA = 7

/** A binding at work: what kind of field it fills, and where. */
export interface FlowCell {
  readonly binding: FlowBinding
  readonly kind: number
  readonly factor: number
  /** Lets a number be below zero (extra columns, times). */
  readonly signed: boolean
  floats: Float64Array
  ports: Uint16Array
  readonly column?: DictionaryColumn
  readonly detail?: DictionaryColumn
}

const NO_BYTES = new Uint8Array(0)

/**
 * Writes cells, as bytes or as numbers, into the columns of flow batches.
 *
 * For every row: {@link set} (or {@link setNumber}) once for each binding, then {@link next}. A cell that
 * is refused leaves the row unwritten: start it anew or go on with the next one.
 */
export class FlowWriter {
  readonly capacity: number
  length = 0
  readonly #cells: FlowCell[]
  readonly #unset: UnsetWords
  readonly #bound: ReadonlyMap<FlowField, FlowCell>
  readonly #protocols: ByteMap<number>
  /** The column of connection ids, for a reader that writes the columns itself. */
  readonly unique: UniqueColumn | undefined
  #proto: Uint8Array

  constructor(bindings: readonly FlowBinding[], rules: CellRules, capacity = 8192) {
    this.capacity = capacity
    this.#unset = new UnsetWords(rules.unset)
    this.#protocols = new ByteMap((text) => (rules.noFlow?.includes(text) ? -1 : protocolNumber(text)))
    const hasDetail = bindings.some((b) => b.field === 'detailed_label')
    this.#cells = bindings.map((binding) => this.#cell(binding, rules, hasDetail))
    this.#bound = new Map(this.#cells.filter((c) => c.binding.field).map((c) => [c.binding.field!, c]))
    this.unique = this.#bound.has('uid') ? new UniqueColumn(capacity) : undefined
    this.#proto = new Uint8Array(0)
    this.#renew()
  }

  /** The bindings at work, for a reader that writes the columns itself at row {@link length}. */
  get cells(): readonly FlowCell[] {
    return this.#cells
  }

  get full(): boolean {
    return this.length === this.capacity
  }

  #cell(binding: FlowBinding, rules: CellRules, hasDetail: boolean): FlowCell {
    const { field } = binding
    const cell = {
      binding,
      factor: binding.factor ?? 1,
      signed: field === undefined,
      floats: new Float64Array(0),
      ports: new Uint16Array(0),
    }
    const dictionary = (convert: (text: string) => string | undefined) =>
      new DictionaryColumn(this.capacity, (text) =>
        text === '' || rules.unset.includes(text) ? '' : convert(text),
      )
    switch (field) {
      case undefined:
        return { ...cell, kind: EXTRA }
      case 'ts':
      case 'end':
      case 'time_of_day':
        return { ...cell, kind: binding.time ? TIME : NUMBER, signed: true }
      case 'orig_p':
      case 'resp_p':
        return { ...cell, kind: PORT }
      case 'proto':
        return { ...cell, kind: PROTO }
      case 'uid':
        return { ...cell, kind: UNIQUE }
      case 'orig_h':
      case 'resp_h': {
        const convert = (cell: string) => {
          const text = binding.word ? binding.word(cell.trim()) : cell.trim()
          return text === '' ? '' : (canonicalAddress(text) ?? (binding.anyAddress ? text : undefined))
        }
        return { ...cell, kind: WORD, column: dictionary(convert) }
      }
      case 'orig_l2_addr':
      case 'resp_l2_addr':
        return { ...cell, kind: WORD, column: dictionary((text) => canonicalMac(text.trim())) }
      case 'label': {
        const column = dictionary((text) => coarseLabel(text, rules.labels))
        if (hasDetail) return { ...cell, kind: WORD, column }
        return { ...cell, kind: LABEL, column, detail: dictionary((text) => fineLabel(text, rules.labels)) }
      }
      case 'detailed_label':
        return { ...cell, kind: WORD, column: dictionary((text) => fineLabel(text, rules.labels)) }
      case 'service':
      case 'conn_state':
      case 'history':
        return { ...cell, kind: WORD, column: dictionary(binding.word ?? ((text) => text)) }
      default:
        return { ...cell, kind: NUMBER }
    }
  }

  /** New arrays for the next batch: the yielded one owns the old. */
  #renew(): void {
    for (const cell of this.#cells) {
      if (cell.kind === PORT) cell.ports = new Uint16Array(this.capacity)
      else if (cell.kind === TIME || cell.kind === NUMBER || cell.kind === EXTRA)
        cell.floats = new Float64Array(this.capacity)
    }
    this.#proto = new Uint8Array(this.capacity)
    if (!this.#bound.has('proto')) this.#proto.fill(255)
    this.length = 0
  }

  /** Writes the cell of binding `j` in the current row; false when it is not what the field expects. */
  set(j: number, bytes: Uint8Array, start: number, end: number): boolean {
    const cell = this.#cells[j]!
    const row = this.length
    switch (cell.kind) {
      case NUMBER:
      case EXTRA: {
        const value = parseNumber(bytes, start, end) * cell.factor
        if (value >= 0 || (cell.signed && value < 0)) {
          cell.floats[row] = value
          return Number.isFinite(value)
        }
        cell.floats[row] = Number.NaN
        return this.#unset.has(bytes, start, end)
      }
      case WORD:
        return cell.column!.set(row, bytes, start, end)
      case PORT: {
        const port = parseCount(bytes, start, end, 65535)
        cell.ports[row] = Math.max(0, port)
        return (
          port >= 0 || this.#unset.has(bytes, start, end) || this.#otherPort(cell, row, bytes, start, end)
        )
      }
      case PROTO: {
        const number = this.#protocols.values[this.#protocols.entry(bytes, start, end)]!
        this.#proto[row] = number
        return number >= 0
      }
      case UNIQUE:
        if (this.#unset.has(bytes, start, end)) this.unique!.set(row, NO_BYTES, 0, 0)
        else this.unique!.set(row, bytes, start, end)
        return true
      case LABEL:
        cell.detail?.set(row, bytes, start, end)
        return cell.column!.set(row, bytes, start, end)
      default: {
        const time = cell.binding.time!(bytes, start, end)
        cell.floats[row] = time
        return !Number.isNaN(time) || this.#unset.has(bytes, start, end)
      }
    }
  }

  /** Writes a number as {@link set} writes its digits; false when the field is none of numbers or refuses it. */
  setNumber(j: number, number: number): boolean {
    const cell = this.#cells[j]!
    const value = number * cell.factor
    if (cell.kind === PORT) {
      if (!(number >= 0 && number <= 65535) || !Number.isInteger(number)) return false
      cell.ports[this.length] = number
      return true
    }
    if ((cell.kind !== NUMBER && cell.kind !== EXTRA) || !Number.isFinite(value)) return false
    if (value < 0 && !cell.signed) return false
    cell.floats[this.length] = value
    return true
  }

  /** Ports by the name of their service, or in hexadecimal (`0x0303`: Argus writes ICMP types so). */
  #otherPort(cell: FlowCell, row: number, bytes: Uint8Array, start: number, end: number): boolean {
    const text = Buffer.from(bytes.subarray(start, Math.min(end, start + 32))).toString('latin1')
    const port = /^0x[0-9a-f]{1,4}$/i.test(text) ? Number(text) : portOfService(text)
    if (port < 0) return false
    cell.ports[row] = port
    return true
  }

  /** What binding `j` expects, for messages. */
  expectation(j: number): string {
    const { binding, kind } = this.#cells[j]!
    if (kind === TIME || binding.field === 'ts' || binding.field === 'end') return 'a time'
    if (kind === PORT) return 'a port from 0 to 65535 or the name of its service'
    if (kind === PROTO) return 'the protocol of a flow'
    if (binding.field === 'orig_h' || binding.field === 'resp_h') return 'an IP address'
    if (kind === WORD) return 'a MAC address'
    if (kind === EXTRA) return 'a number'
    return binding.field === 'duration' ? 'seconds, 0 or more' : 'a number, 0 or more'
  }

  /** Writes the protocol word at `start`; returns where it ends, before `separator` or a line feed. */
  setProtocol(bytes: Uint8Array, start: number, separator: number): number {
    let end = this.#protocols.repeated(bytes, start, separator)
    if (end < 0) {
      end = start
      while (bytes[end] !== separator && bytes[end] !== 10) end++
      this.#protocols.entry(bytes, start, end)
    }
    this.#proto[this.length] = this.#protocols.values[this.#protocols.last]!
    return end
  }

  /** Ends the current row. */
  next(): void {
    this.length++
  }

  /** The rows so far as a batch; the writer goes on with an empty one. */
  finish(): FlowBatch {
    const n = this.length
    const floats = Object.fromEntries(
      FLOW_FLOAT_COLUMNS.map((name) => [name, this.#floats(name, name === 'missed_bytes' ? 0 : Number.NaN)]),
    ) as Record<FloatColumn, Float64Array>
    const strings = Object.fromEntries(
      FLOW_STRING_COLUMNS.map((name) => [name, this.#strings(name) ?? unsetColumn(n)]),
    ) as Record<(typeof FLOW_STRING_COLUMNS)[number], Dictionary>
    const optional: Partial<Record<StringColumn, Dictionary>> = {}
    for (const name of FLOW_OPTIONAL_STRING_COLUMNS) {
      const column = this.#strings(name)
      if (column) optional[name] = column
    }
    const detail = this.#bound.get('label')?.detail
    if (detail) optional.detailed_label = detail.finish(n)
    const extra = new Map<string, Float64Array>()
    for (const cell of this.#cells)
      if (cell.kind === EXTRA) extra.set(cell.binding.source, cell.floats.subarray(0, n))
    const batch: FlowBatch = {
      kind: 'flows',
      length: n,
      ...floats,
      ...strings,
      ...optional,
      orig_p: this.#bound.get('orig_p')?.ports.subarray(0, n) ?? new Uint16Array(n),
      resp_p: this.#bound.get('resp_p')?.ports.subarray(0, n) ?? new Uint16Array(n),
      proto: this.#proto.subarray(0, n),
      ...(extra.size > 0 ? { extra } : {}),
    }
    this.#derive(batch)
    this.#renew()
    return batch
  }

  #floats(name: FlowField, absent: number): Float64Array {
    return (
      this.#bound.get(name)?.floats.subarray(0, this.length) ?? new Float64Array(this.length).fill(absent)
    )
  }

  #strings(name: StringColumn): Dictionary | undefined {
    if (name === 'uid') return this.unique?.finish(this.length)
    return this.#bound.get(name)?.column?.finish(this.length)
  }

  /** Fills what follows from other columns: the answer's share of a total (all of it is the originator's where neither is told), duration from the end, ICMPv6. */
  #derive(batch: FlowBatch): void {
    const share = (of: Float64Array, from: Float64Array, totalField: FlowField) => {
      const total = this.#bound.get(totalField)?.floats
      if (!total) return
      for (let i = 0; i < batch.length; i++) {
        if (!Number.isNaN(of[i]!)) continue
        if (Number.isNaN(from[i]!)) from[i] = total[i]!
        else of[i] = Math.max(0, total[i]! - from[i]!)
      }
    }
    share(batch.resp_bytes, batch.orig_bytes, 'total_bytes')
    share(batch.resp_ip_bytes, batch.orig_ip_bytes, 'total_ip_bytes')
    share(batch.resp_pkts, batch.orig_pkts, 'total_pkts')
    const timeOfDay = this.#bound.get('time_of_day')?.floats
    if (timeOfDay) for (let i = 0; i < batch.length; i++) batch.ts[i]! += timeOfDay[i]!
    const end = this.#bound.get('end')?.floats
    if (end) {
      for (let i = 0; i < batch.length; i++)
        if (Number.isNaN(batch.duration[i]!)) batch.duration[i] = Math.max(0, end[i]! - batch.ts[i]!)
    }
    const missed = batch.missed_bytes
    if (this.#bound.has('missed_bytes'))
      for (let i = 0; i < batch.length; i++) if (Number.isNaN(missed[i]!)) missed[i] = 0
    // Logs call ICMPv6 'icmp' too; the addresses tell.
    const { codes, values } = batch.orig_h
    const v6 = values.map((address) => address.includes('.') === false && address.includes(':'))
    for (let i = 0; i < batch.length; i++) if (batch.proto[i] === 1 && v6[codes[i]!]) batch.proto[i] = 58
  }
}

function unsetColumn(length: number): Dictionary {
  return { codes: new Uint32Array(length), values: [''] }
}
