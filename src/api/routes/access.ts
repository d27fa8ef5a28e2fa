import { z } from 'zod'
import { AccessError } from '../../access/access-error.ts'
import { atLeast, type Caller, ROLES } from '../../access/caller.ts'
import { PASSWORD_LENGTH } from '../../access/password.ts'
import type { Token } from '../../access/tokens.ts'
import { USER_NAME, type User } from '../../access/users.ts'
import type { Routes } from '../app.ts'
import { COOKIE, sessionOf, tooMany } from '../authenticate.ts'
import { Problem, wrongField } from '../problem.ts'
import { Id, Page, pageOf, Time, TimeIn, timeOf } from '../schemas.ts'

const Role = z.enum(ROLES)
const Name = z
  .string()
  .regex(USER_NAME)
  .meta({ description: 'letters, digits and . _ @ -', examples: ['ada'] })
const Password = z
  .string()
  .min(PASSWORD_LENGTH[0])
  .max(PASSWORD_LENGTH[1])
  .meta({ examples: ['correct horse battery'] })

const Who = z
  .object({
    name: z.string(),
    role: Role,
    scopes: z
      .array(z.string())
      .nullable()
      .describe('what a token is restricted to; null = all that the role may'),
    by: z.enum(['loopback', 'session', 'token']).describe('how the service knows'),
  })
  .meta({ id: 'Who', examples: [{ name: 'ada', role: 'admin', scopes: null, by: 'session' }] })

const UserOut = z
  .object({
    name: z.string(),
    role: Role,
    disabled: z.boolean(),
    created: Time,
    last_login: Time.nullable(),
  })
  .meta({ id: 'User' })

const TokenOut = z
  .object({
    id: z.int(),
    name: z.string(),
    prefix: z.string().describe('its first characters, to know it by'),
    role: Role,
    scopes: z.array(z.string()).describe('empty = all that the role may'),
    created_by: z.string(),
    created: Time,
    expires: Time.nullable(),
    last_used: Time.nullable(),
    revoked: z.boolean(),
  })
  .meta({ id: 'Token' })

