import { createHash } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import { withFeedback } from '../feedback/entry.ts'
import type { Feedback } from '../schema/feedback.ts'
import { StoreError } from './errors.ts'
import { bundleFromBuffer, bundleToBuffer, type ModelBundle, type TrainingSummary } from './model-bundle.ts'
import type { ModelsTable, Tables } from './tables.ts'

/** A model without its bytes. */
export interface StoredModel extends Omit<Selectable<ModelsTable>, 'bytes' | 'card_json'> {
  readonly card: TrainingSummary
}

/** An active model with the bytes of its file on shared memory. */
export interface ActiveModel {
  readonly id: number
  readonly sha256: string
  readonly name: string
  readonly bytes: Uint8Array<SharedArrayBuffer>
}

const COLUMNS = [
  'id',
  'kind',
  'name',
  'created',
  'active',
  'previous_id',
  'sha256',
  'size',
  'card_json',
  'origin',
] as const

/** Models; at most one of each kind is active. */
export class Models {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  /**
   * Keeps a model, not active yet.
   *
   * @param bytes of a model file
   * @param origin where it came from: `sample`, `job:7`, `upload`
   * @param name shown to people; by its number when left out
   * @throws ModelFormatError when the bytes are no model, damaged, or of another version
   */
  async add(bytes: Uint8Array, origin: string, name?: string): Promise<StoredModel> {
    const bundle = bundleFromBuffer(bytes, name ?? 'the model')
    const row = await this.#db
      .insertInto('models')
      .values({
        kind: bundle.kind,
        name: name ?? '',
        created: Date.now() / 1000,
        active: 0,
        previous_id: null,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        size: bytes.length,
        bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
        card_json: JSON.stringify(bundle.summary),
        origin,
      })
      .returning(COLUMNS)
      .executeTakeFirstOrThrow()
    if (name !== undefined) return model(row)
    const named = `${bundle.kind} ${row.id}`
    await this.#db.updateTable('models').set({ name: named }).where('id', '=', row.id).execute()
    return model({ ...row, name: named })
  }

  /** Newest first. */
  async list(kind?: ModelBundle['kind']): Promise<StoredModel[]> {
    let query = this.#db.selectFrom('models').select(COLUMNS).orderBy('id', 'desc')
    if (kind) query = query.where('kind', '=', kind)
    return (await query.execute()).map(model)
  }

  async get(id: number): Promise<StoredModel | undefined> {
    const row = await this.#db.selectFrom('models').select(COLUMNS).where('id', '=', id).executeTakeFirst()
    return row && model(row)
  }

  async active(kind: ModelBundle['kind']): Promise<StoredModel | undefined> {
    const row = await this.#db
      .selectFrom('models')
      .select(COLUMNS)
      .where('kind', '=', kind)
      .where('active', '=', 1)
      .executeTakeFirst()
    return row && model(row)
  }

  /** The bytes of its file. */
  async bytes(id: number): Promise<Uint8Array | undefined> {
    const row = await this.#db.selectFrom('models').select('bytes').where('id', '=', id).executeTakeFirst()
    return row?.bytes
  }

