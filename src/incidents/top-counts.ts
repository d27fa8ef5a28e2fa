import type { TopValues } from '../schema/incident.ts'

/** Values counted at a time, and shown at most. */
const KEPT = 64
const SHOWN = 10
/** Registers of the estimate of distinct values: its standard error is 1.04 / sqrt(1024) = 3.3 %. */
const BITS = 10
const REGISTERS = 1 << BITS

interface Entry {
  count: number
  /** What the entry may have too much. */
  error: number
}

export interface TopCountsState {
  readonly entries: Map<string, Entry>
  readonly registers: Uint8Array | undefined
}

/**
 * The most frequent values of a stream and how many different ones there are, in bounded memory: Space-Saving
 * (Metwally, Agrawal & El Abbadi 2005) for the counts, HyperLogLog (Flajolet et al. 2007) for the number. Exact
 * as long as there are at most 64 different values.
 */
export class TopCounts {
  readonly #entries: Map<string, Entry>
  #registers: Uint8Array | undefined

  /** @param state what {@link save} gave; becomes its own */
  constructor({ entries, registers }: TopCountsState = { entries: new Map(), registers: undefined }) {
    this.#entries = entries
    this.#registers = registers
  }

  /** All of it; not copied. */
  save(): TopCountsState {
    return { entries: this.#entries, registers: this.#registers }
  }

  add(value: string): void {
    const known = this.#entries.get(value)
    if (known) {
      known.count++
      return
    }
    if (this.#entries.size < KEPT) {
      this.#entries.set(value, { count: 1, error: 0 })
      return
    }
    this.#registers ??= this.#begin()
    note(this.#registers, value)
    let least = ''
    let fewest = Number.POSITIVE_INFINITY
    for (const [key, { count }] of this.#entries) {
      if (count < fewest) {
        least = key
        fewest = count
        if (count === 1) break
      }
    }
    this.#entries.delete(least)
    this.#entries.set(value, { count: fewest + 1, error: fewest })
  }

  /** Counts are what is certain; values of which nothing is certain are left out once others are. */
  summary(): TopValues {
    const top = [...this.#entries]
      .map(([value, { count, error }]) => ({ value, count: count - error }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, SHOWN)
    return { distinct: this.#registers ? estimate(this.#registers) : this.#entries.size, top }
  }

  #begin(): Uint8Array {
    const registers = new Uint8Array(REGISTERS)
    for (const value of this.#entries.keys()) note(registers, value)
    return registers
  }
}

function note(registers: Uint8Array, value: string): void {
  const hash = hashOf(value)
  const register = hash >>> (32 - BITS)
  const rank = Math.clz32((hash << BITS) | (1 << (BITS - 1))) + 1
  if (rank > registers[register]!) registers[register] = rank
}

/** With linear counting while many registers are empty. */
function estimate(registers: Uint8Array): number {
  let sum = 0
  let empty = 0
  for (const rank of registers) {
    sum += 2 ** -rank
    if (rank === 0) empty++
  }
  const raw = ((0.7213 / (1 + 1.079 / REGISTERS)) * REGISTERS * REGISTERS) / sum
  return Math.round(raw <= 2.5 * REGISTERS && empty > 0 ? REGISTERS * Math.log(REGISTERS / empty) : raw)
}

/** FNV-1a with the finish of MurmurHash3, which spreads the differences over all bits. */
function hashOf(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
