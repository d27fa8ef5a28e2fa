import type { Kysely } from 'kysely'
import type { Tables } from '../store/tables.ts'
import type { Caller } from './caller.ts'
import { newSecret, secretHash } from './secret.ts'
import type { Users } from './users.ts'

/** Logins of people in a browser. */
export class Sessions {
  readonly #db: Kysely<Tables>
  readonly #users: Users
  /** Seconds that a login lasts. */
  readonly lifetime: number

  constructor(db: Kysely<Tables>, users: Users, lifetime: number) {
    this.#db = db
    this.#users = users
    this.lifetime = lifetime
  }

  /** A new session, or undefined where name or password are wrong. `secret` is the cookie's value. */
  async begin(
    name: string,
    password: string,
  ): Promise<{ secret: string; caller: Caller; expires: number } | undefined> {
    const user = await this.#users.login(name, password)
    if (!user) return undefined
    const secret = newSecret()
    const created = Date.now() / 1000
    const expires = created + this.lifetime
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .insertInto('sessions')
        .values({ hash: secretHash(secret), user_id: user.id, created, expires })
        .execute()
      await tx.updateTable('users').set({ last_login: created }).where('id', '=', user.id).execute()
      await tx.deleteFrom('sessions').where('expires', '<', created).execute()
    })
    return { secret, caller: { name: user.name, role: user.role, scopes: undefined, by: 'session' }, expires }
  }

  /** Who has this session; undefined when it has ended. */
  async caller(secret: string): Promise<Caller | undefined> {
    const row = await this.#db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select(['users.name', 'users.role'])
      .where('sessions.hash', '=', secretHash(secret))
      .where('sessions.expires', '>', Date.now() / 1000)
      .where('users.disabled', '=', 0)
      .executeTakeFirst()
    return row && { name: row.name, role: row.role, scopes: undefined, by: 'session' }
  }

  async end(secret: string): Promise<void> {
    await this.#db.deleteFrom('sessions').where('hash', '=', secretHash(secret)).execute()
  }
}
