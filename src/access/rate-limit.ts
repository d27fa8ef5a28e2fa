/** Beyond this many callers the ones that have not been heard of for longest are forgotten. */
const MOST = 10_000

interface Bucket {
  tokens: number
  /** Seconds. */
  at: number
}

/** A token bucket for each caller: `perMinute` on average, `burst` at once. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  /** In the order of last use. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(perMinute: number, burst = perMinute / 6) {
    this.#perSecond = perMinute / 60
    this.#burst = Math.max(1, burst)
  }

  /**
   * Takes one.
   *
   * @param now seconds, of a clock that never goes back
   * @returns 0, or the seconds after which there is one again
   */
  take(key: string, now = performance.now() / 1000): number {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, at: now }
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perSecond)
    bucket.at = now
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > MOST) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perSecond))
    bucket.tokens--
    return 0
  }

  /** Forgets `key`: what it did was right after all. */
  clear(key: string): void {
    this.#buckets.delete(key)
  }
}
