import { BUCKET, HASH, KEY, KEY_ONE_WAY, KEY_V6, ORIG_ADDR, PORTS, RESP_ADDR, STRIDE } from './flow-record.ts'
import * as P from './packet-batch.ts'

/** Flows a segment of storage holds: 2^15 of 320 bytes, 10 MB. */
const SEGMENT_BITS = 15
const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1
/** Seconds the wheel looks ahead; later deadlines wait in the last bucket it reaches and are put back. */
const WHEEL = 4096

/**
 * Live flows: storage in segments (growing never copies), an open-addressing hash index on the raw key, and
 * a timer wheel with one bucket a second of event time.
 *
 * A slot is addressed through {@link at}, which sets `u`, `f` and `b`.
 */
export class FlowTable {
  /** Segment of the slot last addressed, as words and as doubles; `b` is its first word there. */
  u: Uint32Array = new Uint32Array(0)
  f: Float64Array = new Float64Array(0)
  b = 0
  /** Live flows. */
  size = 0
  /** Means nothing; see {@link warm}. */
  touched = 0
  readonly #words: Uint32Array[] = []
  readonly #doubles: Float64Array[] = []
  #used = 0
  #free: number[] = []
  /** Pairs (hash, slot + 1); 0 = empty. */
  #index = new Uint32Array(2 * 65536)
  #mask = 65535
  /** First entry of each bucket; entries are linked, 0 = none. */
  readonly #wheel = new Uint32Array(WHEEL)
  #nextEntry = new Uint32Array(4096)
  #entrySlot = new Uint32Array(4096)
  #entries = 1
  #freeEntry = 0
  #tick = 0
  readonly #warmed = new Uint32Array(64)

  /** Addresses `slot`. */
  at(slot: number): void {
    const segment = slot >>> SEGMENT_BITS
    this.u = this.#words[segment]!
    this.f = this.#doubles[segment]!
    this.b = (slot & SEGMENT_MASK) * STRIDE
  }

  /**
   * Loads what the packets `from .. to` of a batch will touch. Their flows lie anywhere in memory; loading
   * them together makes the waits overlap.
   */
  warm(w: Uint32Array, from: number, to: number): void {
    const index = this.#index
    const mask = this.#mask
    const found = this.#warmed
    let count = 0
    for (let i = from; i < to; i++) {
      const hash = w[i * P.STRIDE + P.HASH]!
      const place = 2 * (hash & mask)
      found[count] = index[place + 1]!
      if (index[place] === hash) count++
    }
    let sum = 0
    for (let i = 0; i < count; i++) {
      const slot = found[i]! - 1
      if (slot >= 0) sum ^= touch(this.#words[slot >>> SEGMENT_BITS]!, (slot & SEGMENT_MASK) * STRIDE)
    }
    // Kept, so that the loads are not left out.
    this.touched = sum
  }

  /** Addresses `slot` and loads its record. */
  warmSlot(slot: number): void {
    this.at(slot)
    this.touched = touch(this.u, this.b)
  }

  /**
   * The slot of the flow with this key in either direction, addressed, or -1.
   *
   * @param w a batch of packets, the packet is at `o`
   */
  find(w: Uint32Array, o: number): number {
    const index = this.#index
    const mask = this.#mask
    const hash = w[o + P.HASH]!
    const ports = w[o + P.PORTS]!
    const protocol = w[o + P.KEY]!
    const source = w[o + P.SOURCE + 3]!
    const destination = w[o + P.DESTINATION + 3]!
    const flipped = ((ports << 16) | (ports >>> 16)) >>> 0
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const entry = index[2 * i + 1]!
      if (entry === 0) return -1
      if (index[2 * i] !== hash) continue
      const slot = entry - 1
      this.at(slot)
      const u = this.u
      const b = this.b
      if (u[b + KEY] !== protocol) continue
      if (
        u[b + PORTS] === ports &&
        u[b + ORIG_ADDR + 3] === source &&
        u[b + RESP_ADDR + 3] === destination &&
        ((protocol & KEY_V6) === 0 || sameUpper(u, b, w, o + P.SOURCE, o + P.DESTINATION))
      ) {
        return slot
      }
      if (
        (protocol & KEY_ONE_WAY) === 0 &&
        u[b + PORTS] === flipped &&
        u[b + ORIG_ADDR + 3] === destination &&
        u[b + RESP_ADDR + 3] === source &&
        ((protocol & KEY_V6) === 0 || sameUpper(u, b, w, o + P.DESTINATION, o + P.SOURCE))
      ) {
        return slot
      }
    }
  }

