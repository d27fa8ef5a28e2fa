import { createHash } from 'node:crypto'
import { DecayTable, type TableState } from '../features/decay-table.ts'
import { hashText } from '../features/hash.ts'
import { inOrder } from '../feedback/judge.ts'
import type { Adaptation, DriftDecision, Feedback } from '../schema/feedback.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { Undo } from '../schema/undo.ts'

/** Evidence by which a device's line may rise in a day, and in all unless a person allows more. */
export const DRIFT_A_DAY = 0.1
export const MOST_DRIFT = 1
/** Seconds over which ordinary records are remembered, and between two steps. */
const MEMORY = 3 * 86_400
const DAY = 86_400
/** Seconds after an anomaly during which the device teaches nothing: its incident may be going on. */
const OPEN = 3600
/** Records, and those of them over a level, from which their share says something. */
const FEWEST = 200
const FEWEST_OVER = 20
/** Changes smaller than this are not made: they are chance. */
const LEAST_STEP = 0.03
/**
 * Levels of evidence at which records are counted: from 1 in steps of a quarter. Promised are a tenth of all records
 * over 1, and 3 % over 1.5; both must have moved, as a few odd records move only the second.
 */
const FIRST_LEVEL = 1
const STEP = 0.25
const LEVELS = 17
const HALF = 2
/** Devices remembered, and steps of which at least so many are told. */
const MOST_DEVICES = 1 << 17
const MOST_TOLD = 10_000

/** Counters and values of a device, by their place in the table. */
const RECORDS = 0
const OVER = 1
const RAISED = OVER + LEVELS
const STEPPED = RAISED + 1
const CLOSED = STEPPED + 1

/** All a follower knows, for {@link DriftFollower.restore}. */
export interface DriftState {
  readonly devices: TableState
  readonly adaptations: readonly Adaptation[]
  readonly forgotten: number
}

/**
 * Follows the slow change of each device's normal: where its ordinary records look more unusual than calibration
 * promises, day by day, its line is raised by as much, at most {@link DRIFT_A_DAY} a day and {@link MOST_DRIFT} in all.
 * Alarmed records and those in the hour after them teach nothing. What was promised again lets the line down
 * at once. Runs on event time, in input order, in bounded memory; records without time change nothing.
 */
export class DriftFollower {
  readonly #kind: Adaptation['kind']
  readonly #least: number
  #limits: ReadonlyMap<string, number> = new Map()
  readonly #devices = new DecayTable(MOST_DEVICES, Array<number>(OVER + LEVELS).fill(MEMORY), 3)
  #told: Adaptation[] = []
  /** Steps that were made but are no longer told, there being too many. */
  forgotten = 0

  /**
   * @param least evidence from which a record is an anomaly
   * @param feedback people's decisions about single devices
   */
  constructor(kind: Adaptation['kind'], least: number, feedback: readonly Feedback[] = []) {
    this.#kind = kind
    this.#least = least
    this.decide(feedback)
  }

  /** From now on these decisions count, in place of those before. */
  decide(feedback: readonly Feedback[]): void {
    // In the order in which they were said, so that the last one counts.
    const decisions = feedback.filter(isDecision).sort(inOrder)
    this.#limits = new Map(decisions.map(({ device, limit }) => [device, limit]))
  }

  /** Steps made so far, oldest first. */
  get adaptations(): readonly Adaptation[] {
    return this.#told
  }

  /**
   * Lowers the evidence of each record by what the line of its device is raised, and learns from the records that stay
   * under the line.
   *
   * @param combined (records) evidence, changed in place
   * @param undo where given, learns how to put all back as it was
   */
  follow(batch: Batch, combined: Float64Array, undo?: Undo): void {
    const { device, ts } = batch
    if (!device) return
    const hashes = new Map<number, readonly [number, number]>()
    for (let i = 0; i < combined.length; i++) {
      // History that is not to be told has no evidence.
      if (!Number.isFinite(ts[i]!) || Number.isNaN(combined[i]!)) continue
      const code = device.codes[i]!
      const name = device.values[code]!
      let hash = hashes.get(code)
      if (!hash) {
        hash = [hashText(name), hashText(`${name}/`)]
        hashes.set(code, hash)
      }
      combined[i]! -= this.#record(hash, name, ts[i]!, combined[i]!, undo)
    }
  }

