import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import { type App, createApp } from '../../src/api/app.ts'
import { Config } from '../../src/config/config.ts'
import type { Service } from '../../src/service/service.ts'
import { startService } from '../../src/service/start.ts'

/** The API over a service of its own, on a database in a folder of its own. */
export interface Running {
  readonly app: App
  readonly service: Service
  /** Asks the API and gives status, content type and the body parsed from JSON. */
  ask(method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', url: string, body?: unknown): Promise<Answer>
  stop(): Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
}

export async function running(database?: string): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-api-'))
  const config = Config.parse({ database: database ?? join(folder, 'motewatch.db') })
  const service = await startService(config, pino({ level: 'fatal' }))
  const app = await createApp(service)
  await app.ready()
  return {
    app,
    service,
    ask: async (method, url, body) => {
      const raw = typeof body === 'string' || Buffer.isBuffer(body)
      const options: InjectOptions = { method, url }
      if (body !== undefined) options.payload = raw ? body : JSON.stringify(body)
      if (body !== undefined) options.headers = { 'content-type': 'application/json' }
      const reply = await app.inject(options)
      const json = /json/.test(String(reply.headers['content-type'])) && reply.body !== ''
      return {
        status: reply.statusCode,
        headers: reply.headers,
        body: json ? JSON.parse(reply.body) : reply.body,
      }
    },
    stop: async () => {
      await app.close()
      await service.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
