import { InputError } from '../adapters/read-report.ts'
import { type IncidentSummary, IncidentTracker } from '../incidents/incident-tracker.ts'
import { WorkerPool } from '../kernels/worker-pool.ts'
import type { Score } from '../models/together.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Adaptation, Feedback } from '../schema/feedback.ts'
import type { Incident } from '../schema/incident.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { rollBack, type Undo } from '../schema/undo.ts'
import type { ModelBundle, TrainedPast } from '../store/model-bundle.ts'
import { stateFromBuffer, stateToBuffer } from './engine-state.ts'
import { expectKnownMetrics } from './known-metrics.ts'
import { Line, type ScoredBatch } from './line.ts'
import type { ModelChoice } from './options.ts'
import { type PreparedBatch, Stages } from './stages.ts'
import { startFrom } from './trained-past.ts'

type Kind = ModelBundle['kind']

export interface EngineOptions {
  /** Confidence from which a record is an anomaly, 0–1; that of each model when left out. */
  readonly threshold?: number
  readonly model?: ModelChoice
  /** Local networks in CIDR form; the private ranges when left out. */
  readonly local?: readonly string[]
  /** Threads for large batches; small ones are scored on the calling thread. One of its own when left out. */
  readonly pool?: WorkerPool
  /** How samples are scored, where that is not batch by batch with `pool`. */
  readonly score?: Score
  /** Number of the first incident; 1 when left out. */
  readonly nextIncident?: number
  /** Records of a kind up to this time, seconds since the epoch, are history: scored, never told. */
  readonly after?: Partial<Record<Kind, number>>
  /** Whether a slow change of each device's normal is followed, see `DriftFollower`; true when left out. */
  readonly drift?: boolean
  /** Which devices the models can judge; all when left out. */
  readonly knows?: Knows
}

/**
 * Whether the models learned what is normal for a device. Readings of others are not scored, only followed; of their
 * flows only those are told that are an attack whosever they are.
 *
 * @param metrics that it has sent so far, for readings
 */
export type Knows = (kind: Kind, device: string, metrics: Iterable<string>) => boolean

/** A batch whose devices the engine has met. */
export interface Met {
  readonly batch: Batch
  /** Number of the batch's first row among all records that the engine was given. */
  readonly firstRecord: number
}

/** What came of a batch. */
export interface Processed extends ScoredBatch, Met {
  readonly batch: Batch
  readonly anomalies: readonly Anomaly[]
  /** Rows that could be anomalies: all but history. */
  readonly scored: number
}

/** How well a device is known. */
export interface DeviceState {
  /** Records of it so far. */
  readonly seen: number
  /** Records left until its own normal is known, 0 = it is; an estimate for flows, where time decides. */
  readonly learning: number
}

/** Devices that are still got to know. */
export interface Learning {
  readonly devices: number
  /** Records left, of the device with fewest and the one with most. */
  readonly least: number
  readonly most: number
}

/** Incidents of which is told at the end what would have been ordinary: those with most evidence. */
const MOST_COUNTERFACTUALS = 20

/**
 * Scores batches as they come, from files that end and from services that do not.
 *
 * The order in which batches are given to `process` is all that counts: answers depend on the records before and on
 * nothing else, however these are cut into batches, whatever the number of threads, and whether the engine was
 * saved and restored in between. Memory is bounded.
 */
export class Engine {
  readonly #stages: Stages
  readonly #lines: ReadonlyMap<Kind, Line>
  readonly #tracker = new IncidentTracker()
  readonly #pool: WorkerPool
  readonly #ownPool: boolean
  readonly #after: NonNullable<EngineOptions['after']>
  readonly #begun = new Set<Kind>()
  /** Time of the first record that this engine was given, NaN where it had none. */
  readonly #from = new Map<Kind, number>()
  /** What training knew of the devices of kinds that there was nothing of yet; the stages have it. */
  readonly #pasts = new Map<Kind, TrainedPast>()
  /** Until when training knew the devices of kinds that began without it; and the newest record of each kind. */
  readonly #unused = new Map<Kind, number>()
  readonly #to = new Map<Kind, number>()
  readonly #options: EngineOptions
  #records = 0
  #incidents: number
  /** Settled when the batch given last is through. */
  #turn: Promise<void> = Promise.resolve()
  #underWay = 0

