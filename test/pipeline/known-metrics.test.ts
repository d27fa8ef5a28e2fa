import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DetectSummary } from '../../src/pipeline/options.ts'
import { detect, train } from '../../src/pipeline.ts'
import type { ModelBundle } from '../../src/store/model-bundle.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-metrics-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** Readings of one sensor a minute, with the named metrics. */
function readings(name: string, metrics: readonly string[]): string {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const values = metrics.map((_, j) => (20 + j + Math.sin(i * 0.7 + j) + (i % 7) * 0.1).toFixed(3))
    return `${new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString()},sensor-1,${values.join(',')}`
  })
  const path = join(dir, name)
  writeFileSync(path, `timestamp,device,${metrics.join(',')}\n${rows.join('\n')}\n`)
  return path
}

async function summaryOf(input: string, bundles: readonly ModelBundle[]): Promise<DetectSummary> {
  const run = detect([input], bundles, { workers: 1 })
  for (;;) {
    const { value, done } = await run.next()
    if (done) return value
  }
}

describe('metrics of an input and of its model', () => {
  let bundles: readonly ModelBundle[]
  beforeAll(async () => {
    const input = readings('learned.csv', ['temperature', 'humidity'])
    bundles = (await train([input], { model: 'isolation-forest', workers: 1 })).bundles
  })

  it('says nothing where they agree', async () => {
    const { reports, thresholds } = await summaryOf(
      readings('same.csv', ['humidity', 'temperature']),
      bundles,
    )
    expect(reports[0]!.notes.filter((note) => note.includes('the model learned'))).toEqual([])
    expect(Object.keys(thresholds)).toEqual(['readings'])
  })

  it('notes a metric that the whole input lacks', async () => {
    const { reports } = await summaryOf(readings('lacking.csv', ['temperature']), bundles)
    expect(reports[0]!.notes.join()).toContain('has no humidity, which the model learned')
  })

  it('refuses an input that has none of them', async () => {
    const other = readings('other.csv', ['pressure', 'voltage'])
    await expect(summaryOf(other, bundles)).rejects.toThrow(
      `${other} has pressure, voltage, but the readings model learned temperature, humidity; train on data`,
    )
  })
})
