import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer } from '../../src/store/model-bundle.ts'
import { readingsFile, sampleReadings } from './readings.ts'
import { type Running, running } from './running.ts'
import { anomaly, DAY, keep } from './seed.ts'

let api: Running
let folder: string
beforeAll(async () => {
  api = await running()
  folder = mkdtempSync(join(tmpdir(), 'motewatch-feedback-'))
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

describe('feedback', () => {
  it('changes what is alarmed next, and is taken back', async () => {
    await keep(api.service.store, [anomaly('nobody', DAY)])
    const none = await api.ask('PUT', '/api/v1/anomalies/1/feedback', { verdict: 'expected' })
    expect([none.status, none.body.detail]).toEqual([409, 'there is no active model for readings to keep it'])

    const { bundles } = await train([readingsFile(folder, 900)], { model: 'both', workers: 1 })
    const { models, anomalies } = api.service.store
    const { id: model } = await models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), 'test')
    await models.activate(model)
    const [reading] = sampleReadings(1, 2, Date.UTC(2025, 2, 6, 8))
    const hot = { ...reading!, temperature: 90 }
    const ask = async () =>
      (await api.ask('POST', '/api/v1/detect', { readings: [hot], store: false })).body.anomalies
    const [found] = await ask()
    expect(found.device).toBe('device1')
    // Kept as detection keeps it, so that a person can speak about it.
    const processed = { ...anomaly('device1', DAY + 3600), ...found, timestamp: DAY + 28_800 }
    const [kept] = await keep(api.service.store, [processed])

    const said = await api.ask('PUT', `/api/v1/anomalies/${kept}/feedback`, {
      verdict: 'expected',
      note: 'a test of the heating',
    })
    expect(said.status).toBe(200)
    expect(said.body).toMatchObject({
      verdict: 'expected',
      by: 'local',
      devices: ['device1'],
      kind: 'readings',
    })
    expect((await anomalies.get(kept!))!.feedback).toBe('expected')
    const { items } = (await api.ask('GET', '/api/v1/feedback')).body
    expect(items).toEqual([said.body])
    // The inline detector looks for changed models once a second.
    await expect.poll(ask, { timeout: 8000, interval: 200 }).toEqual([])

    expect((await api.ask('DELETE', `/api/v1/feedback/${said.body.id}`)).status).toBe(204)
    expect((await api.ask('DELETE', `/api/v1/feedback/${said.body.id}`)).status).toBe(404)
    await expect.poll(async () => (await ask()).length, { timeout: 8000, interval: 200 }).toBe(1)
  })

  it('about an incident is about all of it', async () => {
    const said = await api.ask('PUT', '/api/v1/incidents/1/feedback', { verdict: 'confirmed' })
    expect(said.body).toMatchObject({ verdict: 'confirmed', devices: ['nobody'], types: ['spike'] })
    const { items } = (await api.ask('GET', '/api/v1/anomalies?incident_id=1')).body
    expect(items.map((a: { feedback: string }) => a.feedback)).toEqual(['confirmed'])
    expect((await api.ask('PUT', '/api/v1/incidents/99/feedback', { verdict: 'expected' })).status).toBe(404)
    expect((await api.ask('PUT', '/api/v1/incidents/1/feedback', { verdict: 'maybe' })).status).toBe(400)
  })
})
