import type { AddressInfo } from 'node:net'
import type { Config } from '../config/config.ts'
import { firstStart } from '../service/first-start.ts'
import type { Service } from '../service/service.ts'
import { startService } from '../service/start.ts'
import { createApp } from './app.ts'

/** As the log tells it. */
const listenTextResolver = (address: string) => `listening on ${address}`

/** A service with its HTTP server. */
export interface Server {
  readonly service: Service
  /** `http://127.0.0.1:5000` */
  readonly url: string
  /** Takes no new requests, finishes those begun, then stops the service. */
  stop(): Promise<void>
}

/**
 * Starts everything and listens.
 *
 * @throws Error when the address is taken or the service cannot be started
 */
export async function startServer(config: Config): Promise<Server> {
  const service = await startService(config)
  try {
    const app = await createApp(service)
    await app
      .listen({ host: config.host, port: config.port, listenTextResolver })
      .catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'EADDRINUSE'
          ? new Error(
              `port ${config.port} of ${config.host} is taken by another program; choose one with --port`,
            )
          : error
      })
    await firstStart(service)
    const { port } = app.server.address() as AddressInfo
    const host = config.host.includes(':') ? `[${config.host}]` : config.host
    const stop = async () => {
      await app.close()
      await service.stop()
    }
    return { service, url: `http://${host}:${port}`, stop }
  } catch (error) {
    await service.stop()
    throw error
  }
}
