/**
 * The alarm contract: asked for r false alarms a device-day, how many come on benign records that nobody has seen?
 * Trained on the first half in time, counted in the second. Bursts of one device within ten minutes are one alarm.
 *
 * Data: the benign flows of IoT-23 captures (Garcia, Parmisano & Erquiaga 2020), and simulated homes and factories of
 * fixed seeds, one of them a week.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, train } from '../src/pipeline.ts'
import { writeSimulation } from '../src/simulate/write-simulation.ts'
import { sharedData } from '../test/shared-data.ts'
import { noData, verdict } from './verdict.ts'

/** Alarms a device-day. */
const ASKED = [10, 1, 0.2] as const
const SIMULATIONS = [
  { seed: 101, devices: 20, hours: 48 },
  { seed: 102, devices: 40, hours: 72 },
  { seed: 103, devices: 12, hours: 168 },
  { seed: 104, devices: 60, hours: 48 },
] as const
const BAR = { devices: 0.9, least: 0.1 }

export async function run(): Promise<void> {
  const counts = new Map(ASKED.map((r) => [r, new Count()]))
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-alarms-'))
  console.log('set'.padEnd(24) + ASKED.map((r) => `r = ${r.toPrecision(2)}`.padEnd(28)).join(''))
  try {
    for (const { seed, devices, hours } of SIMULATIONS) {
      const dir = join(folder, String(seed))
      await writeSimulation(dir, { seed, devices, hours, files: ['conn.log.labeled'] })
      await measure(`simulation ${devices} × ${hours} h`, join(dir, 'conn.log.labeled'), counts)
    }
    const captures = sharedData('iot23')
    if (!captures) return noData('alarms', 'iot23')
    for (const name of readdirSync(captures).sort()) {
      const path = ['conn.log.labeled', 'conn.csv'].map((f) => join(captures, name, f)).find(existsSync)
      if (path) await measure(`IoT-23 ${name}`, path, counts)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const all = [...counts.values()]
  verdict({
    name: 'alarms',
    figure: [...counts].map(([r, count]) => `asked ${r.toPrecision(2)}: kept on ${count.text}`).join('; '),
    bar: `at most 2 r on ${100 * BAR.devices} % of devices, at least ${BAR.least} r on average`,
    met: all.every((c) => c.met),
  })
}

/** Devices that kept the promise, and alarms in all. */
class Count {
  devices = 0
  kept = 0
  alarms = 0
  accepted = 0

  add(asked: number, days: number, alarms: number): void {
    this.devices++
    if (alarms <= 2 * asked * days) this.kept++
    this.alarms += alarms
    this.accepted += asked * days
  }

  get text(): string {
    const kept = `${((100 * this.kept) / this.devices).toFixed(0)} % of ${this.devices}`
    return `${kept}, mean ${(this.alarms / this.accepted).toFixed(2)} r`
  }

  get met(): boolean {
    return this.kept >= BAR.devices * this.devices && this.alarms >= BAR.least * this.accepted
  }
}

async function measure(name: string, path: string, counts: ReadonlyMap<number, Count>): Promise<void> {
  const cells: string[] = []
  for (const [asked, count] of counts) {
    const { bundles } = await train([path], { benign: true, first: 0.5, falseAlarms: `${asked}/device-day` })
    const { falseAlarms } = await evaluate([path], bundles, { after: bundles[0]!.summary.to! })
    const own = new Count()
    for (const { alarms, days } of Object.values(falseAlarms.byDevice)) {
      if (!(days > 0)) continue
      own.add(asked, days, alarms)
      count.add(asked, days, alarms)
    }
    cells.push(own.text)
  }
  console.log(name.padEnd(24) + cells.map((cell) => cell.padEnd(28)).join(''))
}
