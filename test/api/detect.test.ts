import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
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

  it('are judged many at a time as few at a time', async () => {
    const many = sampleReadings(150, 5, Date.UTC(2025, 2, 6, 9))
    many[99] = { ...many[99]!, humidity: -400 }
    const ask = { store: false, threshold: 0.8 }
    const whole = await api.ask('POST', '/api/v1/detect', { readings: many, ...ask })
    expect(DetectAnswer.parse(whole.body)).toEqual(whole.body)
    expect(whole.body.results).toHaveLength(150)
    expect(whole.body.anomalies).toMatchObject([{ record: 99, fields: { humidity: -400 } }])
    // Little enough to be judged on the thread that answers.
    const few = await api.ask('POST', '/api/v1/detect', { readings: many.slice(0, 9), ...ask })
    expect(few.body.results).toEqual(whole.body.results.slice(0, 9))
    const wrong = many.map((r, i) => (i === 77 ? { ...r, timestamp: 'soon' } : r))
    const refused = await api.ask('POST', '/api/v1/detect', { readings: wrong, ...ask })
    expect(refused.status).toBe(400)
    expect(refused.body.errors).toMatchObject([{ path: 'body.readings[77].timestamp' }])
    const lacking = await api.ask('POST', '/api/v1/detect', { readings: many, model: 'autoencoder' })
    expect(lacking.body.detail).toContain('the readings model has isolation-forest, lof')
  })

  it('are stored many at a time, once, however they are written', async () => {
    const many = sampleReadings(90, 6, Date.UTC(2025, 2, 6, 20)).map((r) => ({ ...r, id: `tank ${r.id}` }))
    const ask = (body: string, headers = {}) => api.ask('POST', '/api/v1/detect', body, headers)
    const stored = { read: 90, rejected: 0, problems: [] }
    const first = await ask(JSON.stringify({ readings: many }))
    expect(first.body.stored).toEqual({ ...stored, accepted: 90, duplicates: 0 })
    expect(first.body.notes).toEqual([
      'tank device1, tank device2, tank device3 are no devices that the models learned: they are compared with what is normal for others',
    ])
    const pretty = await ask(JSON.stringify({ store: true, readings: many }, null, 2))
    expect(pretty.body.stored).toEqual({ ...stored, accepted: 0, duplicates: 90 })
    // Names with escapes are read by way of the schema.
    const escaped = await ask(JSON.stringify({ readings: many }).replace('"readings"', '"read\\u0069ngs"'))
    expect(escaped.body.stored).toEqual({ ...stored, accepted: 0, duplicates: 90 })
    const key = { 'idempotency-key': 'ninety' }
    const once = await ask(JSON.stringify({ readings: many }), key)
    const again = await ask(JSON.stringify({ readings: many }), key)
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.body).toEqual(once.body)
  })

  it.each(['', '{"readings":[', '[]', '"readings"', '{"readings":[{"id":"a"}],"__proto__":{}}'])(
    '%s is refused',
    async (body) => {
      const answer = await api.ask('POST', '/api/v1/detect', body)
      expect(answer.status).toBe(400)
      expect(answer.body.title).toMatch(/Bad Request|Invalid request/)
    },
  )

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

describe('stored data of a device', () => {
  it('is judged in the range asked for; anomalies are kept once', async () => {
    const hotter = { ...later[30]!, id: 'pump', temperature: 300, vibration: 70 }
    const own = sampleReadings(150, 3, Date.UTC(2025, 2, 6, 7)).map((r) => ({ ...r, id: 'pump' }))
    // One a minute: of the three devices of the sample only one is taken.
    const every = own.filter((_, i) => i % 3 === 0)
    const sent = await api.ask('POST', '/api/v1/data', [...every, hotter])
    expect(sent.body.rejected).toBe(0)
    const ask = (more: object = {}) =>
      api.ask('POST', '/api/v1/detect', { device_id: 'pump', threshold: 0.7, ...more })
    const { status, body } = await ask({ model: 'both' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ device: 'pump', scored: sent.body.accepted, thresholds: { readings: 0.7 } })
    const times = body.anomalies.map((a: { timestamp: string }) => a.timestamp)
    expect(times).toContain('2025-03-06T08:10:00.000Z')
    // Live detection may have found some of them first; together they are kept once.
    const kept = (await api.ask('GET', '/api/v1/anomalies?device_id=pump')).body.items
    expect(kept.length).toBeGreaterThanOrEqual(body.found)
    const again = await ask()
    expect(again, JSON.stringify(again.body).slice(0, 500)).toMatchObject({ status: 200, body: { kept: 0 } })
    const part = await ask({ from: '2025-03-06T08:05:00Z', store: false })
    expect(part.body.scored).toBe(1)
    const none = await ask({ from: '2030-01-01T00:00:00Z' })
    expect(none.status).toBe(400)
    expect((await ask({ device_id: 'nobody' })).status).toBe(404)
  })
})

describe('a file', () => {
  it('is received under a name of the service’s own and read by a job', async () => {
    const csv = ['id,timestamp,temperature,vibration']
    for (const { timestamp, temperature, vibration } of sampleReadings(90, 4)) {
      csv.push(`boiler,${timestamp},${temperature},${vibration}`)
    }
    const bytes = Buffer.from(csv.join('\n'))
    const { status, headers, body } = await api.upload('/api/v1/detect/file', bytes, '../../outside.csv')
    expect(status).toBe(202)
    expect(headers.location).toBe(`/api/v1/jobs/${body.id}`)
    expect(body.params.upload.name).not.toContain('/')
    let job = body
    for (let i = 0; i < 200 && !['done', 'failed'].includes(job.state); i++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      job = (await api.ask('GET', `/api/v1/jobs/${body.id}`)).body
    }
    expect(job.error).toBeNull()
    expect(job.result.scored).toBe(90)
  })

  it.each([
    ['multipart/form-data', 'x'],
    ['multipart/form-data; boundary=b', ''],
    ['multipart/form-data; boundary=b', 'x'],
    [
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\nid',
    ],
    ['multipart/form-data; boundary=b', '--b\r\nnonsense\r\n\r\nid,timestamp\r\n--b--\r\n'],
    [
      'multipart/form-data; boundary=b',
      '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
    ],
  ])('sent as %s %j is refused', async (type, form) => {
    for (const url of ['/api/v1/detect/file', '/api/v1/train/file', '/api/v1/models']) {
      const { status, body } = await api.ask('POST', url, form, { 'content-type': type })
      expect({ status, body }).toMatchObject({ status: 400, body: { title: 'Invalid request' } })
    }
    // The job before removes its file a moment after it is done.
    await expect.poll(() => readdir(join(api.service.config.data, 'uploads'))).toEqual([])
  })

  it('that is empty, or not sent as a form, is refused', async () => {
    expect((await api.upload('/api/v1/detect/file', Buffer.alloc(0), 'a.csv')).status).toBe(400)
    expect((await api.ask('POST', '/api/v1/detect/file', {})).status).toBe(415)
    expect((await api.upload('/api/v1/detect/file?threshold=2', Buffer.from('x'), 'a.csv')).status).toBe(400)
  })
})
