import { describe, expect, it } from 'vitest'
import { hashPassword, verifyPassword } from '../../src/access/password.ts'

describe('passwords', () => {
  it('are right or wrong, and equal ones have different hashes', async () => {
    const [a, b] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
    expect(a).not.toBe(b)
    expect(a).not.toContain('horse')
    expect(await verifyPassword('correct horse', a)).toBe(true)
    expect(await verifyPassword('correct horsf', a)).toBe(false)
  })

  it('are the same however their characters were composed', async () => {
    const hash = await hashPassword('na\u00efvet\u00e9 \u00e0 la carte')
    expect(await verifyPassword('nai\u0308vete\u0301 a\u0300 la carte', hash)).toBe(true)
  })

  it('of a user who does not exist are wrong, and take as long', async () => {
    const stored = await hashPassword('correct horse')
    const seconds = async (hash: string | undefined) => {
      const started = process.hrtime.bigint()
      expect(await verifyPassword('another horse', hash)).toBe(false)
      return Number(process.hrtime.bigint() - started) / 1e9
    }
    await seconds(stored)
    const [known, unknown] = [await seconds(stored), await seconds(undefined)]
    expect(unknown).toBeGreaterThan(known / 4)
  })

  it('that were hashed with other parameters still work', async () => {
    // scrypt("pleaseletmein", "SodiumChloride", N 16384, r 8, p 1): RFC 7914, section 12.
    const hash =
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'
    const encoded = (text: string, from: BufferEncoding) => Buffer.from(text, from).toString('base64url')
    const stored = `scrypt$16384$8$1$${encoded('SodiumChloride', 'utf8')}$${encoded(hash, 'hex')}`
    expect(await verifyPassword('pleaseletmein', stored)).toBe(true)
    expect(await verifyPassword('pleaseletmeout', stored)).toBe(false)
  })
})
