import { join } from 'node:path'
import type { BatchWriter } from '../output/layout.ts'
import { openSink } from '../output/sink.ts'
import { flowWriter, readingWriter } from '../output/writers.ts'
import { type FlowBatch, FlowBatchBuilder } from '../schema/flow-batch.ts'
import { type ReadingBatch, ReadingBatchBuilder } from '../schema/reading-batch.ts'
import { CaptureWriter } from './capture-writer.ts'
import { flowOf } from './flow-record.ts'
import type { Incident } from './incident.ts'
import { type Simulation, type SimulationOptions, simulate } from './simulation.ts'

export const SIMULATION_FILES = [
  'capture.pcap',
  'conn.log.labeled',
  'flows.csv',
  'flows.ndjson',
  'readings.csv',
  'readings.ndjson',
  'incidents.json',
  'README.md',
] as const
export type SimulationFile = (typeof SIMULATION_FILES)[number]

const TRAFFIC_FILES = ['capture.pcap', 'conn.log.labeled', 'flows.csv', 'flows.ndjson'] as const

export interface WriteOptions extends SimulationOptions {
  /** Which files to write; default all. */
  readonly files?: readonly SimulationFile[]
  /** Hears of the share done, 0–1, from time to time. */
  readonly onProgress?: (share: number) => void
}

/** What was written. */
export interface SimulationSummary {
  readonly files: readonly string[]
  readonly devices: number
  readonly flows: number
  /** 0 when no capture was asked for. */
  readonly packets: number
  readonly readings: number
  /** Those of which records were written: attacks with the flows, faults with the readings. */
  readonly incidents: readonly WrittenIncident[]
}

/** An incident with how many flows or readings it made. */
export type WrittenIncident = Incident & { readonly records: number }

/**
 * Simulates into files of `dir` (made when missing): see {@link SIMULATION_FILES}. Streams: memory does not grow
 * with the length. Each file appears when it is complete; the same options give the same bytes.
 *
 * @throws RangeError for wrong options, OutputError when a file cannot be written
 */
export async function writeSimulation(dir: string, options: WriteOptions = {}): Promise<SimulationSummary> {
  const simulation = simulate(options)
  const wanted = new Set<SimulationFile>(options.files ?? SIMULATION_FILES)
  const records = new Map<number, number>()
  const count = (incident: number) => {
    if (incident > 0) records.set(incident, (records.get(incident) ?? 0) + 1)
  }

  const hasFlows = TRAFFIC_FILES.some((f) => wanted.has(f))
  const traffic = hasFlows
    ? await writeTraffic(dir, simulation, wanted, count, options.onProgress)
    : undefined
  const hasReadings = wanted.has('readings.csv') || wanted.has('readings.ndjson')
  const readings = hasReadings ? await writeReadings(dir, simulation, wanted, count) : 0

  const incidents = simulation.incidents
    .filter((i) => (i.kind === 'attack' ? hasFlows : hasReadings))
    .map((i) => ({ ...i, records: records.get(i.id) ?? 0 }))
  const summary: SimulationSummary = {
    files: SIMULATION_FILES.filter((f) => wanted.has(f)).map((f) => join(dir, f)),
    devices: simulation.hosts.length,
    flows: traffic?.flows ?? 0,
    packets: traffic?.packets ?? 0,
    readings,
    incidents,
  }
  if (wanted.has('incidents.json')) {
    await writeText(join(dir, 'incidents.json'), `${JSON.stringify(incidents, null, 2)}\n`)
  }
  if (wanted.has('README.md')) await writeText(join(dir, 'README.md'), readme(simulation, summary, wanted))
  return summary
}