  /** A slot for the flow that the packet at `o` begins, its key in place and else zeroed; addressed. */
  insert(w: Uint32Array, o: number): number {
    if (2 * (this.size + 1) > this.#mask + 1) this.#grow()
    let slot = this.#free.pop()
    if (slot === undefined) {
      slot = this.#used++
      if (slot >>> SEGMENT_BITS === this.#words.length) {
        const buffer = new ArrayBuffer((SEGMENT_MASK + 1) * STRIDE * 4)
        this.#words.push(new Uint32Array(buffer))
        this.#doubles.push(new Float64Array(buffer))
      }
    }
    this.at(slot)
    const { u, b } = this
    for (let i = 0; i < 8; i++) u[b + i] = w[o + i]!
    u[b + PORTS] = w[o + P.PORTS]!
    u[b + KEY] = w[o + P.KEY]!
    u[b + HASH] = w[o + P.HASH]!
    for (let i = HASH + 1; i < STRIDE; i++) u[b + i] = 0
    this.#place(w[o + P.HASH]!, slot + 1)
    this.size++
    return slot
  }

  /** Takes `slot` out of the index, so that a packet with its key begins a new flow; its record stays. */
  forget(slot: number): void {
    this.at(slot)
    const index = this.#index
    const mask = this.#mask
    let i = this.u[this.b + HASH]! & mask
    while (index[2 * i + 1] !== slot + 1) {
      if (index[2 * i + 1] === 0) return
      i = (i + 1) & mask
    }
    // Close the gap so that probing never needs tombstones.
    for (let j = (i + 1) & mask; index[2 * j + 1] !== 0; j = (j + 1) & mask) {
      const home = index[2 * j]! & mask
      if (((j - home) & mask) >= ((j - i) & mask)) {
        index[2 * i] = index[2 * j]!
        index[2 * i + 1] = index[2 * j + 1]!
        i = j
      }
    }
    index[2 * i + 1] = 0
    this.size--
    this.at(slot)
  }

  /** Gives the record of a forgotten slot back. */
  release(slot: number): void {
    this.#free.push(slot)
  }

  #place(hash: number, entry: number): void {
    const index = this.#index
    const mask = this.#mask
    let i = hash & mask
    while (index[2 * i + 1] !== 0) i = (i + 1) & mask
    index[2 * i] = hash
    index[2 * i + 1] = entry
  }

  #grow(): void {
    const old = this.#index
    this.#mask = this.#mask * 4 + 3
    this.#index = new Uint32Array(2 * (this.#mask + 1))
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#place(old[i]!, old[i + 1]!)
  }

  /** Puts `slot` into the bucket of `deadline`; an entry it had before is void from now on. Leaves it addressed. */
  schedule(slot: number, deadline: number): void {
    const ahead = Math.min(Math.max(Math.floor(deadline) + 1 - this.#tick, 1), WHEEL - 1)
    const bucket = (this.#tick + ahead) & (WHEEL - 1)
    this.at(slot)
    this.u[this.b + BUCKET] = bucket + 1
    let entry = this.#freeEntry
    if (entry !== 0) this.#freeEntry = this.#nextEntry[entry]!
    else {
      entry = this.#entries++
      if (entry === this.#nextEntry.length) {
        this.#nextEntry = doubled(this.#nextEntry)
        this.#entrySlot = doubled(this.#entrySlot)
      }
    }
    this.#entrySlot[entry] = slot
    this.#nextEntry[entry] = this.#wheel[bucket]!
    this.#wheel[bucket] = entry
  }

  /** Calls `due` with the slots of a bucket, which is empty then; returns how many there were. */
  #turn(bucket: number, due: (slot: number) => void): number {
    let count = 0
    let entry = this.#wheel[bucket]!
    // Emptied first: a slot that is put back into this very bucket waits for the next turn.
    this.#wheel[bucket] = 0
    while (entry !== 0) {
      const next = this.#nextEntry[entry]!
      const slot = this.#entrySlot[entry]!
      this.#nextEntry[entry] = this.#freeEntry
      this.#freeEntry = entry
      this.at(slot)
      if (this.u[this.b + BUCKET] === bucket + 1) {
        this.u[this.b + BUCKET] = 0
        due(slot)
        count++
      }
      entry = next
    }
    return count
  }

  /**
   * Moves the wheel to `tick` (seconds of event time) and calls `due` with every slot taken out of a bucket
   * on the way; `due` must schedule or forget it. A clock set back only turns the wheel's hand.
   */
  advance(tick: number, due: (slot: number) => void): void {
    const steps = Math.min(tick - this.#tick, WHEEL)
    this.#tick = tick
    for (let step = 1; step <= steps; step++) this.#turn((tick - steps + step) & (WHEEL - 1), due)
  }

  /** Calls `due` with at least `count` slots (or all there are), those with the nearest deadlines first. */
  drain(count: number, due: (slot: number) => void): void {
    for (let step = 1; step <= WHEEL && count > 0; step++) {
      count -= this.#turn((this.#tick + step) & (WHEEL - 1), due)
    }
  }
}

/** Reads every cache line of a record. */
function touch(u: Uint32Array, b: number): number {
  return u[b]! ^ u[b + 16]! ^ u[b + 32]! ^ u[b + 48]! ^ u[b + 64]! ^ u[b + STRIDE - 1]!
}

function doubled(old: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * old.length)
  larger.set(old)
  return larger
}

function sameUpper(u: Uint32Array, b: number, key: Uint32Array, orig: number, resp: number): boolean {
  return (
    u[b + ORIG_ADDR] === key[orig] &&
    u[b + ORIG_ADDR + 1] === key[orig + 1] &&
    u[b + ORIG_ADDR + 2] === key[orig + 2] &&
    u[b + RESP_ADDR] === key[resp] &&
    u[b + RESP_ADDR + 1] === key[resp + 1] &&
    u[b + RESP_ADDR + 2] === key[resp + 2]
  )
}
