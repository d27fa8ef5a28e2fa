/** Share of a new reading in the recent mean (about 25 readings) and in what is usual (about 500). */
const RECENT = 0.04
const USUAL = 0.002
/** The day has so many parts, each with its own usual value, in which a new day counts so much. */
const PARTS = 48
const DAY = 86_400
const NEW_DAY = 0.08
/** Days that a part of the day must have been seen before it is relied on. */
const DAYS = 2
/** Readings before which nothing can be a surprise. */
export const FIRST = 20
/** Beyond this squares overflow in float32. */
const FARTHEST = 1e18
/** Differences below this share of the value are none. */
const RELATIVE_FLOOR = 1e-3

/** Values kept for each part of the day: usual value, variance, days seen, the last of them. */
const PART_VALUES = 4
/** Bins over the logarithm of a distance, and where the last begins. */
const BINS = 64
const LAST = 5.1
const WIDTH = LAST / (BINS - 1)
/** A float32 counts no further. */
const MOST_COUNTED = 2 ** 24
/** Each of the three views has a past: number of distances, then how many lie in each bin. */
const PAST_VALUES = 1 + BINS
const PASTS_AT = PARTS * PART_VALUES
/** Readings within which an event is told once. */
const EVENT = 100
/** The rarities of so many readings, in a ring that `n` turns. */
const LATEST_AT = PASTS_AT + 3 * PAST_VALUES
/** float32 values of what is remembered of a metric, beside the numbers. */
export const SURPRISE_VALUES = LATEST_AT + EVENT
/**
 * Evidence of a rarity that exceeds those of the last {@link EVENT} readings: base + slope * rarity. So often it comes in
 * series where nothing happens (normal, heavy-tailed, autocorrelated, daily, stepping, counts: decisions/083), within a
 * factor of two for the worst of them. Nothing under {@link LEAST} is news.
 */
const BASE = 0.5
const SLOPE = 1.1
/** Least evidence that is told: a reading in a hundred. */
const LEAST = 2

/** All that a surprise knows. */
export interface SurpriseState {
  /** Readings so far. */
  n: number
  usual: number
  variance: number
  recent: number
  recentVariance: number
  /** (SURPRISE_VALUES) the parts of the day, then the three pasts, then the latest rarities; undefined for the first twenty readings. */
  memory: Float32Array | undefined
}

/** Memory for copies that live as long as a look ahead: such arrays lie outside of the heap and are slow to come by. */
const spare: Float32Array[] = []
const MOST_SPARE = 4096

/**
 * How surely something begins with a reading, told as the readings come: -log10 of the p-value, 0 = nothing. It does where
 * the reading is rarer for its own device than all of the last hundred, so that a state that lasts is told when it
 * begins.
 *
 * Rarity is -log10 of how often the past was as far from what was to be expected. Mean of three views: the reading against the usual, the recent mean against
 * the usual, and the reading against the same time on other days. Each is a distance in its own past spread and
 * is ranked among its own past (as HTM's anomaly likelihood does with prediction errors: Ahmad et al. 2017), so
 * that restless and quiet metrics, or a change that lasts, come to speak alike. 2 kB, whatever it has seen; next to
 * nothing before its device is known, so that devices seen once cost little.
 */
export class Surprise {
  readonly #s: SurpriseState

  /** @param state what {@link save} gave; becomes the surprise's own */
  constructor(
    state: SurpriseState = { n: 0, usual: 0, variance: 0, recent: 0, recentVariance: 0, memory: undefined },
  ) {
    this.#s = state
  }

  /** All that is known, as it is; not to be kept. */
  get state(): Readonly<SurpriseState> {
    return this.#s
  }

