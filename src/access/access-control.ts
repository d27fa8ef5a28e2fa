import type { Config } from '../config/config.ts'
import type { Database } from '../store/database.ts'
import { Audit } from './audit.ts'
import { type Caller, LOCAL } from './caller.ts'
import { isLoopback } from './loopback.ts'
import { RateLimit } from './rate-limit.ts'
import { Sessions } from './sessions.ts'
import { Tokens } from './tokens.ts'
import { Users } from './users.ts'

/** Milliseconds for which an answer is believed: what another process changed is seen after so long. */
const BELIEVED = 2000
/** Milliseconds between two removals of what is past. */
const TIDY_EVERY = 3_600_000
/** Beyond this many remembered callers all are asked for again. */
const MOST_KNOWN = 10_000

/** What a request says about who makes it. */
export interface Credentials {
  readonly token: string | undefined
  readonly session: string | undefined
}

/** Accounts, tokens, limits and the audit log of a running service. */
export class AccessControl {
  readonly users: Users
  readonly sessions: Sessions
  readonly tokens: Tokens
  readonly audit: Audit
  /** Requests of each caller. */
  readonly requests: RateLimit
  /** Attempts to log in, of each address and for each name. */
  readonly logins: RateLimit
  /** Every scope that a route asks for. */
  readonly scopes = new Set<string>()
  /** Whether only this machine can reach the service. */
  readonly #loopback: boolean
  readonly #known = new Map<string, { caller: Caller; until: number }>()
  #accounts = { exist: true, until: 0 }
  readonly #tidying: NodeJS.Timeout

  constructor({ db }: Database, { host, access }: Config) {
    const forget = () => this.#forget()
    this.users = new Users(db, forget)
    this.sessions = new Sessions(db, this.users, access.sessionHours * 3600)
    this.tokens = new Tokens(db, forget)
    this.audit = new Audit(db)
    this.requests = new RateLimit(access.requestsPerMinute)
    this.logins = new RateLimit(access.loginsPerMinute, access.loginsPerMinute)
    this.#loopback = isLoopback(host)
    this.#tidying = setInterval(() => void this.audit.trim().catch(() => {}), TIDY_EVERY).unref()
  }

  /**
   * Whether everybody who reaches the service may do everything: it listens on this machine only and nobody has
   * made an account yet. Answers at once when it was asked a moment ago.
   */
  open(): boolean | Promise<boolean> {
    if (!this.#loopback) return false
    if (performance.now() < this.#accounts.until) return !this.#accounts.exist
    return this.users.any().then((exist) => {
      this.#accounts = { exist, until: performance.now() + BELIEVED }
      return !exist
    })
  }

  /** Who this is; undefined when nobody can tell. Answers at once when it was asked a moment ago. */
  caller({ token, session }: Credentials): Caller | undefined | Promise<Caller | undefined> {
    const secret = token ?? session
    if (secret === undefined) {
      const open = this.open()
      return typeof open === 'boolean'
        ? open
          ? LOCAL
          : undefined
        : open.then((yes) => (yes ? LOCAL : undefined))
    }
    const known = this.#known.get(secret)
    if (known && performance.now() < known.until) return known.caller
    return this.#ask(token, session)
  }

  async #ask(token: string | undefined, session: string | undefined): Promise<Caller | undefined> {
    const found = token === undefined ? await this.sessions.caller(session!) : await this.tokens.caller(token)
    if (found) {
      if (this.#known.size >= MOST_KNOWN) this.#known.clear()
      this.#known.set(token ?? session!, { caller: found, until: performance.now() + BELIEVED })
      return found
    }
    // A cookie of another time is no reason to lock somebody out where no account is needed.
    return token === undefined && (await this.open()) ? LOCAL : undefined
  }

  /** Ends a session. */
  async logOut(session: string): Promise<void> {
    this.#known.delete(session)
    await this.sessions.end(session)
  }

  #forget(): void {
    this.#known.clear()
    this.#accounts = { exist: true, until: 0 }
  }

  close(): void {
    clearInterval(this.#tidying)
  }
}
