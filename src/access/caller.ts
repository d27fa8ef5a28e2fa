import type { Role } from '../store/tables.ts'

/** Who makes a request. */
export interface Caller {
  /** User name, `token:NAME`, `local` where no accounts are needed, `anonymous` on public routes. */
  readonly name: string
  readonly role: Role
  /** Scopes of a token; undefined = all that the role may. */
  readonly scopes: readonly string[] | undefined
  /** How it was told who this is; a token may do less than a person: it makes no tokens. */
  readonly by: 'loopback' | 'session' | 'token' | 'nobody'
}

/** What a route asks of its caller: everyone, or at least this role; `scope` is what a token needs, as `data:write`. */
export interface Access {
  readonly role: 'public' | Role
  readonly scope?: string
  /** Whether requests that change something are written to the audit log; false for records, which are too many. */
  readonly audit?: boolean
}

/** Who works on this machine, where there are no accounts. */
export const LOCAL: Caller = { name: 'local', role: 'admin', scopes: undefined, by: 'loopback' }
/** Who uses a public route: nobody asks. */
export const ANONYMOUS: Caller = { name: 'anonymous', role: 'viewer', scopes: [], by: 'nobody' }

/** The roles, each with what it adds to the one before. */
export const ROLES = ['viewer', 'operator', 'admin'] as const satisfies readonly Role[]

/** Whether `role` is at least `needed`. */
export function atLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The lower of two roles. */
export function lower(a: Role, b: Role): Role {
  return atLeast(a, b) ? b : a
}

/** Why `caller` may not use a route with this access; undefined when he may. */
export function refusal(caller: Caller, { role, scope }: Access): string | undefined {
  if (role === 'public') return undefined
  if (!atLeast(caller.role, role)) return `this needs the role ${role}; ${caller.name} is ${caller.role}`
  if (!caller.scopes) return undefined
  if (!scope) return `this is for people and for tokens without scopes; ${caller.name} has scopes`
  return caller.scopes.includes(scope) ? undefined : `this needs a token with the scope ${scope}`
}
