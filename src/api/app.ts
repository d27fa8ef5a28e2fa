import websocket from '@fastify/websocket'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { Access, Caller } from '../access/caller.ts'
import type { Service } from '../service/service.ts'
import { authenticate } from './authenticate.ts'
import { docsRoutes } from './docs.ts'
import { answer, answerErrors } from './errors.ts'
import { answerOnce } from './idempotency.ts'
import { landingPage } from './landing.ts'
import { observe } from './observe.ts'
import { checkOrigin } from './origin.ts'
import { RouteTable } from './route-table.ts'
import { accessRoutes } from './routes/access.ts'
import { alertRoutes } from './routes/alerts.ts'
import { anomalyRoutes } from './routes/anomalies.ts'
import { dataRoutes } from './routes/data.ts'
import { dataInRoutes } from './routes/data-in.ts'
import { detectRoutes } from './routes/detect.ts'
import { deviceRoutes } from './routes/devices.ts'
import { eventRoutes, eventSocket } from './routes/events.ts'
import { feedbackRoutes } from './routes/feedback.ts'
import { healthRoutes } from './routes/health.ts'
import { incidentRoutes } from './routes/incidents.ts'
import { jobRoutes } from './routes/jobs.ts'
import { modelRoutes } from './routes/models.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { simulateRoutes } from './routes/simulate.ts'
import { statisticsRoutes } from './routes/statistics.ts'
import { statusRoutes } from './routes/status.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { securityHeaders } from './security-headers.ts'
import { jsonParser, serializerCompiler, validatorCompiler, type ZodTypeProvider } from './validation.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route has one: the application does not start with a route without. */
    access?: Access
    /** Statuses of problems that are this route's own, for the documentation; the usual ones need not be named. */
    problems?: readonly number[]
    /** Whether a body may be left out, for the documentation. */
    bodyOptional?: boolean
    /** Whether there are passwords or tokens in its body or its answer. */
    secret?: boolean
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
const ROUTES: readonly Routes[] = [
  statusRoutes,
  deviceRoutes,
  dataRoutes,
  anomalyRoutes,
  incidentRoutes,
  feedbackRoutes,
  statisticsRoutes,
  dataInRoutes,
  detectRoutes,
  uploadRoutes,
  modelRoutes,
  accessRoutes,
  jobRoutes,
  eventRoutes,
  alertRoutes,
  scheduleRoutes,
  simulateRoutes,
]

/** Bytes that a body may have; routes that take files or batches say so themselves. */
const BODY_LIMIT = 1 << 20

/** The API over a running service; not listening yet. */
export async function createApp(service: Service): Promise<App> {
  const app: App = Fastify({
    loggerInstance: service.log as FastifyBaseLogger,
    // Two lines a request would cost more than many a request; what fails is logged.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    trustProxy: service.config.access.trustProxy,
    frameworkErrors: answer,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2000 },
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonParser(app))
  const table = new RouteTable(app)
  answerErrors(app, table)
  endConnections(app)
  await app.register(websocket, { options: { maxPayload: 4096 } })
  securityHeaders(app)
  checkOrigin(app, service)
  authenticate(app, service)
  answerOnce(app, service)
  observe(app, service)
  healthRoutes(app, service)
  landingPage(app)
  docsRoutes(app, table, service.version)
  eventSocket(app, service)
  await app.register(
    async (v1: App) => {
      for (const routes of ROUTES) routes(v1, service)
    },
    { prefix: '/api/v1' },
  )
  return app
}

/** Milliseconds between two looks at connections, and that requests have to be finished, when the server closes. */
const LOOK = 50
const GRACE = 10_000

/**
 * A server that closes ends the connections that are idle, once: those that fall idle later would keep it for more
 * than a minute, those whose request never ends for ever.
 */
function endConnections(app: App): void {
  let timers: NodeJS.Timeout[] = []
  app.addHook('preClose', async () => {
    timers = [
      setInterval(() => app.server.closeIdleConnections(), LOOK),
      setTimeout(() => app.server.closeAllConnections(), GRACE),
    ]
  })
  app.addHook('onClose', async () => timers.forEach(clearTimeout))
}
