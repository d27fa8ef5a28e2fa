import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLES } from '../../src/access/caller.ts'
import type { Role } from '../../src/store/tables.ts'
import { type Running, running } from './running.ts'

/**
 * Who may use each endpoint, written down by hand: a route that is not here, or is more open than here, fails. Before
 * adding a line think about who should see or do this without asking anybody.
 */
const TABLE: Readonly<Record<string, 'public' | Role>> = {
  'GET /': 'public',
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /metrics': 'viewer',
  'GET /openapi.json': 'public',
  'GET /docs': 'public',
  'GET /docs/start.js': 'public',
  'GET /docs/swagger-ui-bundle.js': 'public',
  'GET /docs/swagger-ui.css': 'public',
  'GET /docs/redoc.standalone.js': 'public',
  'GET /redoc': 'public',
  'GET /ws': 'viewer',
  'GET /api/v1/status': 'viewer',
  'POST /api/v1/session': 'public',
  'GET /api/v1/session': 'viewer',
  'DELETE /api/v1/session': 'viewer',
  'PUT /api/v1/session/password': 'viewer',
  'GET /api/v1/users': 'admin',
  'POST /api/v1/users': 'admin',
  'PATCH /api/v1/users/:name': 'admin',
  'DELETE /api/v1/users/:name': 'admin',
  'GET /api/v1/tokens': 'viewer',
  'POST /api/v1/tokens': 'viewer',
  'DELETE /api/v1/tokens/:id': 'viewer',
  'GET /api/v1/audit': 'admin',
  'GET /api/v1/devices': 'viewer',
  'GET /api/v1/devices/:device': 'viewer',
  'PATCH /api/v1/devices/:device': 'operator',
  'GET /api/v1/data': 'viewer',
  'GET /api/v1/anomalies': 'viewer',
  'GET /api/v1/anomalies/:id': 'viewer',
  'PATCH /api/v1/anomalies/:id': 'operator',
  'POST /api/v1/anomalies/:id/comments': 'operator',
  'GET /api/v1/incidents': 'viewer',
  'GET /api/v1/incidents/:id': 'viewer',
  'PATCH /api/v1/incidents/:id': 'operator',
  'GET /api/v1/models': 'viewer',
  'POST /api/v1/models': 'operator',
  'GET /api/v1/models/:id': 'viewer',
  'DELETE /api/v1/models/:id': 'operator',
  'GET /api/v1/models/:id/file': 'viewer',
  'POST /api/v1/models/:id/activate': 'operator',
  'POST /api/v1/models/active/roll-back': 'operator',
  'POST /api/v1/data': 'operator',
  'POST /api/v1/detect': 'operator',
  'POST /api/v1/detect/file': 'operator',
  'POST /api/v1/train/file': 'operator',
  'GET /api/v1/feedback': 'viewer',
  'DELETE /api/v1/feedback/:id': 'operator',
  'PUT /api/v1/anomalies/:id/feedback': 'operator',
  'PUT /api/v1/incidents/:id/feedback': 'operator',
  'GET /api/v1/statistics': 'viewer',
  'GET /api/v1/jobs': 'viewer',
  'POST /api/v1/jobs': 'operator',
  'GET /api/v1/jobs/:id': 'viewer',
  'POST /api/v1/jobs/:id/cancel': 'operator',
  'GET /api/v1/events': 'viewer',
  'GET /api/v1/schedules': 'viewer',
  'POST /api/v1/schedules': 'operator',
  'GET /api/v1/schedules/:id': 'viewer',
  'PATCH /api/v1/schedules/:id': 'operator',
  'DELETE /api/v1/schedules/:id': 'operator',
  'POST /api/v1/schedules/:id/run': 'operator',
  'GET /api/v1/simulate': 'viewer',
  'PUT /api/v1/simulate': 'operator',
  'GET /api/v1/alerts': 'viewer',
  'POST /api/v1/alerts': 'operator',
  'GET /api/v1/alerts/:id': 'viewer',
  'PATCH /api/v1/alerts/:id': 'operator',
  'DELETE /api/v1/alerts/:id': 'operator',
  'POST /api/v1/alerts/:id/test': 'operator',
  'GET /api/v1/alerts/:id/deliveries': 'viewer',
}

/** Those that do not end by themselves once they have begun. */
const ENDLESS = ['GET /ws', 'GET /api/v1/events']

const entries = Object.entries(TABLE)
const tokens = new Map<string, string>()
let service: Running

beforeAll(async () => {
  service = await running()
  const { access } = service.service
  await access.users.add('ada', 'correct horse battery', 'admin')
  const make = async (name: string, role: Role, scopes: string[]) => {
    const { secret } = await access.tokens.add('local', { name, role, scopes, expires: null })
    tokens.set(name, secret)
  }
  for (const role of ROLES) await make(role, role, [])
  await make('useless', 'admin', ['nothing:at-all'])
})
afterAll(() => service.stop())

/** Every route there is, from the router itself: `GET /api/v1/status`. */
function routes(): string[] {
  const parents: string[] = []
  const found: string[] = []
  for (const line of service.app.printRoutes({ commonPrefix: false }).trimEnd().split('\n')) {
    const [, indent, path, methods] = /^((?:│ {3}| {4})*)[├└]── (\S+) \(([A-Z, ]+)\)$/.exec(line) ?? []
    if (indent === undefined) throw new Error(`not understood: ${line}`)
    const depth = indent.length / 4
    parents[depth] = (depth > 0 ? parents[depth - 1] : '') + path!
    for (const method of methods!.split(', ')) {
      if (method !== 'HEAD') found.push(`${method} ${parents[depth]}`)
    }
  }
  return found
}

async function status(route: string, token: string | undefined): Promise<number> {
  const [method, path] = route.split(' ') as ['GET', string]
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await service.app.inject({ method, url: path.replaceAll(/:\w+/g, '999999'), headers })
  return answer.statusCode
}

const REFUSED = [401, 403]

describe('access', () => {
  it('has a line for every route, and no other', () => {
    expect(routes().sort()).toEqual(Object.keys(TABLE).sort())
  })

  it.each(entries.filter(([, role]) => role !== 'public'))('%s asks who it is', async (route) => {
    expect(await status(route, undefined)).toBe(401)
    expect(await status(route, 'mwt_thisisnotatoken')).toBe(401)
  })

  it.each(entries.filter(([, role]) => role !== 'public'))(
    '%s is for the role %s and above',
    async (route, needed) => {
      for (const role of ROLES) {
        const may = ROLES.indexOf(role) >= ROLES.indexOf(needed as Role)
        if (may && ENDLESS.includes(route)) continue
        const code = await status(route, tokens.get(role))
        if (may) expect(REFUSED, `${role}: ${code}`).not.toContain(code)
        else expect(code, role).toBe(403)
      }
    },
  )

  it.each(entries.filter(([, role]) => role !== 'public'))(
    '%s heeds the scopes of a token',
    async (route) => {
      expect(await status(route, tokens.get('useless'))).toBe(403)
    },
  )

  it.each(entries.filter(([, role]) => role === 'public'))('%s is for everybody', async (route) => {
    expect(REFUSED).not.toContain(await status(route, undefined))
  })
})
