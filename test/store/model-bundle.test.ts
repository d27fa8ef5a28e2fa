import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer, loadBundles, type ModelBundle, saveBundles } from '../../src/store/model-bundle.ts'
import { connLog } from '../pipeline/conn-log.ts'

const dir = mkdtempSync(join(tmpdir(), 'motewatch-bundle-'))
afterAll(() => rmSync(dir, { recursive: true }))

describe('a model bundle', () => {
  let bundle: ModelBundle
  let bytes: Buffer
  beforeAll(async () => {
    const log = join(dir, 'conn.log')
    writeFileSync(log, connLog({ flows: 400, seed: 1, attack: false }))
    bundle = (await train([log])).bundles[0]!
    bytes = Buffer.from(new Uint8Array(bundleToBuffer(bundle)))
  })

  /** A models folder whose flows.model holds `content`. */
  function folder(name: string, content: Uint8Array, file = 'flows.model'): string {
    const path = join(dir, name)
    mkdirSync(path)
    writeFileSync(join(path, file), content)
    return path
  }

  it('comes back from its folder as it was, over an older one, leaving nothing else behind', async () => {
    const path = folder('models', Buffer.from('older'))
    await saveBundles(path, [bundle])
    expect(readdirSync(path)).toEqual(['flows.model'])
    expect(readFileSync(join(path, 'flows.model')).equals(bytes)).toBe(true)
    const [again, ...others] = await loadBundles(path)
    expect(others).toEqual([])
    expect(again!.summary).toEqual(bundle.summary)
    expect(again!.space.specs).toEqual(bundle.space.specs)
    for (const [m, { detector, calibration }] of again!.models.entries()) {
      const before = bundle.models[m]!
      expect(calibration).toEqual(before.calibration)
      expect(Buffer.from(new Uint8Array(detector.toBuffer()))).toEqual(
        Buffer.from(new Uint8Array(before.detector.toBuffer())),
      )
    }
  })

  it('keeps the old model when the new one cannot be written', async () => {
    const path = folder('kept', bytes)
    const broken = {
      ...bundle,
      models: [{ ...bundle.models[0]!, detector: { ...bundle.models[0]!.detector } }],
    }
    await expect(saveBundles(path, [broken as unknown as ModelBundle])).rejects.toThrow()
    expect(readdirSync(path)).toEqual(['flows.model'])
    expect(readFileSync(join(path, 'flows.model')).equals(bytes)).toBe(true)
  })

  it('holds data only: no code, no more than its parts', () => {
    const parts = bundle.models.reduce((sum, m) => sum + m.detector.toBuffer().byteLength, 0)
    expect(bytes.length).toBeLessThan(parts + 200_000)
  })

  it('is refused when cut off anywhere, with place and remedy', async () => {
    for (const share of [0, 0.0001, 0.01, 0.5, 0.999]) {
      const path = folder(`cut-${share}`, bytes.subarray(0, Math.floor(bytes.length * share)))
      await expect(loadBundles(path)).rejects.toThrow(/flows\.model: .*train again/)
    }
  })

  it('is refused when a bit flipped, wherever it is', async () => {
    for (const at of [0, 3, 9, 17, 40, 500, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 4
      await expect(loadBundles(folder(`flip-${at}`, damaged))).rejects.toThrow(/flows\.model: .*train again/)
    }
  })

  it('is refused when of another version, saying both', async () => {
    const other = Buffer.from(bytes)
    other.writeUInt32LE(99, 8)
    await expect(loadBundles(folder('version', other))).rejects.toThrow(
      /has version 99, this program reads version 3; train again/,
    )
  })

  it('is refused when it is something else, or under the wrong name', async () => {
    await expect(
      loadBundles(folder('text', Buffer.from('not a model at all, but longer than a header'))),
    ).rejects.toThrow(/expected a MOTEWTCH model/)
    await expect(loadBundles(folder('kind', bytes, 'readings.model'))).rejects.toThrow(
      /holds a model for flows; rename it to flows\.model/,
    )
  })

  it('is missed with a way to make one', async () => {
    await expect(loadBundles(join(dir, 'nowhere'))).rejects.toThrow(
      /nowhere expects flows\.model or readings\.model, found neither; make them with `motewatch train/,
    )
  })
})