async function writeTraffic(
  dir: string,
  simulation: Simulation,
  wanted: ReadonlySet<SimulationFile>,
  count: (incident: number) => void,
  onProgress?: (share: number) => void,
): Promise<{ flows: number; packets: number }> {
  const { start, hours } = simulation.options
  const tables: BatchWriter<FlowBatch>[] = []
  let capture: CaptureWriter | undefined
  let batch = new FlowBatchBuilder()
  let flows = 0
  let packets = 0
  const write = async () => {
    const finished = batch.finish()
    batch = new FlowBatchBuilder()
    for (const table of tables) await table.write(finished)
    onProgress?.(Math.min(1, (finished.ts[finished.length - 1]! - start) / (hours * 3600)))
  }
  try {
    if (wanted.has('capture.pcap')) capture = new CaptureWriter(openSink(join(dir, 'capture.pcap')))
    if (wanted.has('conn.log.labeled')) {
      tables.push(await flowWriter('zeek', openSink(join(dir, 'conn.log.labeled'))))
    }
    for (const format of ['csv', 'ndjson'] as const) {
      const name = `flows.${format}` as const
      if (wanted.has(name)) tables.push(await flowWriter(format, openSink(join(dir, name))))
    }
    if (capture) {
      const add = (c: Parameters<typeof flowOf>[0]) => {
        batch.add(flowOf(c))
        count(c.incident)
        flows++
      }
      for (const packet of simulation.packets(add)) {
        capture.add(packet)
        packets++
        if (capture.full) await capture.flush()
        if (batch.full) await write()
      }
    } else {
      for (const c of simulation.conversations()) {
        batch.add(flowOf(c))
        count(c.incident)
        flows++
        if (batch.full) await write()
      }
    }
    if (batch.length > 0) await write()
    for (const table of tables) await table.close()
    await capture?.close()
  } catch (error) {
    for (const table of tables) table.abort()
    capture?.abort()
    throw error
  }
  return { flows, packets }
}

async function writeReadings(
  dir: string,
  simulation: Simulation,
  wanted: ReadonlySet<SimulationFile>,
  count: (incident: number) => void,
): Promise<number> {
  const metrics = [
    ...new Set(simulation.hosts.flatMap((h) => h.kind.metrics?.map((m) => m.name) ?? [])),
  ].sort()
  const tables: BatchWriter<ReadingBatch>[] = []
  let batch = new ReadingBatchBuilder()
  let readings = 0
  const write = async () => {
    const finished = batch.finish()
    batch = new ReadingBatchBuilder()
    for (const table of tables) await table.write(finished)
  }
  try {
    for (const format of ['csv', 'ndjson'] as const) {
      const name = `readings.${format}` as const
      if (wanted.has(name)) tables.push(await readingWriter(format, openSink(join(dir, name)), metrics, true))
    }
    for (const reading of simulation.readings()) {
      batch.add(reading)
      count(reading.incident)
      readings++
      if (batch.full) await write()
    }
    if (batch.length > 0) await write()
    for (const table of tables) await table.close()
  } catch (error) {
    for (const table of tables) table.abort()
    throw error
  }
  return readings
}

async function writeText(path: string, text: string): Promise<void> {
  const sink = openSink(path)
  try {
    await sink.write(new TextEncoder().encode(text))
    sink.close()
  } catch (error) {
    sink.abort()
    throw error
  }
}

const CONTENTS: Record<SimulationFile, string> = {
  'capture.pcap':
    'every packet; long transfers keep their headers and lose filler (see the original lengths)',
  'conn.log.labeled': 'the same traffic as flows, as Zeek writes them, with labels in the manner of IoT-23',
  'flows.csv': 'the same flows as CSV with Zeek column names',
  'flows.ndjson': 'the same flows, one JSON object a line, as Zeek writes JSON',
  'readings.csv': 'what the sensors reported, about once a minute each, with labels',
  'readings.ndjson': 'the same readings, one JSON object a line, nested',
  'incidents.json': 'the ground truth: each attack and fault with device, start, end and number of records',
  'README.md': 'this text',
}

function readme(
  simulation: Simulation,
  summary: SimulationSummary,
  wanted: ReadonlySet<SimulationFile>,
): string {
  const { devices, hours, seed, start } = simulation.options
  const time = (t: number) => `${new Date(t * 1000).toISOString().slice(0, 19)}Z`
  const files = SIMULATION_FILES.filter((f) => wanted.has(f)).map((f) => `- \`${f}\`: ${CONTENTS[f]}`)
  const rows = summary.incidents.map(
    (i) =>
      `| ${i.id} | ${i.type} | ${i.variant} | ${i.device_name} | ${time(i.start)} | ${time(i.end)} | ${i.records} | ${i.detailed_label} |`,
  )
  return `# A simulated home and factory

Made by Motewatch: ${devices} devices, ${hours} hours from ${time(start)}, seed ${seed}. Nothing here is real; names end in
\`.example\` and addresses of servers are from the blocks for documentation and benchmarks.

${files.join('\n')}

${summary.flows} flows, ${summary.packets} packets, ${summary.readings} readings.

## Devices

${simulation.hosts.map((h) => `- ${h.name}: ${h.mac}, ${h.ip}${h.ip6 ? `, ${h.ip6}` : ''}`).join('\n')}

## Incidents

${rows.length === 0 ? 'None.' : ['| id | type | variant | device | start | end | records | label |', '|---|---|---|---|---|---|---|---|', ...rows].join('\n')}
`
}