  /** @throws OptionError when a bundle lacks the model that is asked for, RangeError for a network not in CIDR form */
  constructor(bundles: readonly ModelBundle[], options: EngineOptions = {}) {
    this.#options = options
    this.#ownPool = options.pool === undefined
    this.#pool = options.pool ?? new WorkerPool()
    this.#after = options.after ?? {}
    this.#incidents = (options.nextIncident ?? 1) - 1
    this.#stages = new Stages(options.local, true)
    const nextIncident = () => ++this.#incidents
    this.#lines = new Map(
      bundles.map((bundle) => [bundle.kind, new Line(bundle, options, this.#pool, nextIncident)]),
    )
    for (const { kind, past } of bundles) {
      if (!past) continue
      startFrom(kind, past, this.#stages)
      this.#pasts.set(kind, past)
    }
  }

  /**
   * Which records of the batch are unusual and why. The next batch may be given before this one is through; answers
   * come in order.
   *
   * @param source where the batch is from, for messages and anomalies
   * @throws InputError when there is no model for this kind of data, or it has no metric that the model learned
   */
  async process(batch: Batch, source: string): Promise<Processed> {
    return this.#inTurn(
      () => this.score(batch, source),
      (rows) => {
        const processed = this.#tell(rows)
        this.#records += batch.length
        this.#tracker.add(processed.anomalies)
        return processed
      },
    )
  }

  /** Gets to know the devices of a batch that no model is for, so that later ones are judged with what they did. */
  meet(batch: Batch): Promise<Met> {
    return this.#inTurn(
      async () => {
        const { batch: met } = this.#stagesFor(batch, false).prepare(batch)
        this.#note(batch)
        return met
      },
      (met) => {
        const firstRecord = this.#records
        this.#records += met.length
        return { batch: met, firstRecord }
      },
    )
  }

  /**
   * As {@link process} answers, without leaving a trace: what is asked about was never there. Only what would have been
   * ordinary is left out, as it takes milliseconds.
   *
   * @param asked a threshold or models other than the engine's own
   * @throws InputError as process does, OptionError when the bundle lacks the model that is asked for
   */
  async peek(
    batch: Batch,
    source: string,
    asked: Pick<EngineOptions, 'threshold' | 'model'> = {},
  ): Promise<Processed> {
    return this.#inTurn(
      () => this.#score(batch, source, [], asked),
      (rows) => {
        const undo: Undo = []
        const incidents = this.#incidents
        try {
          return this.#tell(rows, undo)
        } finally {
          rollBack(undo)
          this.#incidents = incidents
        }
      },
    )
  }

  /** The first half of {@link process}: evidence, without anomalies and incidents. */
  async score(batch: Batch, source: string): Promise<ScoredBatch> {
    return this.#score(batch, source)
  }

