import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFlows, readReadings } from '../../src/adapters/read.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import { bundledSample } from '../../src/simulate/bundled-sample.ts'
import { ATTACK_NAMES, FAULT_NAMES } from '../../src/simulate/simulation.ts'
import { SIMULATION_FILES, writeSimulation } from '../../src/simulate/write-simulation.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'motewatch-simulate-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const digests = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((f) => `${f} ${digest(join(folder, f))}`)

describe('writeSimulation', () => {
  const options = { devices: 12, hours: 2, attacks: ATTACK_NAMES, faults: FAULT_NAMES, seed: 2 }

  it('writes the same bytes each time, in all files and no others', async () => {
    const a = await writeSimulation(join(dir, 'a'), options)
    await writeSimulation(join(dir, 'b'), options)
    expect(readdirSync(join(dir, 'a')).sort()).toEqual([...SIMULATION_FILES].sort())
    expect(digests(join(dir, 'a'))).toEqual(digests(join(dir, 'b')))
    for (const file of a.files) expect(statSync(file).size).toBeGreaterThan(0)
  })

  it('writes tables that read back as what was simulated', async () => {
    const a = await writeSimulation(join(dir, 'a'), options)
    for (const name of ['conn.log.labeled', 'flows.csv', 'flows.ndjson']) {
      const flows = await readFlows(join(dir, 'a', name))
      expect(flows.length).toBe(a.flows)
      const malicious = Array.from({ length: flows.length }, (_, i) => stringAt(flows.label!, i)).filter(
        (l) => l.toLowerCase() === 'malicious',
      )
      const attacks = a.incidents.filter((i) => i.kind === 'attack')
      expect(malicious.length).toBe(attacks.reduce((sum, i) => sum + i.records, 0))
    }
    for (const name of ['readings.csv', 'readings.ndjson']) {
      const readings = await readReadings(join(dir, 'a', name))
      expect(readings.length).toBe(a.readings)
      expect([...readings.metrics.keys()]).toContain('network.latency')
    }
    const incidents = JSON.parse(readFileSync(join(dir, 'a', 'incidents.json'), 'utf8'))
    expect(incidents).toEqual(a.incidents)
    for (const incident of a.incidents) expect(incident.records, incident.description).toBeGreaterThan(0)
  })

  it('writes only the files asked for', async () => {
    const some = await writeSimulation(join(dir, 'some'), {
      ...options,
      files: ['readings.csv', 'incidents.json'],
    })
    expect(readdirSync(join(dir, 'some')).sort()).toEqual(['incidents.json', 'readings.csv'])
    expect(some.flows).toBe(0)
    expect(some.incidents.every((i) => i.kind === 'fault')).toBe(true)
  })

  it('says where it cannot write and leaves nothing half-written', async () => {
    writeFileSync(join(dir, 'file'), '')
    await expect(writeSimulation(join(dir, 'file'), options)).rejects.toThrow(
      'a part of the path is a file, not a folder',
    )
    expect(readFileSync(join(dir, 'file'), 'utf8')).toBe('')
  })
})

describe('the bundled sample', () => {
  it('is the same each time, several days long, with every kind of incident at the end', async () => {
    const sample = await bundledSample(join(dir, 'sample'))
    await bundledSample(join(dir, 'again'))
    expect(digests(join(dir, 'sample'))).toEqual(digests(join(dir, 'again')))
    expect(sample.incidents.map((i) => i.type).sort()).toEqual([...ATTACK_NAMES, ...FAULT_NAMES].sort())
    for (const incident of sample.incidents) expect(incident.records).toBeGreaterThan(5)
    const flows = await readFlows(sample.flows)
    const [from, to] = [flows.ts[0]!, flows.ts[flows.length - 1]!]
    expect(to - from).toBeGreaterThan(3.9 * 86400)
    const firstBad = Array.from({ length: flows.length }, (_, i) => i).find(
      (i) => stringAt(flows.label!, i).toLowerCase() !== 'benign',
    )
    expect(flows.ts[firstBad!]! - from).toBeGreaterThan((2 / 3) * (to - from) - 60)
  })
})
