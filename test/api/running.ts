import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import type { z } from 'zod'
import { type App, createApp } from '../../src/api/app.ts'
import { Config } from '../../src/config/config.ts'
import type { Service } from '../../src/service/service.ts'
import { startService } from '../../src/service/start.ts'

/** The API over a service of its own, on a database in a folder of its own. */
export interface Running {
  readonly app: App
  readonly service: Service
  /** Asks the API and gives status, content type and the body parsed from JSON. */
  ask(method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Sends a file as a form does. */
  upload(url: string, bytes: Uint8Array, name: string, headers?: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
}

let newDatabase = async (): Promise<string | undefined> => undefined

/** Has what `running` starts in this test file use other databases than SQLite files of its own. */
export function runningOn(make: () => Promise<string | undefined>): void {
  newDatabase = make
}

export async function running(settings: z.input<typeof Config> = {}): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-api-'))
  const database = (await newDatabase()) ?? join(folder, 'motewatch.db')
  const config = Config.parse({ database, data: folder, ...settings })
  const service = await startService(config, pino({ level: 'fatal' }))
  const app = await createApp(service)
  await app.ready()
  const send = async (options: InjectOptions): Promise<Answer> => {
    const reply = await app.inject(options)
    const json = /json/.test(String(reply.headers['content-type'])) && reply.body !== ''
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: json ? JSON.parse(reply.body) : reply.body,
    }
  }
  return {
    app,
    service,
    ask: (method, url, body, headers = {}) => {
      if (body === undefined) return send({ method, url, headers })
      const raw = typeof body === 'string' || Buffer.isBuffer(body)
      const payload = raw ? body : JSON.stringify(body)
      return send({ method, url, payload, headers: { 'content-type': 'application/json', ...headers } })
    },
    upload: async (url, bytes, name, more = {}) => {
      const form = new FormData()
      form.append('file', new Blob([Uint8Array.from(bytes)]), name)
      const request = new Request('http://localhost/', { method: 'POST', body: form })
      const headers = { 'content-type': request.headers.get('content-type')!, ...more }
      return send({ method: 'POST', url, headers, payload: Buffer.from(await request.arrayBuffer()) })
    },
    stop: async () => {
      await app.close()
      await service.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