  /** Learns from one record; returns by how much the device's line is raised. */
  #record(
    [low, high]: readonly [number, number],
    device: string,
    ts: number,
    evidence: number,
    undo: Undo | undefined,
  ): number {
    const table = this.#devices
    const slot = table.slot(low, high, undo)
    const fresh = table.last(slot) === Number.NEGATIVE_INFINITY
    const late = table.advance(slot, ts)
    if (fresh) table.set(slot, STEPPED, ts)
    const limit = this.#limits.get(device)
    const open = ts < table.get(slot, CLOSED)
    if (!open && ts - table.get(slot, STEPPED) >= DAY) this.#step(slot, device, ts, undo)
    const raised = Math.min(table.get(slot, RAISED), limit ?? MOST_DRIFT)
    if (evidence - raised >= this.#least) {
      table.set(slot, CLOSED, Math.max(table.get(slot, CLOSED), ts + OPEN))
    } else if (!open) {
      table.add(slot, RECORDS, 1, late)
      const levels = Math.min(LEVELS, Math.floor((evidence - FIRST_LEVEL) / STEP) + 1)
      for (let k = 0; k < levels; k++) table.add(slot, OVER + k, 1, late)
    }
    return raised
  }

  /** Once a day: moves the line towards where the promise would hold. */
  #step(slot: number, device: string, ts: number, undo: Undo | undefined): void {
    const table = this.#devices
    table.set(slot, STEPPED, ts)
    const before = table.get(slot, RAISED)
    const records = table.get(slot, RECORDS)
    const most = Math.max(MOST_DRIFT, this.#limits.get(device) ?? 0)
    const change = records < FEWEST ? 0 : Math.min(this.#shift(slot), most) - before
    if (Math.abs(change) < LEAST_STEP) return
    const after = before + Math.min(change, DRIFT_A_DAY)
    table.set(slot, RAISED, after)
    const limit = this.#limits.get(device) ?? MOST_DRIFT
    const [from, to] = [Math.min(before, limit), Math.min(after, limit)]
    if (from === to) return
    const share = table.get(slot, OVER) / records
    const why = `${percent(share)} of ${Math.round(records)} ordinary records of the last days have p under 0.1, where 10 % are promised`
    this.#tell({ kind: this.#kind, device, at: ts, from, to, why }, undo)
  }

  #tell(step: Omit<Adaptation, 'id'>, undo: Undo | undefined): void {
    const id = createHash('sha256').update(JSON.stringify(step)).digest('hex').slice(0, 8)
    const [told, length, forgotten] = [this.#told, this.#told.length, this.forgotten]
    undo?.push(() => {
      told.length = length
      this.#told = told
      this.forgotten = forgotten
    })
    if (length >= 2 * MOST_TOLD) {
      this.#told = told.slice(-MOST_TOLD)
      this.forgotten += length - MOST_TOLD
    }
    this.#told.push({ id, ...step })
  }

  /** By how much more unusual a device's ordinary records look than was promised, in evidence; >= 0. */
  #shift(slot: number): number {
    const tenth = this.#levelOf(slot, 10 ** -FIRST_LEVEL) - FIRST_LEVEL
    const thirtieth = this.#levelOf(slot, 10 ** -(FIRST_LEVEL + HALF * STEP)) - (FIRST_LEVEL + HALF * STEP)
    return Math.max(0, Math.min(tenth, thirtieth))
  }

  /** The level that this share of the device's records is over; the first one where fewer are. */
  #levelOf(slot: number, share: number): number {
    const table = this.#devices
    const records = table.get(slot, RECORDS)
    const over = (k: number) => table.get(slot, OVER + k)
    let k = 0
    while (k < LEVELS && over(k) >= FEWEST_OVER && over(k) >= share * records) k++
    if (k === 0) return FIRST_LEVEL
    const level = FIRST_LEVEL + (k - 1) * STEP
    if (k === LEVELS || over(k) < FEWEST_OVER) return level
    const [here, next] = [Math.log(over(k - 1)), Math.log(over(k))]
    return level + (STEP * (here - Math.log(share * records))) / (here - next)
  }

  /** All of it, for {@link restore}. */
  save(): DriftState {
    return { devices: this.#devices.save(), adaptations: [...this.#told], forgotten: this.forgotten }
  }

  /** @throws RangeError when it is the state of something else */
  restore({ devices, adaptations, forgotten }: DriftState): void {
    this.#devices.restore(devices)
    this.#told = [...adaptations]
    this.forgotten = forgotten
  }
}

function isDecision(entry: Feedback): entry is DriftDecision {
  return entry.verdict === 'hold' || entry.verdict === 'follow'
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}
