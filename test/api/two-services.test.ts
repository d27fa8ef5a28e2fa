import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresDatabase } from '../postgres.ts'
import { sampleReadings } from './readings.ts'
import { type Running, running, runningOn } from './running.ts'

const database = await postgresDatabase('two services')

/** Two services on one database, each with a folder of its own, as on two machines. */
describe.skipIf(!database)('two services on one PostgreSQL', () => {
  let services: Running[]
  beforeAll(async () => {
    runningOn(async () => database)
    services = [await running(), await running()]
  })
  afterAll(async () => {
    for (const { stop } of services) await stop()
  })

  it('each run the jobs whose files they have, whoever has nothing to do', async () => {
    const lines = sampleReadings(3000).map((r) => `${JSON.stringify(r)}\n`)
    const file = Buffer.from(lines.join(''))
    const url = '/api/v1/train/file?model=isolation-forest&activate=false'
    // All to the first: the second one looks for work meanwhile.
    const sent = await Promise.all([1, 2, 3].map((n) => services[0]!.upload(url, file, `${n}.ndjson`)))
    for (const { status, body } of sent) {
      expect(status).toBe(202)
      const job = async () => (await services[1]!.ask('GET', `/api/v1/jobs/${body.id}`)).body
      await expect.poll(async () => (await job()).finished, { timeout: 50_000 }).not.toBeNull()
      expect(await job()).toMatchObject({ state: 'done', error: null })
    }
    const { body } = await services[1]!.ask('GET', '/api/v1/models')
    expect(body.items).toHaveLength(3)
  })

  it('store a reading once, whoever gets it, and tell both of it', async () => {
    const records = sampleReadings(300)
    const sent = await Promise.all(services.map(({ ask }) => ask('POST', '/api/v1/data', records)))
    expect(sent.map(({ status }) => status)).toEqual([200, 200])
    expect(sent.map(({ body }) => body.accepted).sort()).toEqual([0, 300])
    const read = ({ ask }: Running) => ask('GET', '/api/v1/data?device_id=device1&limit=1000')
    for (const service of services) expect((await read(service)).body.items).toHaveLength(100)
  })
})
