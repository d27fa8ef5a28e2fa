import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DetectOptions, DetectSummary } from '../src/pipeline/options.ts'
import { detect, evaluate, train } from '../src/pipeline.ts'
import type { Anomaly } from '../src/schema/anomaly.ts'
import { bundleFromBuffer, bundleToBuffer, type ModelBundle } from '../src/store/model-bundle.ts'
import { connLog } from './pipeline/conn-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-pipeline-'))
afterAll(() => rmSync(dir, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

async function collect(
  inputs: readonly string[],
  bundles: readonly ModelBundle[],
  options?: DetectOptions,
): Promise<{ anomalies: Anomaly[]; summary: DetectSummary }> {
  const anomalies: Anomaly[] = []
  const run = detect(inputs, bundles, { workers: 1, ...options })
  for (;;) {
    const { value, done } = await run.next()
    if (done) return { anomalies, summary: value }
    anomalies.push(...value)
  }
}

describe('from a log to explained anomalies', () => {
  let benign: string
  let attacked: string
  let bundles: readonly ModelBundle[]
  beforeAll(async () => {
    benign = file('benign.log', connLog({ flows: 2000, seed: 1, attack: false }))
    attacked = file('attacked.log', connLog({ flows: 2000, seed: 2, attack: true }))
    bundles = (await train([benign], { workers: 1 })).bundles
  })

  it('finds the scan, says who, what and why, and leaves the rest alone', async () => {
    const { anomalies, summary } = await collect([attacked], bundles)
    const scan = anomalies.filter((a) => a.label === 'PortScan')
    expect(scan.length).toBeGreaterThan(190)
    expect(anomalies.length - scan.length).toBeLessThan(30)
    expect(summary.scored).toBe(2200)
    expect(summary.anomalies).toBe(anomalies.length)
    expect(Object.keys(summary.byDevice)[0]).toBe('192.168.1.2')
    expect(Object.values(summary.byDevice).reduce((a, b) => a + b)).toBe(anomalies.length)
    expect(summary.reports[0]).toMatchObject({ used: 2200, rejected: 0 })

    const last = scan.at(-1)!
    expect(last).toMatchObject({
      device: '192.168.1.2',
      type: 'port scan',
      source: expect.stringContaining('attacked.log'),
    })
    expect(last.description).toMatch(
      /192\.168\.1\.2 seems to scan: [\d,]+ unusual connections .* ports within two minutes/,
    )
    expect(last.fields).toMatchObject({
      resp_h: '192.168.1.77',
      resp_p: 7400,
      conn_state: 'S0',
      proto: 'tcp',
    })
    expect(last.confidence).toBeGreaterThanOrEqual(summary.threshold)
    expect(last.p_value).toBeLessThan(0.01)
    expect(Object.keys(last.model_confidence)).toEqual(['isolation-forest', 'lof', 'autoencoder'])
    const shares = last.affected_features.map((f) => f.contribution)
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    expect(shares.reduce((a, b) => a + b)).toBeLessThanOrEqual(1 + 1e-9)
  })

  it('tells how high confidence went, and a threshold that nothing can reach', async () => {
    const { anomalies, summary } = await collect([attacked], bundles)
    expect(summary.highest).toBe(Math.max(...anomalies.map((a) => a.confidence)))
    const none = await collect([attacked], bundles, { threshold: 1 })
    expect(none.anomalies).toEqual([])
    expect(none.summary.highest).toBe(summary.highest)
    expect(none.summary.reports[0]!.notes.join()).toMatch(
      /no record can reach threshold 1: .* p-value under \d/,
    )
  })

  it('numbers records as they come, whatever the batches', async () => {
    const { anomalies } = await collect([benign, attacked], bundles)
    const first = anomalies.find((a) => a.label === 'PortScan')!
    const { anomalies: alone } = await collect([attacked], bundles)
    expect(first.record).toBe(alone.find((a) => a.label === 'PortScan')!.record + 2000)
  })

  it('gives the same anomalies with one worker and many', async () => {
    const one = await collect([attacked], bundles, { workers: 1 })
    const many = await collect([attacked], bundles, { workers: 3 })
    expect(many.anomalies).toEqual(one.anomalies)
  })

  it('gives the same model for the same input and seed, another for another seed', async () => {
    const bytes = (b: ModelBundle) => Buffer.from(new Uint8Array(bundleToBuffer(b)))
    const again = (await train([benign], { workers: 3 })).bundles[0]!
    expect(bytes(again).equals(bytes(bundles[0]!))).toBe(true)
    const other = (await train([benign], { seed: 1, workers: 1, model: 'isolation-forest' })).bundles[0]!
    expect(bytes(other).equals(bytes(bundles[0]!))).toBe(false)
  })

  it('gives the same anomalies after the model was kept in a file', async () => {
    const kept = bundleFromBuffer(bundleToBuffer(bundles[0]!), 'flows.model')
    expect((await collect([attacked], [kept])).anomalies).toEqual(
      (await collect([attacked], bundles)).anomalies,
    )
  })

  it.each(['isolation-forest', 'lof', 'autoencoder', 'both'] as const)(
    'scores with %s alone',
    async (model) => {
      const { anomalies } = await collect([attacked], bundles, { model })
      expect(anomalies.filter((a) => a.label === 'PortScan').length).toBeGreaterThan(150)
      expect(Object.keys(anomalies[0]!.model_confidence)).toEqual(
        model === 'both' ? ['isolation-forest', 'lof'] : [model],
      )
    },
  )

  it('says which model is missing', async () => {
    const { bundles: small } = await train([benign], { model: 'lof' })
    await expect(collect([attacked], small, { model: 'all' })).rejects.toThrow(
      /has lof, not isolation-forest, autoencoder; train with --model all/,
    )
    expect((await collect([attacked], small)).anomalies.length).toBeGreaterThan(100)
  })

  it('measures itself against labels', async () => {
    const evaluation = await evaluate([attacked], bundles, { workers: 1 })
    expect(evaluation).toMatchObject({ rows: 2200, benign: 2000, malicious: 200, leftOut: 0 })
    expect(evaluation.ensemble.rocAuc).toBeGreaterThan(0.98)
    expect(evaluation.ensemble.recall).toBeGreaterThan(0.95)
    expect(evaluation.ensemble.falseAlarmRate).toBeLessThan(0.015)
    expect(evaluation.ensemble.byLabel.PortScan!.rows).toBe(200)
    expect(Object.keys(evaluation.models)).toEqual(['isolation-forest', 'lof', 'autoencoder'])
    JSON.stringify(evaluation)
    const { summary, anomalies } = await collect([attacked], bundles)
    const found = evaluation.ensemble.recall! * 200 + evaluation.ensemble.falseAlarmRate! * 2000
    expect(anomalies.length).toBeCloseTo(found, 6)
    expect(evaluation.threshold).toBe(summary.threshold)
  })

  it('keeps its promise: unseen benign flows alarm about as often as p says', async () => {
    const evaluation = await evaluate(
      [file('more.log', connLog({ flows: 6000, seed: 3, attack: false }))],
      bundles,
    )
    for (const { p, falseAlarmRate } of evaluation.thresholds)
      expect(falseAlarmRate).toBeLessThan(2 * p + 0.002)
    expect(evaluation.ensemble.rocAuc).toBeNull()
  })

  it('learns from benign rows only when asked, and warns when it learns attacks', async () => {
    const careless = await train([attacked], { workers: 1, model: 'lof' })
    expect(careless.bundles[0]!.summary.warnings.join()).toMatch(
      /200 of 2200 training rows \(9\.1 %\) are labelled as attacks/,
    )
    const careful = await train([attacked], { benign: true, first: 0.5, workers: 1, model: 'lof' })
    expect(careful.bundles[0]!.summary.warnings).toEqual([])
    expect(careful.bundles[0]!.summary.rows).toMatchObject({ seen: 2000, fitted: 1000 })
    expect(
      (await evaluate([attacked], careful.bundles, { after: careful.bundles[0]!.summary.to! })).benign,
    ).toBe(1000)
  })
})

describe('input that cannot be learned from', () => {
  it('says how many rows are missing', async () => {
    const path = file('short.log', connLog({ flows: 10, seed: 1, attack: false }))
    await expect(train([path])).rejects.toThrow(/at least 50 flows, got 10/)
  })

  it('says when no row is benign, and which options are out of range', async () => {
    const text = connLog({ flows: 100, seed: 1, attack: false }).replaceAll('\tBenign\t', '\tMalicious\t')
    const path = file('bad.log', text)
    await expect(train([path], { benign: true })).rejects.toThrow(/expects benign records, got none/)
    await expect(train([path], { contamination: 0.7 })).rejects.toThrow(
      /contamination expects a number from .* got 0\.7/,
    )
  })

  it('says that there is no model for readings', async () => {
    const log = file('some.log', connLog({ flows: 200, seed: 1, attack: false }))
    const { bundles } = await train([log], { model: 'isolation-forest' })
    const json = file(
      'readings.json',
      JSON.stringify([{ id: 'a', timestamp: '2024-01-01T00:00:00Z', temperature: 20 }]),
    )
    await expect(collect([json], bundles)).rejects.toThrow(/has readings, but the models are for flows/)
    await expect(collect([log], bundles, { threshold: 2 })).rejects.toThrow(
      /threshold expects a number from 0 to 1, got 2/,
    )
  })
})
