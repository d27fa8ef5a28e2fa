import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { feedbackOn, withFeedback } from '../../src/feedback/entry.ts'
import { SOONER } from '../../src/feedback/judge.ts'
import type { DetectSummary } from '../../src/pipeline/options.ts'
import { detect, train } from '../../src/pipeline.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import type { Feedback } from '../../src/schema/feedback.ts'
import { loadBundles, type ModelBundle, saveBundles } from '../../src/store/model-bundle.ts'
import { someFlows, someReadings, sourceOf } from './some-data.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-feedback-'))
const usual = sourceOf(someFlows(1500), someReadings(1500))
const odd = sourceOf(
  someFlows(1500, { seed: 2, attack: true }),
  someReadings(1500, { seed: 2, faults: true }),
)
const quick = { model: 'both', workers: 1 } as const
let bundles: readonly ModelBundle[]
let before: Told

interface Told {
  readonly anomalies: readonly Anomaly[]
  readonly summary: DetectSummary
}

beforeAll(async () => {
  bundles = (await train(usual, quick)).bundles
  before = await told([])
}, 60_000)
afterAll(() => rmSync(dir, { recursive: true }))

async function told(entries: readonly Feedback[], of = bundles): Promise<Told> {
  const anomalies: Anomaly[] = []
  const given = of.map((bundle) => withFeedback(bundle, entries))
  const stream = detect(odd, given, { workers: 1, drift: false })
  for (;;) {
    const next = await stream.next()
    if (next.done) return { anomalies, summary: next.value }
    anomalies.push(...next.value)
  }
}

describe('feedback', () => {
  it('that an incident is expected hides it and nothing of other devices; all is counted', async () => {
    const incident = before.summary.incidents.find(({ kind, count }) => kind === 'flows' && count > 10)!
    const entry = feedbackOn(incident, 'expected', { at: 1 })
    const after = await told([entry])
    const { suppressed, byEntry } = after.summary.feedback
    const own = before.anomalies.filter((a) => a.incident === incident.id)
    const left = after.anomalies.filter((a) => a.incident === incident.id)
    expect(left.length).toBeLessThan(0.2 * own.length)
    expect(suppressed).toBeGreaterThan(0)
    expect(byEntry).toEqual({ [entry.id]: suppressed })
    expect(after.summary.anomalies + suppressed).toBe(before.summary.anomalies)
    const devices = new Set(incident.devices.map(({ device }) => device))
    const others = (all: readonly Anomaly[]) => all.filter(({ device }) => !devices.has(device))
    expect(others(after.anomalies)).toEqual(others(before.anomalies))
  })

  it('that was confirmed tells the like of it sooner, by as much as is promised', async () => {
    const { incidents } = before.summary
    const entries = incidents.map((incident, i) => feedbackOn(incident, 'confirmed', { at: i + 1 }))
    const after = await told(entries)
    const sooner = after.anomalies.filter(({ confirmed_by }) => confirmed_by !== undefined)
    expect(sooner.length).toBeGreaterThan(0)
    expect(after.summary.feedback.sooner).toBe(sooner.length)
    const ids = new Set(entries.map(({ id }) => id))
    for (const { confirmed_by, p_value, fields } of sooner) {
      const kind = fields.resp_h === undefined ? 'readings' : 'flows'
      const threshold = before.summary.thresholds[kind]!
      const line = (0.01 * (1 - threshold)) / threshold
      expect(ids).toContain(confirmed_by)
      expect(p_value).toBeGreaterThan(line * 0.999)
      expect(p_value).toBeLessThanOrEqual(line * 10 ** SOONER * 1.001)
    }
    const known = new Set(after.anomalies.map(({ record }) => record))
    expect(before.anomalies.filter(({ record }) => !known.has(record))).toEqual([])
  })

  it('is kept with the model, survives training again, and taken back leaves exactly what was before', async () => {
    const [incident] = before.summary.incidents
    const entry = feedbackOn(incident!, 'expected', { at: 1, note: 'known' })
    await saveBundles(
      dir,
      bundles.map((bundle) => withFeedback(bundle, [entry])),
    )
    const kept = (await loadBundles(dir)).find(({ kind }) => kind === entry.kind)
    expect(kept?.feedback).toEqual([entry])

    await saveBundles(dir, (await train(usual, { ...quick, seed: 5 })).bundles)
    const again = (await loadBundles(dir)).find(({ kind }) => kind === entry.kind)
    expect(again?.summary.seed).toBe(5)
    expect(again?.feedback).toEqual([entry])

    await saveBundles(
      dir,
      bundles.map((bundle) => withFeedback(bundle, [])),
    )
    const clean = await loadBundles(dir)
    expect(clean.flatMap(({ feedback }) => feedback)).toEqual([])
    expect((await told([], clean)).anomalies).toEqual(before.anomalies)
  })
})
