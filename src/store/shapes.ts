import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** The metrics that a reading has, by the number of its shape. Shapes never change, so what was read once stays. */
export class Shapes {
  readonly #db: Kysely<Tables>
  readonly #known: Map<number, readonly string[]>

  /** @param known shared between the repositories of one store */
  constructor(db: Kysely<Tables>, known: Map<number, readonly string[]>) {
    this.#db = db
    this.#known = known
  }

  /** The sorted metric names of each of `ids`. */
  async metrics(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, readonly string[]>> {
    if ([...ids].some((id) => !this.#known.has(id))) {
      for (const { id, metrics_json } of await this.#db.selectFrom('reading_shapes').selectAll().execute()) {
        this.#known.set(id, JSON.parse(metrics_json) as string[])
      }
    }
    return this.#known
  }
}
