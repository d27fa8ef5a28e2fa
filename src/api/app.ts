import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Access, Caller } from '../access/caller.ts'
import type { Service } from '../service/service.ts'
import { statusRoutes } from './routes/status.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route has one: a route without is refused at start. */
    access?: Access
  }
  interface FastifyRequest {
    caller: Caller
  }
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Adds its routes; paths are without `/api/v1`. */
export type Routes = (app: App, service: Service) => void

/** Every group of routes, in the order of the documentation. */
const ROUTES: readonly Routes[] = [statusRoutes]

/** The API over a running service; not listening yet. */
export async function createApp(service: Service): Promise<App> {
  const app = Fastify().withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(
    async (v1: App) => {
      for (const routes of ROUTES) routes(v1, service)
    },
    { prefix: '/api/v1' },
  )
  return app
}
