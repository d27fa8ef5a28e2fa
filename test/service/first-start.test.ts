import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { Config } from '../../src/config/config.ts'
import { train } from '../../src/pipeline.ts'
import { firstStart } from '../../src/service/first-start.ts'
import { startService } from '../../src/service/start.ts'
import { saveBundles } from '../../src/store/model-bundle.ts'
import { connLog } from '../cli/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-first-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the first start', () => {
  it('takes the models of the folder, once', async () => {
    const log = join(folder, 'conn.log')
    writeFileSync(log, connLog(600))
    const { bundles } = await train([log], { model: 'isolation-forest' })
    const models = join(folder, 'models')
    await saveBundles(models, bundles)
    const config = Config.parse({ database: join(folder, 'a.db'), data: folder, models })
    for (let i = 0; i < 2; i++) {
      const service = await startService(config, pino({ level: 'silent' }))
      await firstStart(service)
      const list = await service.store.models.list()
      expect(list).toMatchObject([{ kind: 'flows', active: 1, origin: `folder:${models}` }])
      expect(await service.jobs.list({}, 10)).toEqual([])
      expect(await service.waiting()).toEqual({})
      await service.stop()
    }
  })

  it('begins with the sample where there is none, and says that it is not ready', async () => {
    const config = Config.parse({
      database: join(folder, 'b.db'),
      data: folder,
      models: join(folder, 'none'),
    })
    const service = await startService(config, pino({ level: 'silent' }))
    await firstStart(service)
    await firstStart(service)
    const [job, ...more] = await service.jobs.list({}, 10)
    expect(job).toMatchObject({ kind: 'first-start', created_by: 'service' })
    expect(more).toEqual([])
    expect(await service.waiting()).toHaveProperty('models')
    await service.jobs.cancel(job!.id)
    await service.stop()
  })

  it('makes models of the sample anew that an earlier version made, and leaves those of people', async () => {
    const config = Config.parse({
      database: join(folder, 'd.db'),
      data: folder,
      models: join(folder, 'none'),
    })
    const service = await startService(config, pino({ level: 'silent' }))
    const { store, jobs } = service
    const old = {
      bytes: Buffer.from('MOTEWTCH of another version'),
      size: 27,
      sha256: '',
      card_json: '{}',
      created: 1,
      active: 1,
    }
    await store.db
      .insertInto('models')
      .values([
        { ...old, kind: 'flows', name: 'old', origin: 'sample' },
        { ...old, kind: 'readings', name: 'own', origin: 'upload' },
      ])
      .execute()
    await firstStart(service)
    expect(await store.models.list()).toMatchObject([{ name: 'own', active: 1 }])
    const [job] = await jobs.list({}, 10)
    expect(job).toMatchObject({ kind: 'first-start' })
    await jobs.cancel(job!.id)
    await service.stop()
  })

  it('leaves an empty database empty when it is told to', async () => {
    const config = Config.parse({
      database: join(folder, 'c.db'),
      data: folder,
      models: join(folder, 'none'),
      sample: false,
    })
    const service = await startService(config, pino({ level: 'silent' }))
    await firstStart(service)
    expect(await service.jobs.list({}, 10)).toEqual([])
    expect(await service.waiting()).toEqual({})
    await service.stop()
  })
})
