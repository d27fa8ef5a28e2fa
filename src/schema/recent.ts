import type { Undo } from './undo.ts'

/** All entries, those used longer ago first. */
export interface RecentEntries<K, V> {
  readonly old: [K, V][]
  readonly young: [K, V][]
}

/**
 * A map that forgets what was not used for long: it remembers at least `most / 2` and at most `most` of the entries
 * used last. Two generations instead of a queue: an entry costs nothing but a look-up, whereas taking the oldest
 * from the front of a large Map again and again walks over all those deleted before.
 */
export class Recent<K, V extends object> {
  readonly #half: number
  readonly #forget: ((value: V, undo?: Undo) => void) | undefined
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** @param forget hears of each entry that is forgotten */
  constructor(most: number, forget?: (value: V, undo?: Undo) => void) {
    this.#half = most / 2
    this.#forget = forget
  }

  /** The entry, which counts as used now. */
  get(key: K, undo?: Undo): V | undefined {
    const young = this.#young.get(key)
    if (young) return young
    const old = this.#old.get(key)
    if (old) this.set(key, old, undo)
    return old
  }

  /** The entry, without counting as used. */
  look(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: K, value: V, undo?: Undo): void {
    const [young, old] = [this.#young, this.#old]
    if (undo) {
      const before = young.get(key)
      undo.push(() => {
        if (before) young.set(key, before)
        else young.delete(key)
      })
    }
    young.set(key, value)
    if (young.size >= this.#half) this.#age(young, old, undo)
  }

  #age(young: Map<K, V>, old: Map<K, V>, undo: Undo | undefined): void {
    if (this.#forget) for (const [k, v] of old) if (!young.has(k)) this.#forget(v, undo)
    undo?.push(() => {
      this.#young = young
      this.#old = old
    })
    this.#old = young
    this.#young = new Map()
  }

  /** All entries remembered, those used longer ago first. */
  *entries(): Generator<[K, V]> {
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
    yield* this.#young
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value
  }

  /** All of it, for {@link restore}. */
  save(): RecentEntries<K, V> {
    return { old: [...this.#old].filter(([key]) => !this.#young.has(key)), young: [...this.#young] }
  }

  restore({ old, young }: RecentEntries<K, V>): void {
    this.#old = new Map(old)
    this.#young = new Map(young)
  }
}
