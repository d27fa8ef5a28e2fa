import type { FastifyReply, FastifyRequest } from 'fastify'
import { ANONYMOUS, type Caller, LOCAL, refusal } from '../access/caller.ts'
import { isLoopback } from '../access/loopback.ts'
import type { Service } from '../service/service.ts'
import type { App } from './app.ts'
import { isOwn } from './origin.ts'
import { Problem } from './problem.ts'

/** The session's cookie. */
export const COOKIE = 'motewatch_session'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])
const PUBLIC = { role: 'public' } as const
/** The routes that log somebody in: their attempts are of interest although nobody is known yet. */
const LOGIN = '/api/v1/session'

/**
 * Who makes a request, and may he? Asked before anything else of the request is read, for every route by its
 * `config.access`; the answer is `request.caller`. Also writes the audit log.
 */
export function authenticate(app: App, service: Service): void {
  const { access } = service
  app.decorateRequest('caller', null as unknown as Caller)
  app.addHook('onRoute', ({ config }) => {
    if (config?.access?.scope) access.scopes.add(config.access.scope)
  })

  app.addHook('onRequest', (request, reply, done) => {
    request.caller = ANONYMOUS
    const rule = request.routeOptions.config.access ?? PUBLIC
    if (rule.role === 'public') return done()
    const admit = (caller: Caller | undefined) => {
      if (!caller) throw unknown(reply)
      request.caller = caller
      if (caller === LOCAL) onlyFromHere(request)
      const why = refusal(caller, rule)
      if (why !== undefined) throw new Problem(403, 'Forbidden', why)
      if (caller === LOCAL) return
      const wait = access.requests.take(caller.name)
      if (wait > 0) throw tooMany(wait)
    }
    const caller = access.caller({ token: bearer(request), session: sessionOf(request) })
    if (!(caller instanceof Promise)) {
      // The common case needs no turn of the event loop.
      try {
        admit(caller)
        done()
      } catch (error) {
        done(error as Error)
      }
      return
    }
    caller.then(admit).then(() => done(), done)
  })

  app.addHook('onResponse', async (request, reply) => {
    const { routeOptions, method, caller } = request
    const { access: rule } = routeOptions.config
    if (SAFE.has(method) || !rule || rule.audit === false) return
    // Nobody fills the log without a name, save by trying to log in, which is limited.
    if (caller === ANONYMOUS && !(routeOptions.url === LOGIN && reply.statusCode !== 429)) return
    const entry = {
      actor: caller.name,
      action: `${method} ${routeOptions.url}`,
      target: request.url.split('?', 1)[0]!,
      address: request.ip,
      status: reply.statusCode,
    }
    await access.audit.add(entry).catch((error) => request.log.error(error, 'audit log not written'))
  })
}

/** The value of the session's cookie. */
export function sessionOf(request: FastifyRequest): string | undefined {
  const cookies = request.headers.cookie
  if (cookies === undefined) return undefined
  for (const pair of cookies.split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === COOKIE) return value
  }
  return undefined
}

function bearer({ headers: { authorization } }: FastifyRequest): string | undefined {
  if (authorization === undefined) return undefined
  // Whatever else was sent is nobody's, never a reason to look at a cookie.
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? ''
}

function unknown(reply: FastifyReply): Problem {
  reply.header('www-authenticate', 'Bearer realm="motewatch"')
  return new Problem(
    401,
    'Unauthorized',
    'this needs a login (POST /api/v1/session) or a token that is still good (Authorization: Bearer …)',
  )
}

export function tooMany(seconds: number): Problem {
  return new Problem(429, 'Too many requests', `try again in ${seconds} s`, { retryAfter: seconds })
}

/**
 * Without accounts everything hangs on the request coming from this machine. A page of another site can make this
 * machine's browser send one under a name of its own (DNS rebinding), and a proxy those of others.
 *
 * @throws Problem
 */
function onlyFromHere(request: FastifyRequest): void {
  const { host = '' } = request.headers
  const name = host.replace(/:\d+$/, '')
  if (!isLoopback(name)) {
    throw new Problem(
      403,
      'Forbidden',
      `without accounts the service answers as localhost only, not as ${JSON.stringify(name.slice(0, 100))}; make an account with \`motewatch user add\``,
    )
  }
  const { origin } = request.headers
  if (origin !== undefined && !isOwn(origin, request)) {
    throw new Problem(403, 'Forbidden', `pages of ${origin} need a token; make an account, and one with it`)
  }
  if (cameByProxy(request) || !isLoopback(request.socket.remoteAddress ?? '')) {
    throw new Problem(
      403,
      'Forbidden',
      'this came from another machine through a proxy, and there are no accounts; make one with `motewatch user add`',
    )
  }
}

/** Headers that proxies add. */
const BY_PROXY = /^(x-forwarded(-.*)?|forwarded|via|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip)$/

/** nginx adds no header unless it is told to, but asks by HTTP/1.0, which nothing else does any more. */
function cameByProxy({ headers, raw }: FastifyRequest): boolean {
  return raw.httpVersion === '1.0' || Object.keys(headers).some((name) => BY_PROXY.test(name))
}
