import { readSections, type SectionArray, type Sections, writeSections } from '../models/buffer.ts'
import { type Dictionary, DictionaryBuilder, stringAt } from '../schema/dictionary.ts'
import {
  FLOW_FLOAT_COLUMNS,
  FLOW_OPTIONAL_STRING_COLUMNS,
  FLOW_STRING_COLUMNS,
  type FlowBatch,
} from '../schema/flow-batch.ts'
import type { Batch, ReadingBatch } from '../schema/reading-batch.ts'

const MAGIC = 'MOTEBTCH'
const VERSION = 1

/** A batch of records as bytes, for the journal; what features need of it is in it, names and extra columns are not. */
export function encodeBatch(batch: Batch): Buffer {
  const columns = new Columns()
  if (batch.kind === 'readings') {
    columns.add('ts', batch.ts)
    columns.text('device', batch.device)
    const metrics = [...batch.metrics.keys()]
    metrics.forEach((name, i) => {
      columns.add(`metric${i}`, batch.metrics.get(name)!)
    })
    columns.meta.metrics = metrics
  } else {
    for (const name of FLOW_FLOAT_COLUMNS) columns.add(name, batch[name])
    columns.add('orig_p', batch.orig_p)
    columns.add('resp_p', batch.resp_p)
    columns.add('proto', batch.proto)
    const optional = FLOW_OPTIONAL_STRING_COLUMNS.filter((name) => batch[name])
    for (const name of [...FLOW_STRING_COLUMNS, ...optional]) columns.text(name, batch[name]!)
    columns.meta.optional = optional
  }
  const meta = { kind: [batch.kind], length: batch.length, ...columns.meta }
  return Buffer.from(writeSections(MAGIC, VERSION, meta, columns.sections))
}

/** @throws ModelFormatError when the bytes are no batch, or damaged */
export function decodeBatch(bytes: Uint8Array): Batch {
  const columns = readSections(Uint8Array.from(bytes).buffer, MAGIC, VERSION)
  const length = columns.integer('length', 0, bytes.length)
  const floats = (name: string) => columns.array(name, Float64Array, length)
  if (columns.strings('kind')[0] === 'readings') {
    const metrics = columns.strings('metrics').map((name, i) => [name, floats(`metric${i}`)] as const)
    const batch: ReadingBatch = {
      kind: 'readings',
      length,
      ts: floats('ts'),
      device: dictionary(columns, 'device', length),
      metrics: new Map(metrics),
    }
    return batch
  }
  const texts = [...FLOW_STRING_COLUMNS, ...columns.strings('optional')]
  return {
    kind: 'flows',
    length,
    ...Object.fromEntries(FLOW_FLOAT_COLUMNS.map((name) => [name, floats(name)])),
    ...Object.fromEntries(texts.map((name) => [name, dictionary(columns, name, length)])),
    orig_p: columns.array('orig_p', Uint16Array, length),
    resp_p: columns.array('resp_p', Uint16Array, length),
    proto: columns.array('proto', Uint8Array, length),
  } as unknown as FlowBatch
}

/** Gathers what {@link writeSections} takes. */
class Columns {
  readonly meta: Record<string, unknown> = {}
  readonly sections: Record<string, SectionArray> = {}

  add(name: string, column: SectionArray): void {
    this.sections[name] = column
  }

  /** A dictionary with only the values that occur. */
  text(name: string, column: Dictionary): void {
    const used = new DictionaryBuilder(Math.max(1, column.codes.length))
    for (let i = 0; i < column.codes.length; i++) used.push(stringAt(column, i))
    const { codes, values } = used.finish()
    this.sections[name] = codes
    this.meta[`${name} values`] = values
  }
}

function dictionary(columns: Sections, name: string, length: number): Dictionary {
  return { codes: columns.array(name, Uint32Array, length), values: columns.strings(`${name} values`) }
}
