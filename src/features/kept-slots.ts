import type { Undo } from '../schema/undo.ts'

/** Number, low and high hash of the key. */
const HEAD = 3

/**
 * Slots of a table as they were before the looks ahead that are under way: each once a look, in memory that is used
 * again, so that a look costs what it touches and leaves no garbage.
 */
export class KeptSlots {
  readonly #width: number
  /** One after the other: number, key, row. */
  #kept = new Float64Array(0)
  #to = 0
  /** The look that keeps now, and of which table: one that has grown is another. */
  #undo: Undo | undefined
  #keys: Int32Array | undefined
  /** Its number, and by slot the number of the look that kept it last. */
  #look = 0
  #keptBy = new Uint32Array(0)

  /** @param width values of a slot's row */
  constructor(width: number) {
    this.#width = width
  }

  /**
   * Has `undo` put a slot back as it is now, where it does not do so already.
   *
   * @param keys (slots, 2)
   * @param rows (slots, width)
   */
  keep(slot: number, keys: Int32Array, rows: Float64Array, undo: Undo): void {
    if (undo !== this.#undo || keys !== this.#keys) this.#begin(keys, rows, undo)
    if (this.#keptBy[slot] === this.#look) return
    this.#keptBy[slot] = this.#look
    const [width, at] = [this.#width, this.#to]
    this.#to += HEAD + width
    if (this.#kept.length < this.#to) {
      const more = new Float64Array(2 * this.#to)
      more.set(this.#kept)
      this.#kept = more
    }
    const kept = this.#kept
    kept[at] = slot
    kept[at + 1] = keys[2 * slot]!
    kept[at + 2] = keys[2 * slot + 1]!
    for (let k = 0; k < width; k++) kept[at + HEAD + k] = rows[slot * width + k]!
  }

  #begin(keys: Int32Array, rows: Float64Array, undo: Undo): void {
    const slots = keys.length / 2
    if (this.#keptBy.length !== slots) this.#keptBy = new Uint32Array(slots)
    this.#look++
    this.#undo = undo
    this.#keys = keys
    const from = this.#to
    undo.push(() => this.#putBack(from, keys, rows))
  }

  /** All that was kept since the memory was filled up to `from`, the last one first. */
  #putBack(from: number, keys: Int32Array, rows: Float64Array): void {
    const [kept, width] = [this.#kept, this.#width]
    while (this.#to > from) {
      this.#to -= HEAD + width
      const at = this.#to
      const slot = kept[at]!
      keys[2 * slot] = kept[at + 1]!
      keys[2 * slot + 1] = kept[at + 2]!
      for (let k = 0; k < width; k++) rows[slot * width + k] = kept[at + HEAD + k]!
    }
    this.#undo = undefined
  }
}
