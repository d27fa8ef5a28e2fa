import type { Kysely, Selectable } from 'kysely'
import type { Role, Tables, TokensTable } from '../store/tables.ts'
import { AccessError } from './access-error.ts'
import { type Caller, lower } from './caller.ts'
import { newSecret, secretHash } from './secret.ts'

/** A token as it is shown later: without itself. */
export interface Token {
  readonly id: number
  readonly name: string
  /** Its first characters. */
  readonly prefix: string
  readonly role: Role
  /** Empty = all that the role may. */
  readonly scopes: readonly string[]
  readonly createdBy: string
  /** Times in seconds since the epoch. */
  readonly created: number
  readonly expires: number | null
  readonly lastUsed: number | null
  readonly revoked: boolean
}

/** So that a token is known as one wherever it turns up, by people and by scanners for secrets. */
const PREFIX = 'mwt_'
/** Seconds between two notes of the last use: a token in constant use shall not write at each request. */
const NOTE_EVERY = 60

/** What programs show instead of a password. */
export class Tokens {
  readonly #db: Kysely<Tables>
  readonly #changed: () => void

  constructor(db: Kysely<Tables>, changed: () => void = () => {}) {
    this.#db = db
    this.#changed = changed
  }

  /**
   * A new token; `secret` is never shown again.
   *
   * @param by name of the user who makes it: the token can do no more than he can, and ends with him
   * @param expires seconds since the epoch; null = never
   */
  async add(
    by: string,
    { name, role, scopes, expires }: Pick<Token, 'name' | 'role' | 'scopes' | 'expires'>,
  ): Promise<{ secret: string; token: Token }> {
    const secret = PREFIX + newSecret()
    const row = await this.#db
      .insertInto('tokens')
      .values({
        name,
        hash: secretHash(secret),
        prefix: secret.slice(0, PREFIX.length + 4),
        role,
        scopes_json: JSON.stringify(scopes),
        created_by: by,
        created: Date.now() / 1000,
        expires,
        revoked: 0,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    return { secret, token: shown(row) }
  }

  /** @param by only those of this user; all when left out */
  async list(by?: string): Promise<Token[]> {
    let query = this.#db.selectFrom('tokens').selectAll().orderBy('id', 'desc')
    if (by !== undefined) query = query.where('created_by', '=', by)
    return (await query.execute()).map(shown)
  }

  /**
   * From now on it opens nothing.
   *
   * @throws AccessError when there is no such token (of this user)
   */
  async revoke(id: number, by?: string): Promise<void> {
    let query = this.#db.updateTable('tokens').set({ revoked: 1 }).where('id', '=', id)
    if (by !== undefined) query = query.where('created_by', '=', by)
    const { numUpdatedRows } = await query.executeTakeFirst()
    if (!numUpdatedRows) throw new AccessError('missing', `there is no token ${id}`)
    this.#changed()
  }

  /** Whose this token is; undefined when it is unknown, revoked, expired, or its maker is gone. */
  async caller(secret: string): Promise<Caller | undefined> {
    if (!secret.startsWith(PREFIX)) return undefined
    const now = Date.now() / 1000
    const row = await this.#db
      .selectFrom('tokens')
      .leftJoin('users', 'users.name', 'tokens.created_by')
      .selectAll('tokens')
      .select(['users.role as maker', 'users.disabled'])
      .where('hash', '=', secretHash(secret))
      .where('revoked', '=', 0)
      .executeTakeFirst()
    if (!row || (row.expires !== null && row.expires <= now)) return undefined
    // Made on this machine, before there were accounts: whoever could do that is its administrator.
    const local = row.created_by === 'local'
    if (!local && (row.maker === null || row.disabled === 1)) return undefined
    if (row.last_used === null || row.last_used < now - NOTE_EVERY) {
      await this.#db.updateTable('tokens').set({ last_used: now }).where('id', '=', row.id).execute()
    }
    const { scopes } = shown(row)
    return {
      name: `token:${row.name}`,
      role: local ? row.role : lower(row.role, row.maker!),
      scopes: scopes.length > 0 ? scopes : undefined,
      by: 'token',
    }
  }
}

function shown(row: Selectable<TokensTable>): Token {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    scopes: JSON.parse(row.scopes_json),
    createdBy: row.created_by,
    created: row.created,
    expires: row.expires,
    lastUsed: row.last_used,
    revoked: row.revoked === 1,
  }
}
