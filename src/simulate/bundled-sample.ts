import { basename, join } from 'node:path'
import { simulate } from './simulation.ts'
import {
  type SimulationFile,
  type WriteOptions,
  type WrittenIncident,
  writeSimulation,
} from './write-simulation.ts'

/** The sample that `motewatch init`, `demo` and the first `serve` train and detect on. */
export interface BundledSample {
  /** Zeek log with labels. */
  readonly flows: string
  readonly readings: string
  readonly incidents: readonly WrittenIncident[]
}

const FLOWS = 'conn.log.labeled'
const READINGS = 'readings.csv'
/** The seed of its devices. */
export const SAMPLE_SEED = 7
/** The same home and factory with more devices begin with these; so many are told apart from those of people. */
const MOST_SAMPLE_DEVICES = 200

let names: ReadonlySet<string> | undefined

/** Names of the sample's devices, as its records have them: of sensors, and MAC addresses in flows. */
export function sampleDevices(): ReadonlySet<string> {
  if (!names) {
    const { hosts } = simulate({ seed: SAMPLE_SEED, devices: MOST_SAMPLE_DEVICES })
    names = new Set(hosts.flatMap(({ name, mac, site }) => [name, mac, site.gateway.mac]))
  }
  return names
}

/**
 * Whether a model was made from the sample, as `motewatch init` does.
 *
 * @param from time of the first record, seconds since the epoch
 */
export function isOfSample(sources: readonly string[], from: number | null): boolean {
  const { start } = simulate({ seed: SAMPLE_SEED }).options
  const files: readonly string[] = [FLOWS, READINGS]
  return (
    from !== null && Math.abs(from - start) < 60 && sources.every((name) => files.includes(basename(name)))
  )
}

/** The part of its time that is free of incidents. */
export const QUIET = 2 / 3

/**
 * Four days of a home and a small factory, Monday to Thursday. The first two thirds are free of incidents, long
 * enough for features of the hour of the day; the rest holds every kind of attack and of sensor fault once.
 */
const SAMPLE = {
  devices: 14,
  hours: 96,
  attacks: ['scan', 'flood', 'beacon', 'exfiltration', 'bruteforce'],
  faults: ['spike', 'drift', 'stuck', 'noise', 'dropout'],
  seed: SAMPLE_SEED,
  files: [FLOWS, READINGS, 'incidents.json', 'README.md'],
} satisfies WriteOptions

/**
 * Makes the bundled sample in `dir`, byte-identical each time. It is made when needed rather than shipped: that takes
 * about as long as unpacking it, and keeps data out of the package.
 *
 * @param more files to write beside those that are always there
 * @throws OutputError when `dir` cannot be written
 */
export async function bundledSample(
  dir: string,
  more: readonly SimulationFile[] = [],
): Promise<BundledSample> {
  const { incidents } = await writeSimulation(dir, { ...SAMPLE, files: [...SAMPLE.files, ...more] })
  return { flows: join(dir, FLOWS), readings: join(dir, READINGS), incidents }
}
