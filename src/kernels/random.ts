/**
 * Seeded pseudo-random numbers: xoshiro128** 1.1 (Blackman & Vigna 2018), state filled by
 * splitmix32 from one integer seed. The same seed gives the same sequence on every machine.
 */
export class Random {
  readonly #s = new Uint32Array(4)

  /** @param seed any integer; only its low 32 bits count. */
  constructor(seed: number) {
    let x = seed >>> 0
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0
      let z = x
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      this.#s[i] = z ^ (z >>> 15)
    }
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const s = this.#s
    const s1 = s[1]!
    const r = Math.imul(s1, 5)
    const result = Math.imul((r << 7) | (r >>> 25), 9) >>> 0
    const t = s1 << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= t
    const s3 = s[3]!
    s[3] = (s3 << 11) | (s3 >>> 21)
    return result
  }

  /** Uniform float in [0, 1) with 53 random bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992
  }

  /** Uniform integer in [0, n), n ≤ 2^32, without modulo bias (Lemire 2019 by rejection). */
  int(n: number): number {
    const limit = 4294967296 - (4294967296 % n)
    let x = this.uint32()
    while (x >= limit) x = this.uint32()
    return x % n
  }

  /** Standard normal by the polar method (Marsaglia 1964). */
  normal(): number {
    for (;;) {
      const u = 2 * this.float() - 1
      const v = 2 * this.float() - 1
      const s = u * u + v * v
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s)
    }
  }

  /** `k` distinct integers of [0, n) in random order (partial Fisher–Yates). */
  sample(n: number, k: number): Uint32Array {
    const all = new Uint32Array(n)
    for (let i = 0; i < n; i++) all[i] = i
    for (let i = 0; i < k; i++) {
      const j = i + this.int(n - i)
      const t = all[i]!
      all[i] = all[j]!
      all[j] = t
    }
    return all.slice(0, k)
  }
}
