import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DetectAnswer } from '../../src/api/resources/detection.ts'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer } from '../../src/store/model-bundle.ts'
import { readingsFile, sampleReadings } from './readings.ts'
import { type Running, running } from './running.ts'

let api: Running
let folder: string
/** Readings after those that the models learned from. */
const later = sampleReadings(60, 2, Date.UTC(2025, 2, 6, 8))
beforeAll(async () => {
  api = await running()
  folder = mkdtempSync(join(tmpdir(), 'motewatch-detect-'))
  const before = await api.ask('POST', '/api/v1/detect', { readings: later.slice(0, 1) })
  expect(before.status).toBe(409)
  expect(before.body.detail).toContain('no active model')
  const { bundles } = await train([readingsFile(folder, 900)], { model: 'both', workers: 1 })
  const { models } = api.service.store
  for (const bundle of bundles) {
    await models.activate((await models.add(new Uint8Array(bundleToBuffer(bundle)), 'test')).id)
  }
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const hot = { ...later[0]!, id: 'device2', temperature: 500, vibration: 90 }

describe('inline readings', () => {
  it('are judged and explained; nothing is left behind', async () => {
    const { status, body } = await api.ask('POST', '/api/v1/detect', {
      readings: [...later.slice(0, 5), hot],
      threshold: 0.7,
      model: 'both',
      store: false,
    })
    expect(status).toBe(200)
    expect(DetectAnswer.parse(body)).toEqual(body)
    expect(body).toMatchObject({ kind: 'readings', scored: 6, threshold: 0.7, stored: null })
    expect(body.results.map((r: { device: string }) => r.device)).toEqual([
      ...later.slice(0, 5).map(({ id }) => id),
      'device2',
    ])
    expect(body.results.map((r: { anomaly: boolean }) => r.anomaly)).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
    ])
    expect(body.results[0].timestamp).toBe('2025-03-06T08:00:00.000Z')
    const [anomaly] = body.anomalies
    expect(anomaly).toMatchObject({ record: 5, device: 'device2', fields: { temperature: 500 } })
    const features = anomaly.affected_features.map((f: { feature: string }) => f.feature).join()
    expect(features).toMatch(/temperature|vibration/)
    expect((await api.ask('GET', '/api/v1/devices')).body.items).toEqual([])
    expect(await api.service.store.journal.after(0)).toEqual([])
  })

  it('with one model, and with a threshold that everything reaches', async () => {
    const ask = (more: object) =>
      api.ask('POST', '/api/v1/detect', { readings: later.slice(0, 3), store: false, ...more })
    const forest = (await ask({ model: 'isolation-forest' })).body
    expect(forest.models).toEqual(['isolation-forest'])
    expect((await ask({ threshold: 0 })).body.anomalies).toHaveLength(3)
    expect((await ask({ threshold: 1 })).body.anomalies).toHaveLength(0)
    const missing = await ask({ model: 'autoencoder' })
    expect(missing.status).toBe(400)
    expect(missing.body.detail).toContain('the readings model has isolation-forest, lof')
  })

  it('are the same asked one at a time or by many at once', async () => {
    const one = async (reading: object) =>
      (await api.ask('POST', '/api/v1/detect', { readings: [reading], store: false })).body.results[0]
    const alone = []
    for (const reading of later) alone.push(await one(reading))
    expect(await Promise.all(later.map(one))).toEqual(alone)
  })

  it('are stored where that is not refused', async () => {
    const { body } = await api.ask('POST', '/api/v1/detect', { readings: [hot] })
    expect(body.stored).toEqual({ read: 1, accepted: 1, duplicates: 0, rejected: 0, problems: [] })
    expect(body.anomalies).toHaveLength(1)
    const again = await api.ask('POST', '/api/v1/detect', { readings: [hot] })
    expect(again.body.stored).toMatchObject({ accepted: 0, duplicates: 1 })
    const data = await api.ask('GET', '/api/v1/data?device_id=device2')
    expect(data.body.items).toMatchObject([
      { metrics: { temperature: 500, 'network.latency': expect.any(Number) } },
    ])
  })

  it.each([
    [{ readings: [later[0], { id: 'x' }] }, 'body.readings[1].timestamp'],
    [{ readings: [{ ...later[0], temperature: '65.2' }] }, 'body.readings[0].temperature'],
    [{ readings: [] }, 'body.readings'],
    [{ readings: [1] }, 'body.readings[0]'],
    [{ readings: [later[0]], threshold: 2 }, 'body.threshold'],
    [{ readings: [later[0]], modle: 'lof' }, 'body.modle'],
    [{ flows: [{ ts: 1, orig_h: 'nonsense', resp_h: '10.0.0.1' }] }, 'body.flows[0].orig_h'],
  ])('%j names the wrong field', async (body, path) => {
    const answer = await api.ask('POST', '/api/v1/detect', body)
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0].path).toBe(path)
  })
})
