import type { Role } from '../store/tables.ts'

/** Who makes a request. */
export interface Caller {
  /** User name, `token:NAME`, or `local` where no accounts are needed. */
  readonly name: string
  readonly role: Role
  /** Scopes of a token; undefined = all that the role may. */
  readonly scopes: readonly string[] | undefined
}

/** What a route asks of its caller: everyone, or at least this role; `scope` is what a token needs, as `data:write`. */
export interface Access {
  readonly role: 'public' | Role
  readonly scope?: string
}
