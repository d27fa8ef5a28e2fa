import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AccessControl } from '../../src/access/access-control.ts'
import { LOCAL } from '../../src/access/caller.ts'
import { firstAdmin } from '../../src/access/first-admin.ts'
import { Config } from '../../src/config/config.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-access-'))
const PASSWORD = 'correct horse battery'
let store: Store
let access: AccessControl

beforeAll(async () => {
  store = await openStore(join(folder, 'accounts.db'))
  access = new AccessControl(store.database, Config.parse({}))
})
afterAll(async () => {
  access.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

const nobody = { token: undefined, session: undefined }

describe('accounts', () => {
  it('are not needed on this machine until there is one, and are anywhere else', async () => {
    expect(await access.caller(nobody)).toBe(LOCAL)
    const outside = new AccessControl(store.database, Config.parse({ host: '0.0.0.0' }))
    expect(await outside.caller(nobody)).toBeUndefined()
    outside.close()
    await expect(firstAdmin(access.users, Config.parse({ host: '0.0.0.0' }))).rejects.toThrow(
      'motewatch user add',
    )
    expect(await firstAdmin(access.users, Config.parse({ host: '::1' }))).toBe(false)
  })

  it('begin with an admin, from then on everybody needs one', async () => {
    await expect(access.users.add('ada', PASSWORD, 'viewer')).rejects.toThrow('first user must be an admin')
    await expect(access.users.add('a b', PASSWORD, 'admin')).rejects.toThrow('letters, digits')
    await expect(access.users.add('local', PASSWORD, 'admin')).rejects.toThrow('letters, digits')
    await expect(access.users.add('ada', 'short', 'admin')).rejects.toThrow(
      '10 to 200 characters, this one 5',
    )
    await access.users.add('ada', PASSWORD, 'admin')
    expect(await access.caller(nobody)).toBeUndefined()
    await expect(access.users.add('ada', PASSWORD, 'viewer')).rejects.toThrow('already')
  })

  it('keep an admin', async () => {
    await expect(access.users.change('ada', { role: 'viewer' })).rejects.toThrow('last admin')
    await expect(access.users.change('ada', { disabled: true })).rejects.toThrow('last admin')
    await expect(access.users.remove('ada')).rejects.toThrow('last admin')
    await expect(access.users.remove('bob')).rejects.toThrow('no user "bob"')
    expect(await access.users.get('ada')).toMatchObject({ role: 'admin', disabled: false })
  })

  it('of the first start come from a file', async () => {
    const file = join(folder, 'password')
    writeFileSync(file, `${PASSWORD}\n`)
    const other = await openStore(join(folder, 'first.db'))
    const control = new AccessControl(other.database, Config.parse({}))
    const { users, sessions } = control
    const config = Config.parse({ host: '0.0.0.0', access: { adminPasswordFile: file } })
    expect(await firstAdmin(users, config)).toBe(true)
    expect(await firstAdmin(users, config)).toBe(false)
    expect((await sessions.begin('admin', PASSWORD))?.caller.role).toBe('admin')
    control.close()
    await other.close()
  })
})

describe('sessions', () => {
  it('begin with the right password and end', async () => {
    expect(await access.sessions.begin('ada', 'wrong horse battery')).toBeUndefined()
    expect(await access.sessions.begin('eve', PASSWORD)).toBeUndefined()
    const { secret } = (await access.sessions.begin('ada', PASSWORD))!
    expect(await access.caller({ token: undefined, session: secret })).toMatchObject({
      name: 'ada',
      by: 'session',
    })
    await access.logOut(secret)
    expect(await access.caller({ token: undefined, session: secret })).toBeUndefined()
  })

  it('are not kept as they are, and end in time', async () => {
    const { secret } = (await access.sessions.begin('ada', PASSWORD))!
    const rows = await store.db.selectFrom('sessions').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(secret)
    await store.db.updateTable('sessions').set({ expires: 1 }).execute()
    expect(await access.sessions.caller(secret)).toBeUndefined()
  })

  it('end with a new password and when the user is shut out', async () => {
    await access.users.add('bob', PASSWORD, 'operator')
    const first = (await access.sessions.begin('bob', PASSWORD))!
    expect(await access.caller({ token: undefined, session: first.secret })).toMatchObject({ name: 'bob' })
    await access.users.change('bob', { password: 'another horse battery' })
    expect(await access.caller({ token: undefined, session: first.secret })).toBeUndefined()
    const second = (await access.sessions.begin('bob', 'another horse battery'))!
    await access.users.change('bob', { disabled: true })
    expect(await access.caller({ token: undefined, session: second.secret })).toBeUndefined()
    expect(await access.sessions.begin('bob', 'another horse battery')).toBeUndefined()
  })
})

describe('tokens', () => {
  const fresh = { name: 'gateway', role: 'operator', scopes: ['data:write'], expires: null } as const
  const caller = (secret: string) => access.caller({ token: secret, session: undefined })

  it('open what they were made for until they are revoked', async () => {
    const { secret, token } = await access.tokens.add('ada', fresh)
    expect(secret.startsWith(token.prefix)).toBe(true)
    expect(await caller(secret)).toEqual({
      name: 'token:gateway',
      role: 'operator',
      scopes: ['data:write'],
      by: 'token',
    })
    expect(JSON.stringify(await access.tokens.list())).not.toContain(secret)
    await access.tokens.revoke(token.id)
    expect(await caller(secret)).toBeUndefined()
  })

  it('expire', async () => {
    const { secret } = await access.tokens.add('ada', { ...fresh, expires: Date.now() / 1000 - 1 })
    expect(await caller(secret)).toBeUndefined()
  })

  it('can do no more than their maker, and go with him', async () => {
    await access.users.add('cem', PASSWORD, 'admin')
    const { secret } = await access.tokens.add('cem', { ...fresh, role: 'admin', scopes: [] })
    expect(await caller(secret)).toMatchObject({ role: 'admin', scopes: undefined })
    await access.users.change('cem', { role: 'viewer' })
    expect(await caller(secret)).toMatchObject({ role: 'viewer' })
    await access.users.remove('cem')
    expect(await caller(secret)).toBeUndefined()
    // Another of the same name has nothing of it.
    await access.users.add('cem', PASSWORD, 'admin')
    expect(await caller(secret)).toBeUndefined()
  })

  it('are of one user, save for an admin', async () => {
    const { token } = await access.tokens.add('ada', fresh)
    await expect(access.tokens.revoke(token.id, 'cem')).rejects.toThrow(`no token ${token.id}`)
    expect(await access.tokens.list('cem')).toHaveLength(1)
  })
})
