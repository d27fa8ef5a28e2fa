import type { Kysely, Selectable } from 'kysely'
import type { Role, Tables, UsersTable } from '../store/tables.ts'
import { AccessError } from './access-error.ts'
import { hashPassword, PASSWORD_LENGTH, verifyPassword } from './password.ts'

/** A user as others see him. */
export interface User {
  readonly name: string
  readonly role: Role
  readonly disabled: boolean
  /** Seconds since the epoch. */
  readonly created: number
  readonly lastLogin: number | null
}

/** What a user may be called; `local` is who comes from this machine when there are no accounts. */
export const USER_NAME = /^(?!local$)[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** The accounts of people. */
export class Users {
  readonly #db: Kysely<Tables>
  readonly #changed: () => void

  /** @param changed hears of every change of a user */
  constructor(db: Kysely<Tables>, changed: () => void = () => {}) {
    this.#db = db
    this.#changed = changed
  }

  async any(): Promise<boolean> {
    return (await this.#db.selectFrom('users').select('id').limit(1).executeTakeFirst()) !== undefined
  }

  async list(): Promise<User[]> {
    return (await this.#db.selectFrom('users').selectAll().orderBy('name').execute()).map(shown)
  }

  async get(name: string): Promise<User> {
    const row = await this.#db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
    if (!row) throw new AccessError('missing', `there is no user "${name}"`)
    return shown(row)
  }

  /** @throws AccessError when the name is taken or not allowed, the password too short, or the first is no admin */
  async add(name: string, password: string, role: Role): Promise<User> {
    if (!USER_NAME.test(name)) {
      throw new AccessError('wrong', `a user name has letters, digits and . _ @ -, at most 64; got "${name}"`)
    }
    const hash = await hashed(password)
    const created = Date.now() / 1000
    await this.#db.transaction().execute(async (tx) => {
      if (role !== 'admin' && !(await admins(tx))) {
        throw new AccessError('conflict', 'the first user must be an admin: nobody could add others')
      }
      const row = { name, password: hash, role, disabled: 0, created }
      const { numInsertedOrUpdatedRows: added } = await tx
        .insertInto('users')
        .values(row)
        .onConflict((c) => c.column('name').doNothing())
        .executeTakeFirst()
      if (!added) throw new AccessError('conflict', `there is a user "${name}" already`)
    })
    this.#changed()
    return { name, role, disabled: false, created, lastLogin: null }
  }

  /**
   * Changes what is given. A new password, a disabled user: his sessions end.
   *
   * @throws AccessError when there is no such user, or it would leave no admin
   */
  async change(
    name: string,
    to: { role?: Role | undefined; disabled?: boolean | undefined; password?: string | undefined },
  ): Promise<User> {
    const password = to.password === undefined ? undefined : await hashed(to.password)
    const user = await this.#db.transaction().execute(async (tx) => {
      const row = await tx
        .updateTable('users')
        .set({
          name,
          ...(to.role === undefined ? {} : { role: to.role }),
          ...(to.disabled === undefined ? {} : { disabled: to.disabled ? 1 : 0 }),
          ...(password === undefined ? {} : { password }),
        })
        .where('name', '=', name)
        .returningAll()
        .executeTakeFirst()
      if (!row) throw new AccessError('missing', `there is no user "${name}"`)
      if (!(await admins(tx))) throw lastAdmin(name)
      if (password !== undefined || row.disabled) {
        await tx.deleteFrom('sessions').where('user_id', '=', row.id).execute()
      }
      return shown(row)
    })
    this.#changed()
    return user
  }

  /**
   * Removes him with his sessions, and revokes his tokens.
   *
   * @throws AccessError when there is no such user, or it is the last admin
   */
  async remove(name: string): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const row = await tx.deleteFrom('users').where('name', '=', name).returning('id').executeTakeFirst()
      if (!row) throw new AccessError('missing', `there is no user "${name}"`)
      if (!(await admins(tx))) throw lastAdmin(name)
      // Somebody else may get the name one day, but not the tokens.
      await tx.updateTable('tokens').set({ revoked: 1 }).where('created_by', '=', name).execute()
    })
    this.#changed()
  }

  /** The user with this name and password; undefined when they are wrong or he is disabled. */
  async login(name: string, password: string): Promise<Selectable<UsersTable> | undefined> {
    const row = await this.#db.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst()
    const right = await verifyPassword(password, row?.password)
    return right && row && !row.disabled ? row : undefined
  }
}

/** How many can still manage the others. */
async function admins(db: Kysely<Tables>): Promise<number> {
  const rows = await db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('disabled', '=', 0)
    .execute()
  return rows.length
}

function lastAdmin(name: string): AccessError {
  return new AccessError('conflict', `"${name}" is the last admin; make another one first`)
}

/** @throws AccessError when it is too short or too long */
function hashed(password: string): Promise<string> {
  const [least, most] = PASSWORD_LENGTH
  if (password.length < least || password.length > most) {
    throw new AccessError(
      'wrong',
      `a password has ${least} to ${most} characters, this one ${password.length}`,
    )
  }
  return hashPassword(password)
}

function shown(row: Selectable<UsersTable>): User {
  return {
    name: row.name,
    role: row.role,
    disabled: row.disabled === 1,
    created: row.created,
    lastLogin: row.last_login,
  }
}
