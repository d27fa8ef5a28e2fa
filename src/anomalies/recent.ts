/**
 * A map that forgets what was not used for long: it remembers at least `most / 2` and at most `most` of the entries
 * used last. Two generations instead of a queue: an entry costs nothing but a look-up, whereas taking the oldest
 * from the front of a large Map again and again walks over all those deleted before.
 */
export class Recent<K, V extends object> {
  readonly #half: number
  readonly #forget: ((value: V) => void) | undefined
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** @param forget hears of each entry that is forgotten */
  constructor(most: number, forget?: (value: V) => void) {
    this.#half = most / 2
    this.#forget = forget
  }

  /** The entry, which counts as used now. */
  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young) return young
    const old = this.#old.get(key)
    if (old) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#half) return
    if (this.#forget) for (const [k, v] of this.#old) if (!this.#young.has(k)) this.#forget(v)
    this.#old = this.#young
    this.#young = new Map()
  }

  /** All entries remembered, those used longer ago first. */
  *values(): Generator<V> {
    for (const [key, value] of this.#old) if (!this.#young.has(key)) yield value
    yield* this.#young.values()
  }
}
