/**
 * Whether incidents get the right type: of attacks and sensor faults simulated with fixed seeds, and of the flows found
 * in IoT-23 (Garcia, Parmisano & Erquiaga 2020) by family. An incident that was found counts; how many are found is
 * measured elsewhere.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ATTACK_NAMES, FAULT_NAMES } from '../src/simulate/simulation.ts'
import { type WrittenIncident, writeSimulation } from '../src/simulate/write-simulation.ts'
import { captures, type Found, familyOf, found, foundIn, type Row } from './found.ts'
import { noData, verdict } from './verdict.ts'

const SEEDS = [21, 22, 23, 24]
const BAR = 0.9
/** Share of its records from which an incident is found; below, chance found them. */
const FOUND = 0.05

const wordOf: Readonly<Record<string, string>> = {
  scan: 'port scan',
  flood: 'flood',
  beacon: 'beaconing',
  exfiltration: 'exfiltration',
  bruteforce: 'brute force',
}

export async function run(): Promise<void> {
  await simulated()
  await real()
}

async function simulated(): Promise<void> {
  let right = 0
  let all = 0
  for (const seed of SEEDS) {
    const dir = mkdtempSync(join(tmpdir(), 'motewatch-types-'))
    try {
      const { incidents } = await writeSimulation(dir, {
        devices: 20,
        hours: 72,
        attacks: [...ATTACK_NAMES, ...ATTACK_NAMES],
        faults: [...FAULT_NAMES, ...FAULT_NAMES],
        seed,
        files: ['conn.log.labeled', 'readings.csv'],
      })
      const inputs = [join(dir, 'conn.log.labeled'), join(dir, 'readings.csv')]
      const result = await found(inputs, { benign: true, first: 2 / 3 })
      for (const incident of incidents) {
        const mine = result.rows.filter((row) => isOf(row, incident))
        if (mine.length < FOUND * incident.records) continue
        const wanted = wordOf[incident.type] ?? incident.type
        const got = typeOfMost(mine, result)
        all++
        if (got === wanted) right++
        else {
          const what = `${incident.type} (${incident.variant}) of ${incident.device_name}`
          console.log(
            `seed ${seed}: ${what}, ${mine.length} of ${incident.records} records, taken for ${got}`,
          )
        }
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  }
  verdict({
    name: 'types simulated',
    figure: `${right} of ${all} incidents found have the right type (${percent(right / all)})`,
    bar: percent(BAR),
    met: right >= BAR * all,
  })
}

function isOf({ device, ts, label }: Row, incident: WrittenIncident): boolean {
  return (
    [incident.device, incident.device_name, incident.address].includes(device) &&
    ts >= incident.start &&
    ts <= incident.end + 1 &&
    label.toLowerCase() === incident.detailed_label.toLowerCase()
  )
}

/** Type of the incident that most of the rows are part of. */
function typeOfMost(rows: readonly Row[], { incidents }: Found): string {
  const counts = new Map<number, number>()
  for (const { incident } of rows) counts.set(incident, (counts.get(incident) ?? 0) + 1)
  const [most] = [...counts].sort((a, b) => b[1] - a[1])
  return incidents.get(most![0])?.type ?? 'nothing'
}

async function real(): Promise<void> {
  const logs = captures()
  if (logs.length === 0) return noData('types iot23', 'iot23')
  const families = new Map<string, { flows: number; byIncident: number; byFlow: number }>()
  console.log('capture  label                              found  type of incident  of flow')
  for (const { name, log } of logs) {
    const { rows, incidents } = await foundIn(log)
    for (const label of [...new Set(rows.map((row) => row.label))].sort()) {
      const family = familyOf(label)
      if (!family) continue
      const mine = rows.filter((row) => row.label === label)
      const byIncident = mine.filter((row) => incidents.get(row.incident)?.type === family).length
      const byFlow = mine.filter((row) => row.type === family).length
      const sum = families.get(family) ?? { flows: 0, byIncident: 0, byFlow: 0 }
      sum.flows += mine.length
      sum.byIncident += byIncident
      sum.byFlow += byFlow
      families.set(family, sum)
      console.log(
        `${name.padEnd(8)} ${label.padEnd(34)} ${String(mine.length).padStart(5)}  ${percent(byIncident / mine.length).padStart(16)}  ${percent(byFlow / mine.length).padStart(7)}`,
      )
    }
  }
  for (const [family, { flows, byIncident, byFlow }] of families) {
    verdict({
      name: `types iot23 ${family}`,
      figure: `${percent(byIncident / flows)} of ${flows} flows found are in an incident of that type, ${percent(byFlow / flows)} have it themselves`,
      bar: percent(BAR),
      met: byIncident >= BAR * flows,
    })
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
