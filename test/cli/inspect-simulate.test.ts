import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { motewatch } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-inspect-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent('inspect', () => {
  const readings = [
    'id,timestamp,temperature,humidity,comment',
    ...Array.from({ length: 30 }, (_, i) => `d${i % 2},2023-03-01T08:00:${10 + i}Z,${20 + i / 10},40,hello`),
    'd1,2023-03-01T09:00:00Z,warm,40,broken',
  ].join('\n')

  it('says what it is, which columns it uses, whose records, what is wrong', async () => {
    const { code, stdout, stderr } = await motewatch(['inspect', '--input', '-'], { input: readings })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('<stdin>: readings, csv')
    expect(stdout).toMatch(/31 rows = \d+ used \+ \d+ rejected/)
    expect(stdout).toContain('time 2023-03-01T08:00:10Z to ')
    expect(stdout).toMatch(/devices: d[01] \(1[56]\), d[01] \(15\)/)
    expect(stdout).toContain('temperature')
    expect(stdout).toContain('not used: comment')
  })

  it('does so in JSON, of several files', async () => {
    const path = join(folder, 'readings.csv')
    writeFileSync(path, readings)
    const { code, stdout } = await motewatch(['inspect', '--input', path, path, '--json'])
    expect(code).toBe(0)
    const { sources } = JSON.parse(stdout)
    expect(sources).toHaveLength(2)
    expect(sources[0]).toMatchObject({
      source: path,
      kind: 'readings',
      start: '2023-03-01T08:00:10Z',
      read: 31,
    })
    expect(sources[0].used + sources[0].rejected).toBe(31)
  })
})

describe.concurrent('simulate', () => {
  it('makes files that the other commands read', async () => {
    const output = join(folder, 'demo')
    const args = [
      'simulate',
      '--devices',
      '4',
      '--hours',
      '1',
      '--attacks',
      'scan',
      '--output',
      output,
      '--json',
    ]
    const { code, stdout, stderr } = await motewatch(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { devices, flows, packets, incidents, files } = JSON.parse(stdout)
    expect(devices).toBe(4)
    expect(incidents).toMatchObject([{ type: 'scan' }])
    for (const file of files) expect(statSync(file).size).toBeGreaterThan(0)
    expect(readdirSync(output).filter((name) => name.endsWith('.part'))).toEqual([])

    const read = await motewatch(['flows', '--input', join(output, 'capture.pcap'), '--json'])
    const result = JSON.parse(read.stdout)
    expect(result.sources[0].read).toBe(packets)
    expect(Math.abs(result.summary.flows - flows) / flows).toBeLessThan(0.1)
  })
})
