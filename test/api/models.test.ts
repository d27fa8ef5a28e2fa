import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { train } from '../../src/pipeline.ts'
import { saveBundles } from '../../src/store/model-bundle.ts'
import { readingsFile } from './readings.ts'
import { type Running, running } from './running.ts'

let api: Running
let folder: string
let model: Buffer
beforeAll(async () => {
  api = await running()
  folder = mkdtempSync(join(tmpdir(), 'motewatch-models-'))
  const { bundles } = await train([readingsFile(folder, 300)], { model: 'isolation-forest', workers: 1 })
  await saveBundles(folder, bundles)
  model = readFileSync(join(folder, 'readings.model'))
})
afterAll(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const upload = (bytes: Uint8Array) => api.upload('/api/v1/models', bytes, '../../etc/passwd')

describe('models', () => {
  it('are uploaded, activated, rolled back, downloaded and deleted', async () => {
    const first = await upload(model)
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ id: 1, kind: 'readings', active: false, origin: 'upload' })
    expect((await upload(model)).body.id).toBe(2)
    for (const id of [1, 2]) {
      const { status, body } = await api.ask('POST', `/api/v1/models/${id}/activate`)
      expect([status, body.active]).toEqual([200, true])
    }
    const back = await api.ask('POST', '/api/v1/models/active/roll-back', { kind: 'readings' })
    expect(back.body).toMatchObject({ id: 1, active: true })
    const again = await api.ask('POST', '/api/v1/models/active/roll-back', { kind: 'readings' })
    expect([again.status, again.body.title]).toEqual([409, 'Conflict'])
    const list = await api.ask('GET', '/api/v1/models?kind=readings')
    expect(list.body.items.map((m: { active: boolean }) => m.active)).toEqual([false, true])
    const card = await api.ask('GET', '/api/v1/models/1')
    expect(card.body.card).toMatchObject({ rows: { seen: 300 } })
    const file = await api.app.inject('/api/v1/models/1/file')
    expect(file.headers['content-type']).toBe('application/octet-stream')
    expect(file.rawPayload.equals(model)).toBe(true)
    expect((await api.ask('DELETE', '/api/v1/models/1')).status).toBe(409)
    expect((await api.ask('DELETE', '/api/v1/models/2')).status).toBe(204)
    expect((await api.ask('DELETE', '/api/v1/models/2')).status).toBe(404)
    const events = await api.service.store.events.after(0)
    expect(events.map((e) => [e.type, JSON.parse(e.data_json).what])).toEqual([
      ['model', 'activated'],
      ['model', 'activated'],
      ['model', 'rolled back'],
    ])
  })

  it('refuses what is no model, and what is damaged', async () => {
    const before = (await api.ask('GET', '/api/v1/models')).body.items.length
    const damaged = Buffer.from(model)
    damaged[damaged.length >> 1]! ^= 255
    for (const bytes of [
      Buffer.from('#!/bin/sh\nrm -rf /'),
      damaged,
      model.subarray(0, 1000),
      Buffer.alloc(0),
    ]) {
      const reply = await upload(bytes)
      expect(reply.status).toBe(400)
      expect(reply.headers['content-type']).toContain('application/problem+json')
    }
    const empty = await api.ask('POST', '/api/v1/models', {})
    expect(empty.status).toBe(415)
    expect((await api.ask('GET', '/api/v1/models')).body.items).toHaveLength(before)
  })
})
