import { createHash } from 'node:crypto'
import { DecayTable, type TableState } from '../features/decay-table.ts'
import type { FeatureSpec } from '../features/feature-columns.ts'
import type { FeatureSpace } from '../features/feature-space.ts'
import { hashText, mix } from '../features/hash.ts'
import { inOrder, SOONER } from '../feedback/judge.ts'
import { type Matrix, selectRows } from '../kernels/matrix.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { Adaptation, DriftDecision, Feedback } from '../schema/feedback.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { Undo } from '../schema/undo.ts'
import { type ColumnStep, DAY, MOST_DRIFT, Normals } from './normals.ts'
import type { ScoredRows } from './scorer.ts'

/** Seconds after an anomaly during which its device teaches nothing: an incident may be going on. */
const OPEN = 3600
/** Devices of which that is remembered, steps of which at least so many are told, and changes named in one. */
const MOST_DEVICES = 1 << 17
const MOST_TOLD = 10_000
const MOST_NAMED = 3

/** All a follower knows, for {@link DriftFollower.restore}. */
export interface DriftState {
  /** Of the model in whose units normals are. */
  readonly model: string
  readonly normals: TableState
  readonly open: TableState
  readonly day: number
  readonly adaptations: readonly Adaptation[]
}

/** What gives evidence for rows at once, on this thread. */
export type ScoreNow = (X: Matrix) => Pick<ScoredRows, 'evidence' | 'combined'>

/**
 * Follows the slow change of what is normal, for each device and each of its services: a record that is unusual by what training
 * showed is judged again as if the device's normal had not moved, and is told only if it is unusual that way as well.
 *
 * How far normals move is limited, a day and in all (`normals.ts`). Records that are told teach nothing, nor do those
 * of the device in the hour after. So following can take anomalies away, never add any, and an attacker who wants to hide has
 * to stay unsuspicious for as many days as there are tenths of a standard deviation to where he wants to be.
 *
 * Runs on event time, in input order, in bounded memory; records without a time change nothing.
 */
export class DriftFollower {
  readonly #kind: Adaptation['kind']
  readonly #space: FeatureSpace
  readonly #least: number
  readonly #scoreNow: ScoreNow
  /** Matrix columns that are followed. */
  readonly #columns: readonly number[]
  #limits: ReadonlyMap<string, number> = new Map()
  #normals: Normals
  /** By device: until when its last incident may go on. */
  readonly #open = new DecayTable(MOST_DEVICES, [], 1)
  /** Newest day so far, days since the epoch. */
  #day = Number.NEGATIVE_INFINITY
  #told: Adaptation[] = []

  /**
   * @param least evidence from which a record is told
   * @param feedback people's decisions about single devices
   */
  constructor(
    kind: Adaptation['kind'],
    space: FeatureSpace,
    least: number,
    scoreNow: ScoreNow,
    feedback: readonly Feedback[] = [],
  ) {
    this.#kind = kind
    this.#space = space
    this.#least = least
    this.#scoreNow = scoreNow
    this.#columns = space.specs.flatMap((spec, j) => (isSlow(spec) && space.isNumeric(j) ? [j] : []))
    this.#normals = new Normals(this.#columns)
    this.decide(feedback)
  }

  /** From now on these decisions count, in place of those before. */
  decide(feedback: readonly Feedback[]): void {
    // In the order in which they were said, so that the last one counts.
    const decisions = feedback.filter(isDecision).sort(inOrder)
    this.#limits = new Map(decisions.map(({ device, limit }) => [device, limit]))
  }

  /** Steps made so far, oldest first: the last ten thousand at least. */
  get adaptations(): readonly Adaptation[] {
    return this.#told
  }

