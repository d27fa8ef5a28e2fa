import { forgetOldest } from './forget.ts'

/** Devices remembered; the one unusual longest ago makes room. */
const MOST_DEVICES = 5000
/** Seconds without an unusual reading after which the next begins a new incident; longer where they come rarely. */
const PAUSE = 1800
const RARE = 5

interface Spell {
  readonly id: number
  first: number
  last: number
  times: number
}

/**
 * Groups unusual readings: those of one device without a long pause are one incident, whichever metrics they
 * show in, as one fault shows in several.
 */
export class ReadingHistory {
  readonly #nextId: () => number
  readonly #spells = new Map<string, Spell>()

  constructor(nextId: () => number) {
    this.#nextId = nextId
  }

  /** Id of the incident that an unusual reading of `device` belongs to. @param ts seconds, NaN = unknown */
  add(device: string, ts: number): number {
    const time = Number.isFinite(ts) ? ts : 0
    let spell = this.#spells.get(device)
    if (!spell || !continues(spell, time)) {
      spell = { id: this.#nextId(), first: time, last: time, times: 0 }
    }
    spell.times++
    if (time < spell.first) spell.first = time
    if (time > spell.last) spell.last = time
    this.#spells.delete(device)
    this.#spells.set(device, spell)
    forgetOldest(this.#spells, MOST_DEVICES)
    return spell.id
  }
}

function continues({ first, last, times }: Spell, ts: number): boolean {
  const usual = times > 1 ? (last - first) / (times - 1) : 0
  return Math.max(first - ts, ts - last) <= PAUSE + RARE * usual
}
