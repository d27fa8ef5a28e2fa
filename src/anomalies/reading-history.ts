import { stringAt } from '../schema/dictionary.ts'
import type { ReadingBatch } from '../schema/reading-batch.ts'
import { Recent, type RecentEntries } from '../schema/recent.ts'
import type { Undo } from '../schema/undo.ts'
import type { Cause } from './classify.ts'
import { sideOf } from './classify.ts'

/** Devices remembered, those unusual longest ago make room; and metrics of each. */
const MOST_DEVICES = 5000
const MOST_METRICS = 16
/** Seconds without an unusual reading after which the next begins a new incident; longer where they come rarely. */
const PAUSE = 1800
const RARE = 5
/** How near a value must come to that before a jump, as a share of the jump, to have gone back. */
const BACK = 0.35

/** How one metric of a device moved in its unusual readings so far. */
export interface Restlessness {
  /** Readings with a change out of range. */
  jumps: number
  /** Readings without, that are unusual only because the metric moved before. */
  quiet: number
  /** Of jumps right after a jump: those back to where the metric had left from, and those elsewhere. */
  returns: number
  stays: number
  /** Readings off from what other metrics imply, and how many of them were off to the other side than the one before. */
  apart: number
  turns: number
}

/** What an unusual reading is part of. */
export interface ReadingEvidence {
  readonly incident: number
  /** Of the metric that explains most; undefined where that is none. */
  readonly moves: Readonly<Restlessness> | undefined
}

interface Metric extends Restlessness {
  /** The value after the last jump. */
  value: number
  /** The value before the metric first left it, and the largest jump since. */
  home: number
  largest: number
  /** The side it was off to last. */
  side: number
}

interface Spell {
  readonly id: number
  first: number
  last: number
  times: number
  readonly metrics: Map<string, Metric>
}

/**
 * Groups unusual readings: those of one device without a long pause are one incident, whichever metrics they
 * show in, as one fault shows in several.
 */
export class ReadingHistory {
  readonly #nextId: () => number
  readonly #spells = new Recent<string, Spell>(MOST_DEVICES)

  constructor(nextId: () => number) {
    this.#nextId = nextId
  }

  /** All of it, for {@link restore}; what it refers to is not copied. */
  save(): RecentEntries<string, Spell> {
    return this.#spells.save()
  }

  restore(spells: RecentEntries<string, Spell>): void {
    this.#spells.restore(spells)
  }

  /**
   * Adds row `i` and tells what it is part of.
   *
   * @param causes strongest first
   * @param undo where given, learns how to put all back as it was
   */
  add(batch: ReadingBatch, i: number, causes: readonly Cause[], undo?: Undo): ReadingEvidence {
    const device = stringAt(batch.device, i)
    const ts = Number.isFinite(batch.ts[i]!) ? batch.ts[i]! : 0
    let spell = this.#spells.get(device, undo)
    if (!spell || !continues(spell, ts)) {
      spell = { id: this.#nextId(), first: ts, last: ts, times: 0, metrics: new Map() }
      this.#spells.set(device, spell, undo)
    } else undo?.push(asItIs(spell, causes[0]?.spec.metric))
    spell.times++
    if (ts < spell.first) spell.first = ts
    if (ts > spell.last) spell.last = ts
    return { incident: spell.id, moves: follow(spell, batch, i, causes) }
  }
}

function continues({ first, last, times }: Spell, ts: number): boolean {
  const usual = times > 1 ? (last - first) / (times - 1) : 0
  return Math.max(first - ts, ts - last) <= PAUSE + RARE * usual
}

/** Puts back what the next reading changes. */
function asItIs(spell: Spell, name: string | undefined): () => void {
  const { first, last, times, metrics } = spell
  const metric = name === undefined ? undefined : metrics.get(name)
  const copy = metric && { ...metric }
  return () => {
    Object.assign(spell, { first, last, times })
    if (name === undefined) return
    if (copy) metrics.set(name, copy)
    else metrics.delete(name)
  }
}

function follow(
  spell: Spell,
  batch: ReadingBatch,
  i: number,
  causes: readonly Cause[],
): Restlessness | undefined {
  const name = causes[0]?.spec.metric
  const value = name === undefined ? undefined : batch.metrics.get(name)?.[i]
  if (name === undefined || value === undefined) return undefined
  const metric = spell.metrics.get(name) ?? {
    jumps: 0,
    quiet: 0,
    returns: 0,
    stays: 0,
    value: Number.NaN,
    home: Number.NaN,
    largest: 0,
    apart: 0,
    turns: 0,
    side: 0,
  }
  if (spell.metrics.size < MOST_METRICS) spell.metrics.set(name, metric)
  if (causes[0]!.spec.aspect === 'relation') part(metric, causes[0]!)
  const change = causes.find((c) => c.spec.metric === name && c.spec.aspect === 'change')
  const by = change?.affected.value
  if (!change || typeof by !== 'number' || sideOf(change.affected) === 0) {
    if (causes[0]?.spec.aspect === 'spread') metric.quiet++
    return metric
  }
  metric.jumps++
  const before = value - by
  // The reading before was the last jump exactly when this one starts from its value.
  const follows = Math.abs(before - metric.value) <= 1e-6 * Math.abs(by)
  if (!follows || Number.isNaN(metric.home)) {
    metric.home = before
    metric.largest = Math.abs(by)
  } else {
    metric.largest = Math.max(metric.largest, Math.abs(by))
    const back = Math.abs(value - metric.home) <= BACK * metric.largest
    if (back) metric.returns++
    else metric.stays++
    if (back) metric.home = Number.NaN
  }
  metric.value = value
  return metric
}

/** Notes to which side a metric is off from what others imply. */
function part(metric: Metric, { affected: { value } }: Cause): void {
  if (typeof value !== 'number') return
  const side = Math.sign(value)
  metric.apart++
  if (metric.side !== 0 && side !== metric.side) metric.turns++
  metric.side = side
}
