import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits as text. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What is stored of a session or token. They are random and long, so that one round of SHA-256 is enough: nobody
 * can guess what was hashed.
 */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