const AuditOut = z
  .object({
    id: z.int(),
    at: Time,
    actor: z.string(),
    action: z.string(),
    target: z.string(),
    address: z.string(),
    status: z.int(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEntry' })

const ADMIN = { access: { role: 'admin', scope: 'access:write' } } as const
const ADMIN_READS = { access: { role: 'admin', scope: 'access:read' } } as const

export const accessRoutes: Routes = (app, service) => {
  sessionRoutes(app, service)
  userRoutes(app, service)
  tokenRoutes(app, service)
  app.get(
    '/audit',
    {
      config: ADMIN_READS,
      schema: {
        tags: ['access'],
        summary: 'Who changed what, newest first',
        querystring: z.object({ ...Page, actor: z.string().max(100).optional() }),
        response: { 200: pageOf(AuditOut) },
      },
    },
    async ({ query: { actor, cursor, limit } }) => {
      const before = cursor === undefined ? undefined : Number(cursor)
      if (before !== undefined && !Number.isSafeInteger(before)) {
        throw wrongField('query.cursor', 'is none that was given out')
      }
      const items = await service.access.audit.list(limit + 1, { actor, before })
      const page = items.slice(0, limit)
      const next = items.length > limit ? String(page.at(-1)!.id) : null
      return { items: page.map((entry) => ({ ...entry, at: timeOf(entry.at) })), next }
    },
  )
}

const sessionRoutes: Routes = (app, { access }) => {
  app.post(
    '/session',
    {
      config: { access: { role: 'public' }, problems: [401, 429] },
      schema: {
        tags: ['access'],
        summary: 'Log in; the answer sets a cookie',
        body: z
          .strictObject({ name: z.string().min(1).max(100), password: z.string().min(1).max(1000) })
          .meta({
            examples: [{ name: 'ada', password: 'correct horse battery' }],
          }),
        response: { 200: Who.extend({ expires: Time }).meta({ id: 'Session' }) },
      },
    },
    async (request, reply) => {
      const { name, password } = request.body
      const wait = Math.max(access.logins.take(request.ip), access.logins.take(`name ${name}`))
      if (wait > 0) throw tooMany(wait)
      const session = await access.sessions.begin(name, password)
      if (!session) throw new Problem(401, 'Unauthorized', 'name or password are wrong')
      access.logins.clear(`name ${name}`)
      request.caller = session.caller
      reply.header(
        'set-cookie',
        cookie(session.secret, access.sessions.lifetime, request.protocol === 'https'),
      )
      return { ...who(session.caller), expires: timeOf(session.expires) }
    },
  )

  app.get(
    '/session',
    {
      config: { access: { role: 'viewer', scope: 'session:read' } },
      schema: { tags: ['access'], summary: 'Who am I?', response: { 200: Who } },
    },
    ({ caller }) => who(caller),
  )

  app.delete(
    '/session',
    {
      config: { access: { role: 'viewer' } },
      schema: { tags: ['access'], summary: 'Log out', response: { 204: z.void() } },
    },
    async (request, reply) => {
      const session = sessionOf(request)
      if (session !== undefined) await access.logOut(session)
      reply.header('set-cookie', cookie('', 0, request.protocol === 'https'))
      return reply.code(204).send()
    },
  )

  app.put(
    '/session/password',
    {
      config: { access: { role: 'viewer' }, problems: [409, 429], secret: true },
      schema: {
        tags: ['access'],
        summary: 'Change one’s own password; all sessions of it end',
        body: z.strictObject({ current: z.string().min(1).max(1000), password: Password }),
        response: { 204: z.void() },
      },
    },
    async ({ caller, body: { current, password }, ip }, reply) => {
      if (caller.by !== 'session') {
        throw new Problem(409, 'Conflict', `${caller.name} has no password: log in as a user first`)
      }
      const wait = Math.max(access.logins.take(ip), access.logins.take(`name ${caller.name}`))
      if (wait > 0) throw tooMany(wait)
      if (!(await access.users.login(caller.name, current))) throw wrongField('body.current', 'is wrong')
      await access.users.change(caller.name, { password })
      return reply.code(204).send()
    },
  )
}

const userRoutes: Routes = (app, { access }) => {
  const { users } = access
  app.get(
    '/users',
    {
      config: ADMIN_READS,
      schema: {
        tags: ['access'],
        summary: 'All users',
        response: { 200: z.object({ items: z.array(UserOut) }) },
      },
    },
    async () => ({ items: (await users.list()).map(userOut) }),
  )

  app.post(
    '/users',
    {
      config: { ...ADMIN, problems: [409], secret: true },
      schema: {
        tags: ['access'],
        summary: 'A new user; from the first one on, which must be an admin, everybody needs an account',
        body: z.strictObject({ name: Name, password: Password, role: Role }),
        response: { 201: UserOut },
      },
    },
    async ({ body: { name, password, role } }, reply) =>
      reply.code(201).send(userOut(await told(users.add(name, password, role)))),
  )

  app.patch(
    '/users/:name',
    {
      config: { ...ADMIN, problems: [404, 409], secret: true },
      schema: {
        tags: ['access'],
        summary: 'Change role or password, or shut a user out',
        params: z.object({ name: Name }),
        body: z.strictObject({
          role: Role.optional(),
          disabled: z.boolean().optional(),
          password: Password.optional(),
        }),
        response: { 200: UserOut },
      },
    },
    async ({ params: { name }, body }) => userOut(await told(users.change(name, body))),
  )

  app.delete(
    '/users/:name',
    {
      config: { ...ADMIN, problems: [404, 409] },
      schema: {
        tags: ['access'],
        summary: 'Remove a user with his sessions and tokens',
        params: z.object({ name: Name }),
        response: { 204: z.void() },
      },
    },
    async ({ params: { name } }, reply) => {
      await told(users.remove(name))
      return reply.code(204).send()
    },
  )
}

const tokenRoutes: Routes = (app, { access }) => {
  const { tokens } = access
  app.get(
    '/tokens',
    {
      config: { access: { role: 'viewer', scope: 'access:read' } },
      schema: {
        tags: ['access'],
        summary: 'Tokens: one’s own, all of them for an admin',
        response: { 200: z.object({ items: z.array(TokenOut) }) },
      },
    },
    async ({ caller }) => ({ items: (await tokens.list(ownOnly(caller))).map(tokenOut) }),
  )

  app.post(
    '/tokens',
    {
      config: { access: { role: 'viewer' }, secret: true },
      schema: {
        tags: ['access'],
        summary: 'A new token for a program; it is shown this once',
        body: z
          .strictObject({
            name: z.string().min(1).max(100),
            role: Role.describe('at most one’s own'),
            scopes: z
              .array(z.string().max(50))
              .max(50)
              .default([])
              .describe('what it is for, as data:write; none = all that the role may'),
            expires: TimeIn.nullable().default(null),
          })
          .meta({ examples: [{ name: 'gateway', role: 'operator', scopes: ['data:write'] }] }),
        response: { 201: TokenOut.extend({ token: z.string() }).meta({ id: 'NewToken' }) },
      },
    },
    async ({ caller, body }, reply) => {
      if (caller.by === 'token') throw new Problem(403, 'Forbidden', 'tokens are made by people: log in')
      if (!atLeast(caller.role, body.role)) {
        throw new Problem(403, 'Forbidden', `${caller.name} is ${caller.role}; a token can be no more`)
      }
      const unknown = body.scopes.findIndex((scope) => !access.scopes.has(scope))
      if (unknown >= 0) {
        const known = [...access.scopes].sort().join(', ')
        throw wrongField(`body.scopes[${unknown}]`, `is no scope; there are ${known}`)
      }
      if (body.expires !== null && body.expires <= Date.now() / 1000) {
        throw wrongField('body.expires', 'is in the past')
      }
      const { secret, token } = await tokens.add(caller.name, body)
      return reply.code(201).send({ ...tokenOut(token), token: secret })
    },
  )

  app.delete(
    '/tokens/:id',
    {
      config: { access: { role: 'viewer', scope: 'access:write' }, problems: [404] },
      schema: {
        tags: ['access'],
        summary: 'Revoke a token: one’s own, any for an admin',
        params: z.object({ id: Id }),
        response: { 204: z.void() },
      },
    },
    async ({ caller, params: { id } }, reply) => {
      await told(tokens.revoke(id, ownOnly(caller)))
      return reply.code(204).send()
    },
  )
}

/** Whose tokens `caller` sees: an admin everyone's. */
function ownOnly(caller: Caller): string | undefined {
  return caller.role === 'admin' ? undefined : caller.name
}

function cookie(value: string, maxAge: number, secure: boolean): string {
  return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(maxAge)}${secure ? '; Secure' : ''}`
}

function who({ name, role, scopes, by }: Caller): z.infer<typeof Who> {
  // The routes that tell are for those who are known.
  return { name, role, scopes: scopes ? [...scopes] : null, by: by as z.infer<typeof Who>['by'] }
}

function userOut({ lastLogin, created, ...user }: User): z.infer<typeof UserOut> {
  return { ...user, created: timeOf(created), last_login: timeOf(lastLogin) }
}

function tokenOut({
  createdBy,
  created,
  expires,
  lastUsed,
  scopes,
  ...token
}: Token): z.infer<typeof TokenOut> {
  return {
    ...token,
    scopes: [...scopes],
    created_by: createdBy,
    created: timeOf(created),
    expires: timeOf(expires),
    last_used: timeOf(lastUsed),
  }
}

const STATUS = { missing: 404, conflict: 409, wrong: 400, forbidden: 403 } as const
const TITLE = { 404: 'Not found', 409: 'Conflict', 400: 'Invalid request', 403: 'Forbidden' } as const

/** What the accounts say, as an answer. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof AccessError)) throw error
    const status = STATUS[error.reason]
    throw new Problem(status, TITLE[status], error.message)
  }
}