  /** Names the active models: another name, other models. Empty without any. */
  async signature(): Promise<string> {
    return signatureOf(await this.#actives().execute())
  }

  /**
   * The active models with the bytes of their files, which are read on shared memory.
   *
   * @param known had before: those that are unchanged are taken from here
   */
  async activeBytes(known: readonly ActiveModel[] = []): Promise<ActiveModel[]> {
    const active: ActiveModel[] = []
    for (const { id, sha256 } of await this.#actives().execute()) {
      const same = known.find((model) => model.id === id && model.sha256 === sha256)
      const row =
        same ?? (await this.#actives().select(['bytes', 'name']).where('id', '=', id).executeTakeFirst())
      if (row) active.push(same ?? { ...row, bytes: moved(row.bytes) })
    }
    return active
  }

  /** The active models, ready to score. */
  async bundles(): Promise<ModelBundle[]> {
    return (await this.activeBytes()).map(({ name, bytes }) => bundleFromBuffer(bytes, name))
  }

  #actives() {
    return this.#db.selectFrom('models').select(['id', 'sha256']).where('active', '=', 1).orderBy('kind')
  }

  /** Makes it the active one of its kind. @returns undefined when there is no such model */
  activate(id: number): Promise<StoredModel | undefined> {
    return this.#inTransaction(async (db) => {
      const row = await db
        .selectFrom('models')
        .select(['kind', 'active'])
        .where('id', '=', id)
        .executeTakeFirst()
      if (!row) return undefined
      if (row.active === 1) return new Models(db).get(id)
      const before = await new Models(db).active(row.kind)
      await db.updateTable('models').set({ active: 0 }).where('kind', '=', row.kind).execute()
      await db
        .updateTable('models')
        .set({ active: 1, previous_id: before?.id ?? null })
        .where('id', '=', id)
        .execute()
      return new Models(db).get(id)
    })
  }

  /**
   * Makes the model active again that was active before the present one of `kind`.
   *
   * @throws StoreError when there was none, or it was deleted
   */
  rollBack(kind: ModelBundle['kind']): Promise<StoredModel> {
    return this.#inTransaction(async (db) => {
      const models = new Models(db)
      const now = await models.active(kind)
      const before = now?.previous_id == null ? undefined : await models.get(now.previous_id)
      if (!before) {
        throw new StoreError(
          `there is no earlier model for ${kind} to go back to; activate one by its number`,
        )
      }
      await db.updateTable('models').set({ active: 0 }).where('kind', '=', kind).execute()
      await db.updateTable('models').set({ active: 1 }).where('id', '=', before.id).execute()
      return (await models.get(before.id))!
    })
  }

  /** @returns false when there is no such model. @throws StoreError when it is active */
  async remove(id: number): Promise<boolean> {
    const row = await this.get(id)
    if (!row) return false
    if (row.active === 1) {
      throw new StoreError(
        `model ${id} is the active one for ${row.kind}; activate another before deleting it`,
      )
    }
    const { numDeletedRows } = await this.#db
      .deleteFrom('models')
      .where('id', '=', id)
      .where('active', '=', 0)
      .executeTakeFirstOrThrow()
    return numDeletedRows > 0
  }

  /**
   * Changes what people said that the active model of `kind` keeps; what scores with it hears of it.
   *
   * @returns what is kept then; undefined when there is no active model
   * @throws TypeError for an entry that is none
   */
  changeFeedback(
    kind: ModelBundle['kind'],
    change: (entries: readonly Feedback[]) => readonly Feedback[],
  ): Promise<readonly Feedback[] | undefined> {
    return this.#inTransaction(async (db) => {
      const row = await db
        .selectFrom('models')
        .select(['id', 'name', 'bytes'])
        .where('kind', '=', kind)
        .where('active', '=', 1)
        .executeTakeFirst()
      if (!row) return undefined
      const bundle = bundleFromBuffer(row.bytes, row.name)
      const changed = withFeedback(bundle, change(bundle.feedback ?? []))
      const bytes = new Uint8Array(bundleToBuffer(changed))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      await db
        .updateTable('models')
        .set({ bytes: Buffer.from(bytes.buffer), sha256, size: bytes.length })
        .where('id', '=', row.id)
        .execute()
      return changed.feedback ?? []
    })
  }

  #inTransaction<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    return this.#db.isTransaction ? work(this.#db) : this.#db.transaction().execute(work)
  }
}

function model({ card_json, ...row }: Omit<Selectable<ModelsTable>, 'bytes'>): StoredModel {
  return { ...row, card: JSON.parse(card_json) as TrainingSummary }
}

/** Names models: another name, other models. Empty for none. */
export function signatureOf(models: readonly Pick<ActiveModel, 'id' | 'sha256'>[]): string {
  return models.map(({ id, sha256 }) => `${id}:${sha256}`).join(' ')
}

/** The bytes on shared memory, and their own given back at once: nobody tidies up after a thread that has nothing to do. */
function moved(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  if (bytes.buffer instanceof ArrayBuffer && bytes.length === bytes.buffer.byteLength)
    bytes.buffer.transfer(0)
  return shared
}
