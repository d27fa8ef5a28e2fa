import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytesOf } from '../../src/models/registry.ts'
import type { ModelBundle } from '../../src/store/model-bundle.ts'
import { modelsThrough, SharedModels } from '../../src/store/shared-models.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { tinyModel } from './tiny-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-shared-'))
let store: Store

beforeAll(async () => {
  store = await openStore(join(folder, 'shared.db'))
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const memoryOf = ({ models }: ModelBundle) => bytesOf(models[0]!.detector).buffer

it('has each active model once in memory, until it is another one', async () => {
  const shared = new SharedModels(store.models)
  expect(await shared.active()).toEqual({ signature: '', bundles: [] })
  for (const kind of ['flows', 'readings'] as const) {
    await store.models.activate((await store.models.add(await tinyModel(kind), 'upload')).id)
  }
  const first = await shared.active()
  expect(first.signature).toBe(await store.models.signature())
  expect(first.bundles.map(({ kind }) => kind)).toEqual(['flows', 'readings'])
  expect(memoryOf(first.bundles[0]!)).toBeInstanceOf(SharedArrayBuffer)
  expect(await shared.active()).toBe(first)
  const { id } = await store.models.add(await tinyModel('readings', 3), 'upload')
  await store.models.activate(id)
  const [again, other] = await Promise.all([shared.active(), shared.active()])
  expect(again.signature).not.toBe(first.signature)
  expect(memoryOf(again.bundles[0]!)).toBe(memoryOf(first.bundles[0]!))
  expect(memoryOf(again.bundles[1]!)).not.toBe(memoryOf(first.bundles[1]!))
  expect(memoryOf(again.bundles[1]!)).toBe(memoryOf(other.bundles[1]!))
})

it('hands them to threads without a copy', async () => {
  const shared = new SharedModels(store.models)
  const { bundles, signature } = await shared.active()
  const port = shared.port()
  // The thread changes a byte of what it got, which is seen here: it is the same memory.
  const program = `
    const { workerData: port, parentPort } = require('node:worker_threads')
    port.once('message', ({ models }) => {
      models[0].bytes[models[0].bytes.length - 1] = 77
      parentPort.postMessage(models.map(({ id, sha256 }) => id + ':' + sha256).join(' '))
    })
    port.postMessage('active')`
  const worker = new Worker(program, { eval: true, workerData: port, transferList: [port] })
  const ended = once(worker, 'exit')
  expect(await once(worker, 'message')).toEqual([signature])
  await ended
  expect(new Uint8Array(memoryOf(bundles[0]!)).at(-1)).toBe(77)
})

it('answers through a port one after the other, and says what is wrong', async () => {
  const broken = new SharedModels({ activeBytes: () => Promise.reject(new Error('no database')) })
  await expect(modelsThrough(broken.port()).active()).rejects.toThrow('no database')
  const source = modelsThrough(new SharedModels(store.models).port())
  const [a, b] = await Promise.all([source.active(), source.active()])
  expect(a.signature).toBe(await store.models.signature())
  expect(memoryOf(b.bundles[0]!).byteLength).toBe(memoryOf(a.bundles[0]!).byteLength)
})
