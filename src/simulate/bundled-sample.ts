import { join } from 'node:path'
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
  seed: 7,
  files: ['conn.log.labeled', 'readings.csv', 'incidents.json', 'README.md'],
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
  return { flows: join(dir, 'conn.log.labeled'), readings: join(dir, 'readings.csv'), incidents }
}