  /** Begins `first` at once, and does `then` after the batches before. */
  async #inTurn<T, R>(first: () => Promise<T>, then: (value: T) => R): Promise<R> {
    const before = this.#turn
    let through = () => {}
    this.#turn = new Promise((resolve) => {
      through = resolve
    })
    this.#underWay++
    try {
      const value = await first()
      await before
      return then(value)
    } finally {
      this.#underWay--
      through()
    }
  }

  async #score(
    batch: Batch,
    source: string,
    undo?: Undo,
    asked: Pick<EngineOptions, 'threshold' | 'model'> = {},
  ): Promise<ScoredBatch> {
    const line = this.#lineOf(batch, source)
    const scorer = line.scorerOf(asked.model)
    const threshold = asked.threshold ?? line.threshold
    const { bundle, models, ceiling } = scorer
    const stages = this.#stagesFor(batch, undo !== undefined)
    let prepared: PreparedBatch
    try {
      prepared = stages.prepare(batch, undo)
    } finally {
      if (undo) rollBack(undo)
    }
    if (!undo) this.#note(batch)
    const strange = this.#strange(prepared.batch, stages)
    // Readings of unknown devices are never told; their flows may be an attack.
    const scores = await scorer.score(prepared.features, batch.kind === 'readings' ? strange : undefined)
    return { ...prepared, ...scores, kind: batch.kind, source, bundle, models, ceiling, threshold, strange }
  }

  #strange({ kind, device }: Batch, { readings }: Stages): Uint8Array | undefined {
    const { knows } = this.#options
    if (!knows || !device) return undefined
    const strange = device.values.map((name) => !knows(kind, name, readings.metricsOf(name)))
    return strange.includes(true) ? Uint8Array.from(device.codes, (code) => Number(strange[code])) : undefined
  }

  /**
   * The stages for a batch. Its kind goes on from what training knew, unless the first record of all is from before the
   * end of training (or has no time): then devices are strangers, as they are met at another time than was known.
   */
  #stagesFor({ kind, ts }: Batch, look: boolean): Stages {
    const past = this.#pasts.get(kind)
    const later = past !== undefined && ts[0]! >= past.until
    if (!past || (look && later)) return this.#stages
    if (look) return new Stages(this.#options.local, true)
    this.#pasts.delete(kind)
    if (!later) {
      this.#stages.forget(kind)
      this.#unused.set(kind, past.until)
    }
    return this.#stages
  }

  #note({ kind, ts }: Batch): void {
    this.#begun.add(kind)
    if (!this.#from.has(kind)) this.#from.set(kind, ts[0]!)
    let to = this.#to.get(kind) ?? Number.NEGATIVE_INFINITY
    for (let i = 0; i < ts.length; i++) if (ts[i]! > to) to = ts[i]!
    this.#to.set(kind, to)
  }

  #lineOf(batch: Batch, source: string): Line {
    const line = this.#lines.get(batch.kind)
    if (!line) throw noModelFor(batch.kind, source, [...this.#lines.keys()])
    expectKnownMetrics(batch, line.scorer.bundle, source)
    return line
  }

  #tell(rows: ScoredBatch, undo?: Undo): Processed {
    const scored = withoutHistory(rows, this.#after[rows.kind])
    const anomalies = this.#lines.get(rows.kind)!.tell(rows, this.#records, undo)
    return { ...rows, anomalies, firstRecord: this.#records, scored }
  }

  /** Incidents that began or changed since this was last asked, as they stand now; all of them at first. */
  incidents(): Incident[] {
    return this.#tracker.changed()
  }

  /** All incidents, most evidence first. */
  finish(): IncidentSummary {
    const { incidents, leftOut } = this.#tracker.finish()
    return {
      incidents: incidents.map((i, k) => (k < MOST_COUNTERFACTUALS ? this.withCounterfactual(i) : i)),
      leftOut,
    }
  }

  /** The incident with what would have been ordinary instead of its strongest anomaly, where that is known. */
  withCounterfactual(incident: Incident): Incident {
    const counterfactual = this.#lines.get(incident.kind)?.explainer.counterfactual(incident.strongest)
    return counterfactual ? { ...incident, counterfactual } : incident
  }

  /** Highest confidence of any record, anomaly or not. */
  get highest(): number {
    return Math.max(0, ...[...this.#lines.values()].map(({ explainer }) => explainer.highest))
  }

  /** What people's feedback changed, by kind of data. */
  get feedback() {
    return [...this.#lines.values()].map(({ judge }) => judge.counts)
  }

  /** From now on this is what people said, in place of what the bundles have. */
  useFeedback(entries: readonly Feedback[]): void {
    for (const [kind, line] of this.#lines) line.useFeedback(entries.filter((entry) => entry.kind === kind))
  }

  /** Steps by which slow changes of devices were followed, in order of kinds and event time. */
  get adaptations(): readonly Adaptation[] {
    return [...this.#lines.values()].flatMap(({ drift }) => drift?.adaptations ?? [])
  }

  /** The threshold of each kind of data that there was. */
  get thresholds(): Partial<Record<Kind, number>> {
    const begun = [...this.#lines].filter(([kind]) => this.#begun.has(kind))
    return Object.fromEntries(begun.map(([kind, { threshold }]) => [kind, threshold]))
  }

  /** Kinds whose records begin before the end of training and go on after it, so that its knowledge was of no use. */
  get overlaps(): { readonly kind: Kind; readonly until: number }[] {
    const all = [...this.#unused].map(([kind, until]) => ({ kind, until }))
    return all.filter(({ kind, until }) => this.#to.get(kind)! > until)
  }

  /** How well a device is known; nothing is for one never seen, or forgotten. */
  deviceState(device: string): DeviceState {
    let [seen, learning] = [0, 0]
    for (const [kind, { usesPast }] of this.#lines) {
      const known = this.#stages.acquaintance(kind, device)
      if (!known) continue
      seen += known.seen
      if (usesPast) learning = Math.max(learning, known.learning)
    }
    return { seen, learning }
  }

  /** Until when training knew devices, where that is of no use to a look at a batch, as it begins before. */
  unusedPast({ kind, ts }: Batch): number | undefined {
    const past = this.#pasts.get(kind)
    return past && !(ts[0]! >= past.until) ? past.until : undefined
  }

  /** Devices met by this engine whose own normal is not known yet. */
  learning(): Learning {
    const left: number[] = []
    for (const [kind, from] of this.#from) {
      if (!this.#lines.get(kind)!.usesPast) continue
      for (const { last, learning } of this.#stages[kind].acquaintances()) {
        if (last >= from && learning > 0) left.push(learning)
      }
    }
    left.sort((a, b) => a - b)
    return { devices: left.length, least: left[0] ?? 0, most: left.at(-1) ?? 0 }
  }

  /**
   * Everything that later answers depend on, but not the models: devices, names, behaviour, pasts of readings,
   * histories, incidents and their numbers.
   *
   * @throws Error while a batch is under way
   */
  save(): ArrayBuffer {
    if (this.#underWay > 0) {
      throw new Error(
        `the engine cannot be saved while ${this.#underWay} batches are under way; await them first`,
      )
    }
    return stateToBuffer({
      stages: this.#stages.save(),
      begun: [...this.#begun],
      records: this.#records,
      incidents: this.#incidents,
      kinds: [...this.#lines.values()].map((line) => line.save()),
      tracker: this.#tracker.save(),
    })
  }

  /**
   * Goes on from what {@link save} gave, also that of an engine with other models. For an engine that has had no batch.
   *
   * @throws ModelFormatError when the buffer is damaged or of another version; then nothing has changed
   */
  restore(buffer: ArrayBufferLike): void {
    const state = stateFromBuffer(buffer)
    for (const kind of state.begun) {
      this.#stages.restore(kind, state.stages)
      this.#pasts.delete(kind)
    }
    for (const own of state.kinds) this.#lines.get(own.kind)?.restore(own)
    for (const kind of state.begun) this.#begun.add(kind)
    this.#tracker.restore(state.tracker)
    this.#records = state.records
    this.#incidents = Math.max(this.#incidents, state.incidents)
  }

  /** Ends the threads, where they are the engine's own. */
  async close(): Promise<void> {
    if (this.#ownPool) await this.#pool.close()
  }
}

/** Takes the evidence from rows up to `after`, as NaN reaches no threshold; gives the number of rows that have any. */
function withoutHistory({ batch, combined }: ScoredBatch, after: number | undefined): number {
  let told = 0
  for (let i = 0; i < batch.length; i++) {
    if (after !== undefined && !(batch.ts[i]! > after)) combined[i] = Number.NaN
    if (!Number.isNaN(combined[i]!)) told++
  }
  return told
}

function noModelFor(kind: Kind, source: string, have: readonly Kind[]): InputError {
  return new InputError(
    `${source} has ${kind}, but the models are for ${have.join(' and ') || 'none'}; make one with \`motewatch train --input ${source}\``,
  )
}
