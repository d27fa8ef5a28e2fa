import { stringAt } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { StoredModel } from '../store/models.ts'
import type { Lesson } from './own-models.ts'

type Kind = Batch['kind']

/** Records from which is learned, and hours in which there are some. docs/decisions/094 has the measurements. */
const RECORDS = 1000
const HOURS = { flows: 3, readings: 24 } as const
/** Of devices that an own model does not know yet: a day, so that a stranger is told before it is learned. */
const HOURS_OF_NEW = 24
/** An own model is made anew from so many times its hours, up to those of the last. */
const TIMES = 4
const LAST = 12 * 24
/** A larger share of a day's readings that are anomalies says that the model is wrong. */
const MOST_TOLD = 0.05
/** Hours and devices remembered. */
const MOST_HOURS = TIMES * LAST
const MOST_DEVICES = 1000
/** What came of one kind since its model is active, as it is saved. */
export interface Gathered {
  /** The active model, 0 = none. */
  readonly model: number
  /** Records of devices that are new to it, and hours since the epoch in which there were some. */
  readonly records: number
  readonly hours: readonly number[]
  readonly devices: readonly string[]
  /** Hours in which there were records of any device. */
  readonly since: readonly number[]
  /** Hours of the present day, its records that were judged, and those of them that were told. */
  readonly day: readonly number[]
  readonly judged: number
  readonly told: number
  /** Whether it was too many of them on a day. */
  readonly flooded: boolean
  /** How often was learned without another model to show for it: next time from twice as much. */
  readonly tries: number
}

/** How far it is until the service learns. */
export interface Progress {
  readonly kind: Kind
  /** Whether the service gathers, learns right now, or leaves it to people because one of them chose the model. */
  readonly state: 'gathering' | 'learning' | 'off'
  /** Devices whose records are kept and not judged, or not by what is usual for them. */
  readonly devices: number
  readonly records: number
  readonly records_needed: number
  /** Hours in which there were records. */
  readonly hours: number
  readonly hours_needed: number
}

interface AboutModel {
  /** Undefined without a model. */
  readonly origin: string | undefined
  readonly replaceable: boolean
  /** What an own model was made from. */
  readonly lesson: Lesson | undefined
}

/**
 * What is counted of one kind: records of devices that are new to its model, the hours of all, and how much of each day
 * was told.
 */
export class Count {
  readonly kind: Kind
  readonly origin: string | undefined
  readonly replaceable: boolean
  readonly #lesson: Lesson | undefined
  /** Devices that an own model was made from; undefined where that is not known, or not of all. */
  readonly learned: ReadonlySet<string> | undefined
  readonly #model: number
  readonly #hours: Set<number>
  readonly #since: Set<number>
  readonly #devices: Set<string>
  readonly #day: Set<number>
  #judged: number
  #told: number
  #flooded: boolean
  records: number
  tries: number
  changed = false

  constructor(kind: Kind, gathered: Gathered, { origin, replaceable, lesson }: AboutModel) {
    this.kind = kind
    this.origin = origin
    this.replaceable = replaceable
    this.#lesson = lesson
    if (lesson && lesson.devices.length < MOST_DEVICES) this.learned = new Set(lesson.devices)
    this.#model = gathered.model
    this.#hours = new Set(gathered.hours)
    this.#since = new Set(gathered.since)
    this.#devices = new Set(gathered.devices)
    this.#day = new Set(gathered.day)
    this.#judged = gathered.judged
    this.#told = gathered.told
    this.#flooded = gathered.flooded
    this.records = gathered.records
    this.tries = gathered.tries
  }

  add({ ts, device }: Batch, strange: Uint8Array | undefined, told: number): void {
    if (!device || (!strange && !this.#lesson)) return
    this.#beginDay(ts)
    this.#told += told
    const isNew = device.values.map((name) => this.learned?.has(name) === false)
    for (let i = 0; i < ts.length; i++) {
      const hour = Math.floor(ts[i]! / 3600)
      if (Number.isNaN(hour)) continue
      if (this.#lesson) {
        put(this.#since, hour, MOST_HOURS)
        this.#day.add(hour)
      }
      if (!strange?.[i]) this.#judged++
      if (!strange?.[i] && !isNew[device.codes[i]!]) continue
      this.records++
      put(this.#hours, hour, MOST_HOURS)
      put(this.#devices, stringAt(device, i), MOST_DEVICES)
    }
    this.changed = true
  }

  get isEnough(): boolean {
    if (!this.replaceable) return false
    const { records, records_needed, hours, hours_needed } = this.progress
    if (records >= records_needed && hours >= hours_needed) return true
    const lesson = this.#lesson
    if (!lesson) return false
    if (this.#flooded) return true
    if (lesson.hours >= LAST) return false
    return this.#since.size >= (TIMES - 1) * lesson.hours * 2 ** this.tries
  }

  /** Looks back at a day that is over: longer ones where learning again has not helped. */
  #beginDay(ts: Float64Array): void {
    if (this.#day.size < HOURS_OF_NEW * 2 ** this.tries) return
    if (ts.every((t) => this.#day.has(Math.floor(t / 3600)))) return
    // So many flows may as well be an attack.
    const counts = this.kind === 'readings' && this.#judged >= RECORDS
    if (counts && this.#told > MOST_TOLD * this.#judged) this.#flooded = true
    this.#day.clear()
    this.#judged = 0
    this.#told = 0
  }

  /** Begins to count to the next try. */
  begin(): void {
    this.tries++
    this.#flooded = false
    this.changed = true
  }

  get progress(): Omit<Progress, 'kind' | 'state'> {
    const times = 2 ** this.tries
    return {
      devices: this.#devices.size,
      records: this.records,
      records_needed: times * RECORDS,
      hours: this.#hours.size,
      hours_needed: times * (this.#lesson ? HOURS_OF_NEW : HOURS[this.kind]),
    }
  }

  save(): Gathered {
    this.changed = false
    return {
      model: this.#model,
      records: this.records,
      hours: [...this.#hours],
      devices: [...this.#devices],
      since: [...this.#since],
      day: [...this.#day],
      judged: this.#judged,
      told: this.#told,
      flooded: this.#flooded,
      tries: this.tries,
    }
  }
}

export function nothingOf(model: StoredModel | undefined): Gathered {
  const none = { records: 0, hours: [], devices: [], since: [], day: [], judged: 0, told: 0 }
  return { model: model?.id ?? 0, ...none, flooded: false, tries: 0 }
}

function put<T>(set: Set<T>, value: T, most: number): void {
  if (set.size < most) set.add(value)
}