  /** A copy of all that is known. */
  save(): SurpriseState {
    return { ...this.#s, memory: this.#s.memory?.slice() }
  }

  /** A step that puts back what is known now; until then it goes on with a copy. */
  undo(): () => void {
    const s = this.#s
    const { n, usual, variance, recent, recentVariance, memory } = s
    const copy = memory && (spare.pop() ?? new Float32Array(SURPRISE_VALUES))
    if (copy) {
      copy.set(memory)
      s.memory = copy
    }
    return () => {
      s.n = n
      s.usual = usual
      s.variance = variance
      s.recent = recent
      s.recentVariance = recentVariance
      s.memory = memory
      if (copy && spare.length < MOST_SPARE) spare.push(copy)
    }
  }

  /** Whether more than some numbers is remembered. */
  get hasPast(): boolean {
    return this.#s.memory !== undefined
  }

  /**
   * Evidence that something begins with the next reading, 0 for the first twenty.
   *
   * @param room whether the past may be kept; where not, nothing is surprising
   */
  next(ts: number, value: number, room = true): number {
    const s = this.#s
    const x = Math.max(-FARTHEST, Math.min(FARTHEST, value))
    if (s.n === 0) s.usual = s.recent = x
    s.n++
    const floor = RELATIVE_FLOOR * Math.abs(s.usual) + 1e-12
    const weight = Math.max(USUAL, 1 / s.n)
    const off = x - s.usual
    const spread = Math.sqrt(s.variance) + floor
    s.recent += Math.max(RECENT, 1 / s.n) * (x - s.recent)
    const shift = s.recent - s.usual
    let views = 0
    if (s.n > FIRST && room) s.memory ??= new Float32Array(SURPRISE_VALUES)
    const { memory } = s
    if (memory) {
      views =
        rank(memory, PASTS_AT, off / spread) +
        rank(memory, PASTS_AT + PAST_VALUES, shift / (Math.sqrt(s.recentVariance) + floor))
      const daily = ofDay(memory, ts, x, spread, floor)
      // A distance that is not known yet is none to compare later ones with: next to it each would be news.
      if (daily !== undefined) views += rank(memory, PASTS_AT + 2 * PAST_VALUES, daily)
    }
    s.usual += weight * off
    s.variance = (1 - weight) * (s.variance + weight * off * off)
    s.recentVariance += weight * (shift * shift - s.recentVariance)
    return memory ? news(memory, s.n, views / 3) : 0
  }
}

/** Evidence of a rarity, which joins the latest ones. */
function news(memory: Float32Array, n: number, rarity: number): number {
  const evidence = BASE + SLOPE * rarity
  const isNews = evidence >= LEAST && exceedsLatest(memory, rarity)
  memory[LATEST_AT + (n % EVENT)] = rarity
  return isNews ? evidence : 0
}

function exceedsLatest(memory: Float32Array, rarity: number): boolean {
  for (let k = LATEST_AT; k < SURPRISE_VALUES; k++) if (!(memory[k]! < rarity)) return false
  return true
}

/** Distance from the same part of other days; undefined while it is not known. */
function ofDay(
  memory: Float32Array,
  ts: number,
  x: number,
  spread: number,
  floor: number,
): number | undefined {
  const day = Math.floor(ts / DAY)
  const MEAN = Math.floor(((ts - day * DAY) * PARTS) / DAY) * PART_VALUES
  const [VARIANCE, SEEN, LATEST] = [MEAN + 1, MEAN + 2, MEAN + 3]
  const days = memory[SEEN]!
  const off = days === 0 ? 0 : x - memory[MEAN]!
  const usual = Math.sqrt(memory[VARIANCE]!) + spread / 4 + floor
  if (days === 0) memory[MEAN] = x
  memory[MEAN]! += NEW_DAY * off
  memory[VARIANCE]! += NEW_DAY * (off * off - memory[VARIANCE]!)
  if (days === 0 || day !== memory[LATEST]) {
    memory[LATEST] = day
    memory[SEEN] = days + 1
  }
  return days >= DAYS ? off / usual : undefined
}

/**
 * Evidence of a distance among the past ones, which it joins: -log10 of the share that was as large. The past is a
 * histogram of the logarithms of distances.
 */
function rank(memory: Float32Array, at: number, distance: number): number {
  const n = memory[at]!
  const counts = at + 1
  const size = Math.log1p(Math.abs(distance))
  const bin = Math.min(BINS - 1, Math.floor(size / WIDTH))
  const own = memory[counts + bin]!
  const above = countAbove(memory, counts, bin, n)
  // Within a bin distances are taken to spread evenly.
  const within = own * Math.max(0, bin + 1 - size / WIDTH)
  let evidence = Math.log10((n + 1) / (above + within + 1))
  if (above === 0 && own === 0 && n > 50) evidence += beyond(memory, counts, n, size)
  memory[counts + bin] = own + 1
  memory[at] = n + 1
  return evidence
}

/** Distances in the bins above one, of n in all, summed from the nearer end. */
function countAbove(memory: Float32Array, counts: number, bin: number, n: number): number {
  let sum = 0
  // Sums of whole numbers are exact in any order. What a float32 cannot count on, n stops counting first.
  if (bin < BINS / 2 && n < MOST_COUNTED) {
    for (let b = counts; b <= counts + bin; b++) sum += memory[b]!
    return n - sum
  }
  for (let b = counts + bin + 1; b < counts + BINS; b++) sum += memory[b]!
  return sum
}

/** Evidence that a size beyond all of the past adds: an exponential tail from the largest fiftieth of them. */
function beyond(memory: Float32Array, counts: number, n: number, size: number): number {
  let top = BINS - 1
  while (memory[counts + top] === 0) top--
  let count = 0
  let sum = 0
  let b = top
  for (; count < n / 50; b--) {
    count += memory[counts + b]!
    sum += memory[counts + b]! * (b + 0.5)
  }
  const scale = Math.max(WIDTH / 2, (sum / count - (b + 1)) * WIDTH)
  return Math.min(4, ((size - (top + 1) * WIDTH) / scale) * Math.LOG10E)
}
