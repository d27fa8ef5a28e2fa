import { stringAt } from '../schema/dictionary.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { JobRows } from '../store/jobs.ts'
import type { StoredModel } from '../store/models.ts'
import type { Repositories, Store } from '../store/store.ts'
import { isReplaceable, type Lesson, lessonOf, OWN, SAMPLE } from './own-models.ts'

type Kind = Batch['kind']

export const KINDS = ['flows', 'readings'] as const

/** Records from which is learned, and hours in which there are some. docs/decisions/094 has the measurements. */
const RECORDS = 1000
const HOURS = { flows: 3, readings: 24 } as const
/** Of devices that an own model does not know yet: a day, so that a stranger is told before it is learned. */
const HOURS_OF_NEW = 24
/** An own model is made anew from so many times its hours, up to those of the last. */
const TIMES = 4
const LAST = 12 * 24
/** Hours and devices remembered. */
const MOST_HOURS = TIMES * LAST
const MOST_DEVICES = 1000
const KEY = 'learning'
const JOB = 'learn'

/** What came of one kind since its model is active, as it is saved. */
interface Gathered {
  /** The active model, 0 = none. */
  readonly model: number
  /** Records of devices that are new to it, and hours since the epoch in which there were some. */
  readonly records: number
  readonly hours: readonly number[]
  readonly devices: readonly string[]
  /** Hours in which there were records of any device. */
  readonly since: readonly number[]
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

/**
 * Counts what comes in of devices that are new to the active models, and has it learned once it is enough. What was
 * counted is saved with the engine's state, so that it follows from the journal alone, wherever the process dies.
 */
export class Learning {
  readonly #of: ReadonlyMap<Kind, Count>

  private constructor(counts: readonly Count[]) {
    this.#of = new Map(counts.map((count) => [count.kind, count]))
  }

  /** Kinds whose model is the sample's, and was not chosen by a person. */
  get bySample(): ReadonlySet<Kind> {
    const bySample = [...this.#of.values()].filter(
      ({ replaceable, origin }) => replaceable && origin === SAMPLE,
    )
    return new Set(bySample.map(({ kind }) => kind))
  }

  /** Whether an own model was made from records of this device. */
  isLearned(device: string): boolean {
    return [...this.#of.values()].some((count) => count.learned?.has(device))
  }

  /** Goes on from what was saved; from nothing for kinds that have another model by now. */
  static async load({ meta }: Pick<Repositories, 'meta'>, active: readonly StoredModel[]): Promise<Learning> {
    const saved = await meta.get<Gathered[]>(KEY)
    const counts = KINDS.map(async (kind, k) => {
      const model = active.find((one) => one.kind === kind)
      const before = saved?.[k]
      return new Count(kind, before?.model === (model?.id ?? 0) ? before : nothingOf(model), {
        origin: model?.origin,
        replaceable: await isReplaceable({ meta }, kind, model),
        lesson: model?.origin === OWN ? await lessonOf({ meta }, model) : undefined,
      })
    })
    return new Learning(await Promise.all(counts))
  }

  /**
   * Counts a batch.
   *
   * @param strange (rows) 1 where the model does not know the device; left out where it knows all
   */
  add(batch: Batch, strange: Uint8Array | undefined): void {
    this.#of.get(batch.kind)!.add(batch, strange)
  }

  /** Saves what was counted, and puts a job in the queue for each kind of which there is enough. @returns their numbers */
  async save(tx: Repositories, store: Store): Promise<{ kind: Kind; job: number }[]> {
    const begun: { kind: Kind; job: number }[] = []
    for (const count of this.#of.values()) {
      if (!count.isEnough || (await isUnderWay(tx, JOB, { kind: count.kind }))) continue
      const { id } = await new JobRows(store).add(JOB, { kind: count.kind }, 'motewatch', tx)
      count.tries++
      begun.push({ kind: count.kind, job: id })
    }
    const gathered = [...this.#of.values()]
    if (gathered.some(({ changed }) => changed))
      await tx.meta.set(
        KEY,
        gathered.map((count) => count.save()),
      )
    return begun
  }

  /** Kinds of which there are devices that the service has yet to learn. */
  async progress(tx: Repositories): Promise<Progress[]> {
    const open = [...this.#of.values()].filter(({ records }) => records > 0)
    return Promise.all(
      open.map(async (count) => ({
        kind: count.kind,
        state: !count.replaceable
          ? 'off'
          : (await isUnderWay(tx, JOB, { kind: count.kind }))
            ? 'learning'
            : 'gathering',
        ...count.progress,
      })),
    )
  }
}

interface AboutModel {
  /** Undefined without a model. */
  readonly origin: string | undefined
  readonly replaceable: boolean
  /** What an own model was made from. */
  readonly lesson: Lesson | undefined
}

/** What is counted of one kind. */
class Count {
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
    this.records = gathered.records
    this.tries = gathered.tries
  }

  add({ ts, device }: Batch, strange: Uint8Array | undefined): void {
    if (!device || (!strange && !this.#lesson)) return
    const isNew = device.values.map((name) => this.learned?.has(name) === false)
    for (let i = 0; i < ts.length; i++) {
      const hour = Math.floor(ts[i]! / 3600)
      if (Number.isNaN(hour)) continue
      if (this.#lesson) put(this.#since, hour, MOST_HOURS)
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
    if (!lesson || lesson.hours >= LAST) return false
    return this.#since.size >= (TIMES - 1) * lesson.hours * 2 ** this.tries
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
      tries: this.tries,
    }
  }
}

function nothingOf(model: StoredModel | undefined): Gathered {
  return { model: model?.id ?? 0, records: 0, hours: [], since: [], devices: [], tries: 0 }
}

function put<T>(set: Set<T>, value: T, most: number): void {
  if (set.size < most) set.add(value)
}

/** Whether there is a job, waiting or running. */
export async function isUnderWay(
  { db }: Pick<Repositories, 'db'>,
  job: string,
  params: object = {},
): Promise<boolean> {
  const found = await db
    .selectFrom('jobs')
    .select('id')
    .where('kind', '=', job)
    .where('params_json', '=', JSON.stringify(params))
    .where('state', 'in', ['queued', 'running'])
    .executeTakeFirst()
  return found !== undefined
}
