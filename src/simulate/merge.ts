/**
 * Merges ordered sequences into one ordered sequence with a binary heap: one waiting item a sequence is all
 * that is kept. Equal times come in the order in which the sequences were added.
 */
export class Merge<T> {
  readonly #time: (item: T) => number
  readonly #heap: Entry<T>[] = []
  #added = 0

  constructor(time: (item: T) => number) {
    this.#time = time
  }

  add(sequence: Iterator<T>): void {
    const { done, value } = sequence.next()
    if (done) return
    this.#heap.push({ sequence, value, time: this.#time(value), order: this.#added++ })
    this.#up(this.#heap.length - 1)
  }

  /** Time of the next item; Infinity when there is none. */
  get nextTime(): number {
    return this.#heap[0]?.time ?? Number.POSITIVE_INFINITY
  }

  /** The next item; {@link advance} must follow before the next call. */
  get next(): T | undefined {
    return this.#heap[0]?.value
  }

  advance(): void {
    const top = this.#heap[0]!
    const { done, value } = top.sequence.next()
    if (done) {
      const last = this.#heap.pop()!
      if (this.#heap.length === 0) return
      this.#heap[0] = last
    } else {
      top.value = value
      top.time = this.#time(value)
    }
    this.#down()
  }

  *[Symbol.iterator](): Generator<T> {
    while (this.#heap.length > 0) {
      yield this.#heap[0]!.value
      this.advance()
    }
  }

  #up(from: number): void {
    const heap = this.#heap
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!before(heap[i]!, heap[parent]!)) return
      ;[heap[i], heap[parent]] = [heap[parent]!, heap[i]!]
      i = parent
    }
  }

  #down(): void {
    const heap = this.#heap
    for (let i = 0; ; ) {
      let least = i
      const left = 2 * i + 1
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
      if (left + 1 < heap.length && before(heap[left + 1]!, heap[least]!)) least = left + 1
      if (least === i) return
      ;[heap[i], heap[least]] = [heap[least]!, heap[i]!]
      i = least
    }
  }
}

interface Entry<T> {
  readonly sequence: Iterator<T>
  value: T
  time: number
  readonly order: number
}

function before<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
