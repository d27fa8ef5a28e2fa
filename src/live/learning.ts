import type { Batch } from '../schema/reading-batch.ts'
import { JobRows } from '../store/jobs.ts'
import type { StoredModel } from '../store/models.ts'
import type { Repositories, Store } from '../store/store.ts'
import { Count, type Gathered, nothingOf, type Progress } from './count.ts'
import { isReplaceable, lessonOf, OWN, SAMPLE } from './own-models.ts'

type Kind = Batch['kind']

export const KINDS = ['flows', 'readings'] as const

const KEY = 'learning'
const JOB = 'learn'

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
   * @param told how many were told as anomalies
   */
  add(batch: Batch, strange: Uint8Array | undefined, told: number): void {
    this.#of.get(batch.kind)!.add(batch, strange, told)
  }

  /** Saves what was counted, and puts a job in the queue for each kind of which there is enough. @returns their numbers */
  async save(tx: Repositories, store: Store): Promise<{ kind: Kind; job: number }[]> {
    const begun: { kind: Kind; job: number }[] = []
    for (const count of this.#of.values()) {
      if (!count.isEnough || (await isUnderWay(tx, JOB, { kind: count.kind }))) continue
      const { id } = await new JobRows(store).add(JOB, { kind: count.kind }, 'motewatch', tx)
      count.begin()
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
