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
const FIRST = 20
/** Beyond this squares overflow. */
const FARTHEST = 1e150
/** Differences below this share of the value are none. */
const RELATIVE_FLOOR = 1e-3

/**
 * How rare a reading is for its own device, told as the readings come: -log10 of how often its past was as far from
 * what was to be expected, 0 = ordinary. Mean of three views: the reading against the usual, the recent mean against
 * the usual, and the reading against the same time on other days. Each is a distance in its own past spread and
 * is ranked among its own past (as HTM's anomaly likelihood does with prediction errors: Ahmad et al. 2017), so
 * that restless and quiet metrics, or a change that lasts, come to speak alike. 1 kB, whatever it has seen.
 */
export class Surprise {
  #n = 0
  #usual = 0
  #variance = 0
  #recent = 0
  #recentVariance = 0
  /** By part of the day: usual value, variance, days seen, the last of them. */
  readonly #partMean = new Float64Array(PARTS)
  readonly #partVariance = new Float64Array(PARTS)
  readonly #partDays = new Uint16Array(PARTS)
  readonly #partLast = new Int32Array(PARTS).fill(-1)
  readonly #pasts = [new Past(), new Past(), new Past()] as const

  /** Surprise of the next reading, 0 for the first twenty. */
  next(ts: number, value: number): number {
    const x = Math.max(-FARTHEST, Math.min(FARTHEST, value))
    if (this.#n === 0) this.#usual = this.#recent = x
    this.#n++
    const floor = RELATIVE_FLOOR * Math.abs(this.#usual) + 1e-12
    const weight = Math.max(USUAL, 1 / this.#n)
    const off = x - this.#usual
    const spread = Math.sqrt(this.#variance) + floor
    this.#recent += Math.max(RECENT, 1 / this.#n) * (x - this.#recent)
    const shift = this.#recent - this.#usual
    const [level, recently, daily] = this.#pasts
    const views =
      level.rank(off / spread, this.#n) +
      recently.rank(shift / (Math.sqrt(this.#recentVariance) + floor), this.#n) +
      daily.rank(this.#ofDay(ts, x, spread, floor), this.#n)
    this.#usual += weight * off
    this.#variance = (1 - weight) * (this.#variance + weight * off * off)
    this.#recentVariance += weight * (shift * shift - this.#recentVariance)
    return views / 3
  }

  /** Distance from the same part of other days; 0 while it is not known. */
  #ofDay(ts: number, x: number, spread: number, floor: number): number {
    const day = Math.floor(ts / DAY)
    const part = Math.floor(((ts - day * DAY) * PARTS) / DAY)
    const days = this.#partDays[part]!
    const off = days === 0 ? 0 : x - this.#partMean[part]!
    const usual = Math.sqrt(this.#partVariance[part]!) + spread / 4 + floor
    if (days === 0) this.#partMean[part] = x
    this.#partMean[part]! += NEW_DAY * off
    this.#partVariance[part]! += NEW_DAY * (off * off - this.#partVariance[part]!)
    if (day !== this.#partLast[part]) {
      this.#partLast[part] = day
      this.#partDays[part]! = Math.min(days + 1, 65_535)
    }
    return days >= DAYS ? off / usual : 0
  }
}

/** Bins over the logarithm of a distance, and where the last begins. */
const BINS = 64
const LAST = 5.1
const WIDTH = LAST / (BINS - 1)

/** A past of distances, as a histogram of their logarithms. */
class Past {
  readonly #counts = new Uint32Array(BINS)
  #n = 0

  /** Evidence of a distance among those before it, which it joins: -log10 of the share that was as large. */
  rank(distance: number, readings: number): number {
    const size = Math.log1p(Math.abs(distance))
    const bin = Math.min(BINS - 1, Math.floor(size / WIDTH))
    let above = 0
    for (let b = BINS - 1; b > bin; b--) above += this.#counts[b]!
    // Within a bin distances are taken to spread evenly.
    const within = this.#counts[bin]! * Math.max(0, bin + 1 - size / WIDTH)
    let evidence = Math.log10((this.#n + 1) / (above + within + 1))
    if (above === 0 && this.#counts[bin] === 0 && this.#n > 50) evidence += this.#beyond(size)
    this.#counts[bin]!++
    this.#n++
    return readings <= FIRST ? 0 : evidence
  }

  /** Evidence that a size beyond all of the past adds: an exponential tail from the largest fiftieth of them. */
  #beyond(size: number): number {
    let top = BINS - 1
    while (this.#counts[top] === 0) top--
    let count = 0
    let sum = 0
    let b = top
    for (; count < this.#n / 50; b--) {
      count += this.#counts[b]!
      sum += this.#counts[b]! * (b + 0.5)
    }
    const scale = Math.max(WIDTH / 2, (sum / count - (b + 1)) * WIDTH)
    return Math.min(4, ((size - (top + 1) * WIDTH) / scale) * Math.LOG10E)
  }
}
