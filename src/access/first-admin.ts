import { readFile } from 'node:fs/promises'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/load.ts'
import { isLoopback } from './loopback.ts'
import type { Users } from './users.ts'

/**
 * Sees to it that nobody but this machine gets in without an account: makes the user `admin` where a file with the
 * password was given, and refuses to start where there is nobody at all.
 *
 * @returns whether `admin` was made
 * @throws ConfigError saying how to make the first user
 */
export async function firstAdmin(users: Users, { host, access }: Config): Promise<boolean> {
  if (await users.any()) return false
  const file = access.adminPasswordFile
  if (file !== undefined) {
    const password = await readFile(file, 'utf8').catch((error: Error) => {
      throw new ConfigError(`access.adminPasswordFile ${file} cannot be read: ${error.message}`)
    })
    await users.add('admin', password.replace(/\r?\n$/, ''), 'admin')
    return true
  }
  if (isLoopback(host)) return false
  throw new ConfigError(
    `host ${host} can be reached by others, and there are no accounts: make one with \`motewatch user add NAME --role admin\`, give the password of a user "admin" with --admin-password-file FILE, or listen on 127.0.0.1`,
  )
}
