import type { StoredEvent } from '../store/events.ts'
import type { Store } from '../store/store.ts'

/** Events kept in memory: followers that keep up read from here, those that come back later from the store. */
const RECENT = 2000
/** Events handed over at a time. */
const PORTION = 500

/** Which events somebody wants; everything when left out. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined
  readonly deviceId?: number | undefined
}

/** What a follower gets: events, or the news that older ones than the first that is left were removed. */
export type FeedItem = StoredEvent | { readonly type: 'missed'; readonly seq: number }

/**
 * The events of all processes as they come. A follower has a place, not a queue: however slow it is, it holds no more
 * than the portion it is at.
 */
export class EventsFeed {
  readonly #store: Store
  readonly #onError: (error: unknown) => void
  #recent: StoredEvent[] = []
  #last = 0
  #stop = () => {}
  #stopped = false
  readonly #waiting = new Set<() => void>()

  constructor(store: Store, onError: (error: unknown) => void = () => {}) {
    this.#store = store
    this.#onError = onError
  }

  async start(): Promise<void> {
    this.#last = await this.#store.events.last()
    this.#stop = this.#store.events.tail(this.#last, (events) => this.#heard(events), this.#onError)
  }

  /** The place of a follower who has read up to `after`; where the newest event is when left out. */
  async placeOf(after?: number): Promise<number> {
    if (after !== undefined && after <= this.#last) return after
    // Others may have written what was not heard of yet. A number that was never given out is of another database.
    const last = await this.#store.events.last()
    return after === undefined || after > last ? last : after
  }

  /** Followers now. */
  get followers(): number {
    return this.#waiting.size
  }

  /**
   * Events behind `place` in their order, then as they come, until `signal` is aborted or the feed stops.
   *
   * @param place from {@link placeOf}
   */
  async *follow(
    { types, deviceId }: EventFilter,
    place: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly FeedItem[]> {
    const wanted = types && new Set(types)
    const fits = (event: StoredEvent) =>
      (!wanted || wanted.has(event.type)) && (deviceId === undefined || event.device_id === deviceId)
    let at = place
    const first = await this.#store.events.first()
    if (at < first - 1) {
      at = first - 1
      yield [{ type: 'missed', seq: at }]
    }
    while (!this.#stopped && !signal.aborted) {
      const events = await this.#behind(at)
      if (events.length === 0) {
        await this.#news(at, signal)
        continue
      }
      at = events.at(-1)!.seq
      const some = events.filter(fits)
      if (some.length > 0) yield some
    }
  }

  /** Ends all followers. */
  stop(): void {
    this.#stopped = true
    this.#stop()
    this.#wake()
  }

  #heard(events: readonly StoredEvent[]): void {
    this.#recent.push(...events)
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT)
    this.#last = events.at(-1)!.seq
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Up to {@link PORTION} events behind `at`, as far as the tail has heard of them. */
  async #behind(at: number): Promise<readonly StoredEvent[]> {
    if (at >= this.#last) return []
    // Numbers may have gaps: what was heard first tells from where on memory has everything.
    if ((this.#recent[0]?.seq ?? Number.POSITIVE_INFINITY) <= at + 1) {
      const from = this.#recent.findIndex(({ seq }) => seq > at)
      return this.#recent.slice(from, from + PORTION)
    }
    return this.#store.events.after(at, PORTION)
  }

  #news(at: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
      if (this.#stopped || signal.aborted || this.#last > at) wake()
    })
  }
}
