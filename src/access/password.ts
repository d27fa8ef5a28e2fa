import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/**
 * Parameters of scrypt: 32 MB and about 60 ms a password, as OWASP's password storage cheat sheet (2024) advises with
 * p = 3. They are kept with each hash, so that they can be raised.
 */
const N = 2 ** 15
const R = 8
const P = 3
const LENGTH = 32

/** Shortest and longest password, characters: NIST SP 800-63B asks for at least 8, and length is what counts. */
export const PASSWORD_LENGTH = [10, 200] as const

/** At most this many at a time: each takes 32 MB, and logins shall not be a way to fill the memory. */
const AT_ONCE = 2
const queue: (() => void)[] = []
let running = 0

/** `scrypt$N$r$p$salt$hash`, salt and hash in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(password, salt, LENGTH, { N, r: R, p: P })
  return ['scrypt', N, R, P, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/** Whether `password` is the one of `stored`; takes as long for a user who does not exist (`stored` undefined). */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, n, r, p, salt, hash] = (stored ?? NOBODY).split('$')
  const expected = Buffer.from(hash!, 'base64url')
  const got = await derive(password, Buffer.from(salt!, 'base64url'), expected.length, {
    N: Number(n),
    r: Number(r),
    p: Number(p),
  })
  return timingSafeEqual(got, expected) && stored !== undefined
}

/** A hash that no password has. */
const NOBODY = ['scrypt', N, R, P, 'AAAAAAAAAAAAAAAAAAAAAA', 'A'.repeat(43)].join('$')

async function derive(password: string, salt: Buffer, length: number, cost: ScryptOptions): Promise<Buffer> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve))
  running++
  try {
    return await new Promise((resolve, reject) => {
      // Composed characters, so that the same password from another keyboard is the same.
      scrypt(password.normalize('NFC'), salt, length, { ...cost, maxmem: 2 ** 28 }, (error, key) =>
        error ? reject(error) : resolve(key),
      )
    })
  } finally {
    running--
    queue.shift()?.()
  }
}