  /**
   * Judges rows again that would be told, and learns from those that are not.
   *
   * @param rows their evidence, and the values it is of, are changed in place
   * @param undo where given, learns how to put all but these back as it was
   */
  follow(rows: ScoredRows & { readonly batch: Batch }, undo?: Undo): void {
    const { batch } = rows
    if (!batch.device || this.#columns.length === 0) return
    const { ts } = batch
    const keys = new Keys(batch)
    const before = this.#day
    undo?.push(() => {
      this.#day = before
    })
    // Within a day nothing moves, so that its rows can be judged together.
    let from = 0
    for (let i = 0; i < batch.length; i++) {
      const day = Math.floor(ts[i]! / DAY)
      if (!(day > this.#day)) continue
      this.#part(rows, keys, from, i, undo)
      this.#day = day
      from = i
    }
    this.#part(rows, keys, from, batch.length, undo)
  }

  #part(
    rows: ScoredRows & { readonly batch: Batch },
    keys: Keys,
    from: number,
    to: number,
    undo?: Undo,
  ): void {
    const { batch, X, combined } = rows
    this.#judgeAgain(rows, keys, from, to, undo)
    for (let i = from; i < to; i++) {
      const ts = batch.ts[i]!
      // History that is not to be told has no evidence.
      if (!Number.isFinite(ts) || Number.isNaN(combined[i]!)) continue
      const [low, high] = keys.device(i)
      const known = this.#open.look(low, high)
      const until = known < 0 ? Number.NEGATIVE_INFINITY : this.#open.get(known, 0)
      if (combined[i]! >= this.#least) {
        const slot = this.#open.slot(low, high, undo)
        this.#open.advance(slot, ts)
        this.#open.set(slot, 0, Math.max(until, ts + OPEN))
      } else if (ts >= until) {
        const slot = this.#normals.slot(keys.service(i), true, undo)
        this.#step(slot, batch, i, undo)
        this.#normals.learn(slot, X, i, ts, this.#day)
      }
    }
  }

  /** Scores the rows that would be told, of devices whose normal has moved, without what it has moved by. */
  #judgeAgain(
    rows: ScoredRows & { readonly batch: Batch },
    keys: Keys,
    from: number,
    to: number,
    undo: Undo | undefined,
  ): void {
    const { batch, X, combined, evidence } = rows
    const d = X.nFeatures
    const again: number[] = []
    const by: Float64Array[] = []
    for (let i = from; i < to; i++) {
      // What was confirmed before is told with less.
      if (!(combined[i]! >= this.#least - SOONER)) continue
      const slot = this.#normals.slot(keys.service(i), false, undo)
      if (slot < 0) continue
      this.#step(slot, batch, i, undo)
      const moved = new Float64Array(this.#columns.length)
      if (!this.#normals.moved(slot, this.#limitOf(stringAt(batch.device!, i)), moved)) continue
      again.push(i)
      by.push(moved)
    }
    if (again.length === 0) return
    const still = selectRows(X, again)
    again.forEach((_, k) => {
      for (const [f, j] of this.#columns.entries()) still.data[k * d + j]! -= by[k]![f]!
    })
    const now = this.#scoreNow(still)
    again.forEach((i, k) => {
      if (!(now.combined[k]! < combined[i]!)) return
      combined[i] = now.combined[k]!
      for (const [m, own] of evidence.entries()) own[i] = now.evidence[m]![k]!
      // What stays unusual is explained against the normal as it is now; what does not is learned as it was.
      if (combined[i]! >= this.#least) X.data.set(still.data.subarray(k * d, (k + 1) * d), i * d)
    })
  }

  #limitOf(device: string): number {
    return this.#limits.get(device) ?? MOST_DRIFT
  }

  #step(slot: number, batch: Batch, i: number, undo: Undo | undefined): void {
    const limit = this.#limitOf(stringAt(batch.device!, i))
    const steps = this.#normals.step(slot, this.#day, Math.max(MOST_DRIFT, limit))
    // A step that the limit makes void is none.
    const within = (x: number) => Math.max(-limit, Math.min(limit, x))
    const felt = steps.filter(({ from, to }) => within(from) !== within(to))
    if (felt.length > 0) this.#tell(felt, batch, i, limit, undo)
  }

  #tell(steps: readonly ColumnStep[], batch: Batch, i: number, limit: number, undo: Undo | undefined): void {
    const largest = [...steps].sort((a, b) => Math.abs(b.to) - Math.abs(a.to))
    const furthest = (end: 'from' | 'to') => Math.min(limit, Math.max(...steps.map((s) => Math.abs(s[end]))))
    const changes = largest.slice(0, MOST_NAMED).flatMap(({ f, first, from, to }) => {
      const j = this.#columns[f]!
      const { name, unit } = this.#space.specs[j]!
      const [before, after] = [from, to].map((by) => this.#space.restored(j, first + by))
      if (typeof before !== 'number' || typeof after !== 'number') return []
      return [{ feature: name, unit, from: digits(before), to: digits(after) }]
    })
    const rest = {
      kind: this.#kind,
      device: stringAt(batch.device!, i),
      ...(batch.kind === 'flows' ? { service: serviceOf(batch, i) } : {}),
      at: this.#day * DAY,
      from: furthest('from'),
      to: furthest('to'),
      changes,
      why: `its ordinary records of the last days differ from those of its first, mostly in ${changes.map(({ feature }) => feature).join(', ')}`,
    }
    const id = createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 8)
    const [told, length] = [this.#told, this.#told.length]
    undo?.push(() => {
      told.length = length
      this.#told = told
    })
    if (length >= 2 * MOST_TOLD) this.#told = told.slice(-MOST_TOLD)
    this.#told.push({ id, ...rest })
  }

  /** All of it, for {@link restore}. */
  save(): DriftState {
    return {
      model: this.#model(),
      normals: this.#normals.save(),
      open: this.#open.save(),
      day: this.#day,
      adaptations: [...this.#told],
    }
  }

  /** What another model knew of normals is left out: its units differ, and training learned the normal anew. */
  restore({ model, normals, open, day, adaptations }: DriftState): void {
    if (model === this.#model()) this.#normals.restore(normals)
    this.#open.restore(open)
    this.#day = day
    this.#told = [...adaptations]
  }

  #model(): string {
    return createHash('sha256').update(JSON.stringify(this.#space.toJSON())).digest('hex')
  }
}

/** The keys of a batch's rows: hashes of device, and of device and service. */
class Keys {
  readonly #batch: Batch
  readonly #devices = new Map<number, readonly [number, number]>()

  constructor(batch: Batch) {
    this.#batch = batch
  }

  device(i: number): readonly [number, number] {
    const code = this.#batch.device!.codes[i]!
    let key = this.#devices.get(code)
    if (!key) {
      const name = this.#batch.device!.values[code]!
      key = [hashText(name), hashText(`${name}/`)]
      this.#devices.set(code, key)
    }
    return key
  }

  /** Readings have one normal a device. */
  service(i: number): readonly [number, number] {
    const key = this.device(i)
    const batch = this.#batch
    if (batch.kind === 'readings') return key
    const service = batch.resp_p[i]! * 512 + batch.proto[i]! * 2 + (batch.device_is_orig?.[i] ?? 1)
    return [key[0], mix(key[1], service)]
  }
}

/** `443/tcp`, `22/tcp incoming`. */
function serviceOf(batch: Extract<Batch, { kind: 'flows' }>, i: number): string {
  const transport = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp' }[batch.proto[i]!]
  const incoming = batch.device_is_orig?.[i] === 0 ? ' incoming' : ''
  return `${batch.resp_p[i]}/${transport ?? `protocol ${batch.proto[i]}`}${incoming}`
}

/** Counts over time, changes, spreads and hours have no slowly moving middle. */
function isSlow({ direction, cycle, aspect = 'level' }: FeatureSpec): boolean {
  return direction === 'both' && !cycle && (aspect === 'level' || aspect === 'relation')
}

function isDecision(entry: Feedback): entry is DriftDecision {
  return entry.verdict === 'hold' || entry.verdict === 'follow'
}

function digits(value: number): number {
  return Number(value.toPrecision(4))
}
