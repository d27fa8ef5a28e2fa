/** Slots of the table; a batch has at most this many rows in two directions before it is half full. */
const MIN_SLOTS = 4096

/** A map from a pair of 32-bit numbers to a code, emptied in no time. */
export class PairCodes {
  #first = new Uint32Array(MIN_SLOTS)
  #second = new Uint32Array(MIN_SLOTS)
  #codes = new Uint32Array(MIN_SLOTS)
  /** Which emptying an entry belongs to; an older one counts as free. */
  #stamp = new Uint32Array(MIN_SLOTS)
  #mask = MIN_SLOTS - 1
  #now = 1
  #size = 0

  clear(): void {
    this.#now++
    this.#size = 0
  }

  /** The code of the pair, or -1. */
  get(first: number, second: number): number {
    const i = this.#find(first, second)
    return this.#stamp[i] === this.#now ? this.#codes[i]! : -1
  }

  /** Adds a pair that is not there. */
  add(first: number, second: number, code: number): void {
    if (2 * (this.#size + 1) > this.#mask) this.#grow()
    const i = this.#find(first, second)
    this.#first[i] = first
    this.#second[i] = second
    this.#codes[i] = code
    this.#stamp[i] = this.#now
    this.#size++
  }

  #find(first: number, second: number): number {
    let h = Math.imul(first ^ Math.imul(second, 0x85ebca6b), 0x9e3779b1)
    h ^= h >>> 15
    for (let i = h & this.#mask; ; i = (i + 1) & this.#mask) {
      if (this.#stamp[i] !== this.#now) return i
      if (this.#first[i] === first && this.#second[i] === second) return i
    }
  }

  #grow(): void {
    const old = {
      first: this.#first,
      second: this.#second,
      codes: this.#codes,
      stamp: this.#stamp,
      now: this.#now,
    }
    const slots = 2 * (this.#mask + 1)
    this.#first = new Uint32Array(slots)
    this.#second = new Uint32Array(slots)
    this.#codes = new Uint32Array(slots)
    this.#stamp = new Uint32Array(slots)
    this.#mask = slots - 1
    this.#now = 1
    for (let i = 0; i < old.stamp.length; i++) {
      if (old.stamp[i] !== old.now) continue
      const j = this.#find(old.first[i]!, old.second[i]!)
      this.#first[j] = old.first[i]!
      this.#second[j] = old.second[i]!
      this.#codes[j] = old.codes[i]!
      this.#stamp[j] = 1
    }
  }
}
